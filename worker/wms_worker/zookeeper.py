"""Sessions with ZooKeeper: the only module that knows kazoo.

kazoo has threads of its own. What it says is handed to the event loop; what could block there is done in
threads that nobody waits for at the end of the process.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from kazoo.client import KazooClient
from kazoo.exceptions import AuthFailedError, KazooException, NoAuthError, SessionClosedRequireSaslError
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.interfaces import IAsyncResult
from kazoo.security import make_acl

from wms_core.application.ports import ElectionToken
from wms_worker.ensemble import Ensemble, EnsembleUnusable
from wms_worker.handover import fail, give, in_thread, tell
from wms_worker.tls import Tls

T = TypeVar("T")

_BLATHER = 5  # kazoo's level for what it says of each session
_RETRY = {"max_tries": -1, "delay": 0.05, "backoff": 2, "max_delay": 0.5}
_log = structlog.get_logger(__name__)


class Session:
    """One candidature for a role in one session; both are thrown away together.

    A kazoo Lock must not be used again after its session was lost, and a session that was suspended may be
    lost: so what has been interrupted once has ended, though kazoo may reconnect.
    """

    def __init__(self, ensemble: Ensemble, role: str, worker_id: str) -> None:
        """Begin to connect; from a running event loop."""
        self.connected = asyncio.Event()
        self.ended = asyncio.Event()
        self.cause = ""
        self._ensemble = ensemble
        self._loop = asyncio.get_running_loop()
        self._voice = _Voice(self._broke)
        self._reachable = threading.Event()
        self._parted = threading.Event()
        self._watched = time.monotonic()
        self._folder = f"{ensemble.path.rstrip('/')}/{role}"
        self._client = _client(ensemble, self._voice)
        self._client.add_listener(self._state_changed)
        self._lock = self._client.Lock(self._folder, worker_id)
        self._client.start_async()

    @property
    def complaint(self) -> str:
        """What kazoo last complained of while it connected."""
        return self._voice.complaint

    async def elected(self) -> ElectionToken:
        """Wait until this candidate is the first in line.

        Raises `EnsembleUnusable` when the session ends before, or when it may not stand. Cancelled, it leaves
        the line when the session is parted from.
        """
        won: asyncio.Future[ElectionToken] = self._loop.create_future()
        in_thread(self._stand, won)
        ended = asyncio.ensure_future(self.ended.wait())
        awaited: set[asyncio.Future[Any]] = {won, ended}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if self.ended.is_set():
                raise EnsembleUnusable(self.cause)
            return won.result()
        finally:
            for one in awaited:
                one.cancel()

    async def confirm(self) -> bool:
        """Ask the ensemble's leader whether the lock is still ours; waits as long as there is no answer.

        A holder that asks less often than the session timeout is taken for stuck, and its session is closed:
        kazoo's own threads would keep it for ever. Raises `EnsembleUnusable` when the session has ended.
        """
        self._watched = time.monotonic()
        try:
            # By itself a node behind the others would answer from its memory.
            await self._answer(self._client.sync_async(self._folder))
            return await self._answer(self._client.exists_async(self._node)) is not None
        except KazooException as error:
            raise EnsembleUnusable(_words(error)) from error

    async def part(self) -> None:
        """End the session, so that its place in the line is free at once; as late as it would end by itself
        when the ensemble can't be reached. Go on without waiting, if it takes too long.
        """
        over: asyncio.Future[None] = self._loop.create_future()
        in_thread(self._close, over)
        await over

    @property
    def _node(self) -> str:
        return f"{self._folder}/{self._lock.node}"

    # On kazoo's threads, or on our own

    def _state_changed(self, state: str) -> None:
        if state == "CONNECTED":
            self._reachable.set()
        else:
            self._reachable.clear()
        self._tell(self._enter, state, self._client.client_state)

    def _broke(self, error: BaseException) -> None:
        self._tell(self._end, self._explain(error))

    def _stand(self, won: "asyncio.Future[ElectionToken]") -> None:
        try:
            self._lock.acquire()
            token = self._token()
        except Exception as error:
            self._tell(fail, won, EnsembleUnusable(self._explain(error)))
            return
        self._watched = time.monotonic()
        self._tell(give, won, token)
        self._watch()

    def _token(self) -> ElectionToken:
        """Read the folder first: it can't have been made anew while our node has been in it."""
        folder, node = self._client.exists(self._folder), self._client.exists(self._node)
        if folder is None or node is None:
            raise EnsembleUnusable("the lock was removed as soon as it was won")
        return ElectionToken(folder.ctime, node.czxid)

    def _watch(self) -> None:
        """Close the session of a holder that does nothing any more."""
        while not self._parted.wait(self._ensemble.seconds / 4):
            if time.monotonic() - self._watched > self._ensemble.seconds:
                self._close(None)

    def _close(self, over: "asyncio.Future[None] | None") -> None:
        once = not self._parted.is_set()
        self._parted.set()
        self._lock.cancel()
        if once:
            self._stop()
        if over is not None:
            self._tell(give, over, None)

    def _stop(self) -> None:
        """Wait for the ensemble as long as it would keep our node: told in time, it lets go of it."""
        if self._voice.granted is not None:
            self._reachable.wait(self._ensemble.seconds)
        try:
            self._client.stop()
            self._client.close()
        except Exception as error:
            # Nobody can do anything about it: the session ends by itself.
            _log.debug("session_not_closed", error=_words(error))

    def _tell(self, call: Callable[..., object], *values: object) -> None:
        tell(self._loop, call, *values)

    # On the event loop

    def _enter(self, state: str, kind: str) -> None:
        wanted, granted = round(self._ensemble.seconds * 1000), self._voice.granted
        if state != "CONNECTED":
            self._end(_CAUSES.get(kind, f"ZooKeeper {state.lower()}"))
        elif granted != wanted:
            self._end(
                f"ZOOKEEPER_SESSION_TIMEOUT is {wanted} ms, but the ensemble grants {granted} ms; choose one"
                " between its minSessionTimeout and its maxSessionTimeout"
            )
        else:
            self.connected.set()

    def _end(self, cause: str) -> None:
        if not self.ended.is_set():
            self.cause = cause
            self.ended.set()

    def _explain(self, error: BaseException) -> str:
        if isinstance(error, NoAuthError):
            return f"ZOOKEEPER_PATH={self._ensemble.path}: this user may not write there"
        if isinstance(error, (AuthFailedError, SessionClosedRequireSaslError)):
            return (
                _CAUSES["AUTH_FAILED"]
                if self._ensemble.login
                else "ZooKeeper wants a ZOOKEEPER_SASL_USERNAME"
            )
        return str(error) if isinstance(error, EnsembleUnusable) else _words(error)

    async def _answer(self, asked: "IAsyncResult[T]") -> T:
        answered: asyncio.Future[T] = self._loop.create_future()
        asked.rawlink(lambda result: self._tell(_take, answered, result))
        return await answered


