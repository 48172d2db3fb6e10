"""Election by ZooKeeper (docs/adr/0012).

Who is first in line at the lock holds the role: ZooKeeper says who may claim, the claim in Postgres begins
the term. The holder asks ZooKeeper six times in a session whether the lock is still its own, and steps down
when the connection is interrupted at all, or by its own clock when it has had no answer for two thirds of the
session timeout: before the session can have ended and another may have been elected.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from wms_core.application.ports import Fence, RoleStore
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_worker.ensemble import Ensemble, EnsembleUnusable
from wms_worker.patience import Patience
from wms_worker.zookeeper import Session

_PAUSE = 0.2  # seconds after which one stands in line, and between two candidatures
_TROUBLED = 1.0  # seconds between two candidatures while something keeps it from standing
_FAREWELL = 2.0  # seconds that giving up may take
_HEARTBEAT = 2.0  # seconds between two signs of life in Postgres at most
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Term:
    session: Session
    fence: Fence
    confirmed: float


class ZooKeeperElection:
    """See `wms_worker.election.Election`."""

    def __init__(
        self,
        roles: RoleStore,
        role: str,
        worker_id: str,
        ensemble: Ensemble,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Stand for the role in the name of a worker; `report` is told what keeps it from standing."""
        self._roles = roles
        self._role = role
        self._worker_id = worker_id
        self._ensemble = ensemble
        self._report = report
        self._trouble = ""
        self._patience = Patience()
        self._term: _Term | None = None

    async def win(self) -> Fence:
        """Stand until elected and confirmed by Postgres, by a new session each time."""
        while True:
            session = Session(self._ensemble, self._role, self._worker_id)
            try:
                self._term = await self._stand(session)
            except (EnsembleUnusable, WmsError) as error:
                self._say(str(error))
            finally:
                if self._term is None:
                    await self._leave(self._patience.begin(session.part()))
            if self._term is not None:
                return self._term.fence
            await asyncio.sleep(_TROUBLED if self._trouble else _PAUSE)

    async def lose(self) -> str:
        """Ask ZooKeeper for the lock, and tell Postgres of our life, until one of them says no."""
        if self._term is None:
            return "not held"
        reasons = [
            asyncio.create_task(reason)
            for reason in (
                _ended(self._term.session),
                self._unconfirmed(self._term),
                self._deposed(self._term),
            )
        ]
        try:
            done, _ = await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for reason in reasons:
                reason.cancel()

    async def resign(self) -> None:
        """Leave the line and release the role; what takes too long goes on without being waited for."""
        if self._term is None:
            return
        term, self._term = self._term, None
        await self._leave(
            self._patience.begin(term.session.part()), self._patience.begin(self._release(term.fence))
        )

    async def _stand(self, session: Session) -> _Term:
        await self._reach(session)
        elected = asyncio.create_task(session.elected())
        try:
            done, _ = await asyncio.wait({elected}, timeout=_PAUSE)
            if not done:
                self._say("")
                _log.info("passive", role=self._role, worker_id=self._worker_id)
            token = await elected
        finally:
            elected.cancel()
        asked = time.monotonic()
        epoch = await self._roles.claim_elected(self._role, self._worker_id, token)
        if epoch is None:
            raise EnsembleUnusable(
                f"Postgres knows a later election than {token.folder}/{token.node} of ZOOKEEPER_PATH="
                f"{self._ensemble.path}; another ensemble, or one that was set back, elects here"
            )
        self._say("")
        return _Term(session, Fence(self._role, epoch), asked)

    async def _reach(self, session: Session) -> None:
        """Wait until the session is there, and say so once when that takes long."""
        reached = [asyncio.create_task(event.wait()) for event in (session.connected, session.ended)]
        try:
            patience: float | None = self._ensemble.seconds
            while not session.connected.is_set() and not session.ended.is_set():
                await asyncio.wait(reached, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                self._say_unreached(session)
                patience = None
        finally:
            for waiting in reached:
                waiting.cancel()
        if session.ended.is_set():
            raise EnsembleUnusable(session.cause)

    def _say_unreached(self, session: Session) -> None:
        if not session.connected.is_set() and not session.ended.is_set():
            self._say(f"no answer from ZOOKEEPER_HOSTS={self._ensemble.hosts}: {session.complaint}")

    async def _unconfirmed(self, term: _Term) -> str:
        """Ask again and again; gives the cause when the lock is gone or can't be sure to be there."""
        pause, limit = self._ensemble.seconds / 6, self._ensemble.seconds * 2 / 3
        confirmed = term.confirmed
        while True:
            asked = time.monotonic()
            left = confirmed + limit - asked
            if left <= 0:
                return "this replica stood still for too long"
            try:
                still = await asyncio.wait_for(term.session.confirm(), left)
            except TimeoutError:
                return "ZooKeeper has not answered in time"
            except EnsembleUnusable:
                return "the connection to ZooKeeper was suspended"
            if not still:
                return "the lock is gone"
            confirmed = asked
            await asyncio.sleep(pause)

    async def _deposed(self, term: _Term) -> str:
        """Renew the heartbeat, for those who look; only a later epoch ends the term."""
        pause = min(self._ensemble.seconds / 3, _HEARTBEAT)
        while True:
            try:
                await self._patience.within(pause, self._roles.heartbeat(term.fence))
            except StaleEpoch:
                return "another replica has taken the role"
            except (WmsError, TimeoutError) as error:
                _log.warning("heartbeat_failed", role=self._role, error=str(error))
            await asyncio.sleep(pause)

    async def _release(self, fence: Fence) -> None:
        try:
            await self._roles.release(fence)
        except WmsError as error:
            _log.warning("role_not_released", role=self._role, error=str(error))

    async def _leave(self, *farewells: asyncio.Task[None]) -> None:
        await asyncio.wait(farewells, timeout=_FAREWELL)

    def _say(self, trouble: str) -> None:
        """Report what keeps this replica from standing, and log it when it is something new."""
        if trouble and trouble != self._trouble:
            _log.warning("not_standing", role=self._role, worker_id=self._worker_id, reason=trouble)
        self._trouble = trouble
        self._report(trouble)


async def _ended(session: Session) -> str:
    await session.ended.wait()
    return session.cause