_CAUSES = {
    "CONNECTING": "the connection to ZooKeeper was suspended",
    "EXPIRED_SESSION": "the session with ZooKeeper has expired",
    "AUTH_FAILED": "ZooKeeper refuses ZOOKEEPER_SASL_USERNAME or its password",
    "CLOSED": "the session with ZooKeeper was closed",
}


class _Voice(logging.Logger):
    """Takes what kazoo logs: only there it tells which timeout was granted, and why it can't connect."""

    def __init__(self, broke: Callable[[BaseException], None]) -> None:
        super().__init__("kazoo", _BLATHER)
        self.granted: int | None = None
        self.complaint = ""
        self._broke = broke

    def handle(self, record: logging.LogRecord) -> None:
        """Keep what matters; it is all said again by whoever stands for election."""
        if str(record.msg).startswith("Session created") and isinstance(record.args, tuple):
            self.granted = int(str(record.args[2]))
        elif record.levelno >= logging.WARNING:
            self.complaint = record.getMessage()
            _log.debug("kazoo", said=self.complaint)
        if record.exc_info and record.exc_info[1] is not None:
            self._broke(record.exc_info[1])


class _Handler(SequentialThreadingHandler):
    """Starts kazoo's threads, whose faults are not printed past the log: the voice has told of them."""

    def spawn(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> threading.Thread:
        """Start a thread that ends in silence."""

        def quiet() -> None:
            try:
                func(*args, **kwargs)
            except Exception as error:
                _log.debug("kazoo", said=_words(error))

        return super().spawn(quiet)


def _client(ensemble: Ensemble, voice: _Voice) -> KazooClient:
    tls, login = ensemble.tls or Tls(), ensemble.login
    sasl = (
        {"mechanism": "DIGEST-MD5", "username": login.username, "password": login.password} if login else None
    )
    return KazooClient(
        hosts=ensemble.hosts,
        timeout=ensemble.seconds,
        handler=_Handler(),
        connection_retry=_RETRY,
        logger=voice,
        sasl_options=sasl,
        # What one user has made, no other may remove.
        default_acl=[make_acl("sasl", login.username, all=True)] if login else None,
        use_ssl=ensemble.tls is not None,
        ca=tls.ca_file,
        certfile=tls.certificate_file,
        keyfile=tls.key_file,
        keyfile_password=tls.key_password,
        check_hostname=tls.check_hostname,
    )


def _take(future: "asyncio.Future[T]", result: "IAsyncResult[T]") -> None:
    try:
        give(future, result.get(block=False))
    except Exception as error:
        fail(future, error)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
