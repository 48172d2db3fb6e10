"""What every election and every role store has to keep, whatever elects.

A way of electing joins by an `Ensemble` of its own in `_ENSEMBLES`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Protocol

import pytest

from tests.support.proxy import Proxy, open_proxy
from tests.support.roles import MemoryRoles
from tests.support.waiting import Stopwatch, bounded
from tests.support.zookeeper import fresh_path, remove_locks
from wms_core.application.ports import ElectionToken, Fence, RoleStore
from wms_core.domain.errors import StaleEpoch
from wms_core.postgres.database import PoolOptions, open_database
from wms_core.postgres.roles import PostgresRoles
from wms_worker.elected import ZooKeeperElection
from wms_worker.election import Election
from wms_worker.ensemble import Ensemble as ZooKeeperEnsemble
from wms_worker.standalone import StandaloneElection

pytestmark = pytest.mark.one_postgres

ROLE = "fulfillment"
LEASE = timedelta(seconds=0.6)
SESSION = timedelta(seconds=1.5)


class Ensemble(Protocol):
    """What elects, and what may happen to it."""

    #: How long a holder that is not heard of stays in office.
    seconds: float

    def candidate(self, name: str) -> Election:
        """Give a new candidate of that name."""
        ...

    async def depose(self) -> Fence:
        """Give the role to somebody else without asking its holder."""
        ...

    async def withdraw(self, fence: Fence) -> None:
        """Let that somebody else give it up."""
        ...

    async def cut(self) -> None:
        """Make it unreachable for all candidates."""
        ...

    async def heal(self) -> None:
        """Make it reachable again."""
        ...


Opener = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Ensemble]]


class _InMemory:
    """Standalone elections on a store in memory."""

    seconds = LEASE.total_seconds()

    def __init__(self) -> None:
        self._roles = MemoryRoles()

    def candidate(self, name: str) -> Election:
        return StandaloneElection(self._roles, ROLE, name, LEASE)

    async def depose(self) -> Fence:
        epoch = await self._roles.claim(ROLE, "intruder", timedelta(seconds=-1))
        assert epoch is not None
        return Fence(ROLE, epoch)

    async def withdraw(self, fence: Fence) -> None:
        await self._roles.release(fence)

    async def cut(self) -> None:
        self._roles.away = True

    async def heal(self) -> None:
        self._roles.away = False


class _OnPostgres:
    """Standalone elections on Postgres; the candidates reach it through a proxy, the intruder directly."""

    seconds = LEASE.total_seconds()

    def __init__(self, roles: PostgresRoles, direct: PostgresRoles, proxy: Proxy) -> None:
        self._roles = roles
        self._direct = direct
        self._proxy = proxy

    def candidate(self, name: str) -> Election:
        return StandaloneElection(self._roles, ROLE, name, LEASE)

    async def depose(self) -> Fence:
        epoch = await self._direct.claim(ROLE, "intruder", timedelta(seconds=-1))
        assert epoch is not None
        return Fence(ROLE, epoch)

    async def withdraw(self, fence: Fence) -> None:
        await self._direct.release(fence)

    async def cut(self) -> None:
        await self._proxy.cut()

    async def heal(self) -> None:
        await self._proxy.heal()


class _Frozen(_OnPostgres):
    """The same, where the way to Postgres goes silent instead of breaking."""

    async def cut(self) -> None:
        self._proxy.freeze()


class _InZooKeeper:
    """Elections by ZooKeeper, claimed in Postgres; the candidates reach ZooKeeper through a proxy."""

    seconds = SESSION.total_seconds()

    def __init__(self, roles: PostgresRoles, hosts: str, proxy: Proxy) -> None:
        self._roles = roles
        self._hosts = hosts
        self._proxy = proxy
        self._path = fresh_path()
        self._intruder = self._candidate("intruder", hosts)

    def candidate(self, name: str) -> Election:
        return self._candidate(name, self._proxy.url.removeprefix("tcp://"))

    def _candidate(self, name: str, hosts: str) -> Election:
        return ZooKeeperElection(self._roles, ROLE, name, ZooKeeperEnsemble(hosts, self._path, SESSION))

    async def depose(self) -> Fence:
        await asyncio.to_thread(remove_locks, self._hosts, f"{self._path}/{ROLE}")
        return await self._intruder.win()

    async def withdraw(self, fence: Fence) -> None:  # noqa: ARG002 # there is one intruder
        await self._intruder.resign()

    async def cut(self) -> None:
        await self._proxy.cut()

    async def heal(self) -> None:
        await self._proxy.heal()


class _SilentZooKeeper(_InZooKeeper):
    """The same, where the way to ZooKeeper goes silent instead of breaking."""

    async def cut(self) -> None:
        self._proxy.freeze()


@asynccontextmanager
async def _in_memory(_request: pytest.FixtureRequest) -> AsyncIterator[Ensemble]:
    yield _InMemory()


def _postgres(kind: type[_OnPostgres]) -> Opener:
    @asynccontextmanager
    async def open_it(request: pytest.FixtureRequest) -> AsyncIterator[Ensemble]:
        database_url = request.getfixturevalue("database_url")
        options = PoolOptions(statement_timeout=2.0)
        async with (
            open_proxy(database_url) as proxy,
            open_database(proxy.url, options) as database,
            open_database(database_url, options) as direct,
        ):
            yield kind(PostgresRoles(database), PostgresRoles(direct), proxy)
            await proxy.heal()

    return open_it


def _zookeeper(kind: type[_InZooKeeper]) -> Opener:
    @asynccontextmanager
    async def open_it(request: pytest.FixtureRequest) -> AsyncIterator[Ensemble]:
        hosts = request.getfixturevalue("zookeeper_hosts")
        database_url = request.getfixturevalue("database_url")
        async with (
            open_proxy(f"tcp://{hosts.partition(',')[0]}") as proxy,
            open_database(database_url, PoolOptions()) as database,
        ):
            yield kind(PostgresRoles(database), hosts, proxy)
            await proxy.heal()

    return open_it


_ENSEMBLES: dict[str, Opener] = {
    "memory": _in_memory,
    "postgres": _postgres(_OnPostgres),
    "postgres-silent": _postgres(_Frozen),
    "zookeeper": _zookeeper(_InZooKeeper),
    "zookeeper-silent": _zookeeper(_SilentZooKeeper),
}


@pytest.fixture(params=_ENSEMBLES)
async def ensemble(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Ensemble]:
    """Give what elects, of each kind."""
    async with _ENSEMBLES[request.param](request) as opened:
        yield opened


@asynccontextmanager
async def _holding(candidate: Election) -> AsyncIterator["asyncio.Task[str]"]:
    """Hold a won role as a replica does, and give the task that says when it is lost."""
    lost = asyncio.create_task(candidate.lose())
    try:
        yield lost
    finally:
        lost.cancel()
        with suppress(asyncio.CancelledError):
            await lost


async def _waits(candidate: Election, seconds: float) -> "asyncio.Task[Fence]":
    """Let a candidate stand, see that it does not win for so long, and give the task that goes on."""
    task = asyncio.create_task(candidate.win())
    done, _ = await asyncio.wait({task}, timeout=seconds)
    assert not done, f"won by {task.result()}"
    return task


# Elections


async def test_the_only_candidate_wins(ensemble: Ensemble) -> None:
    """Nobody else is asked for; the fence names the role and an epoch."""
    fence = await bounded(ensemble.candidate("a").win(), 2)
    assert fence.role == ROLE
    assert fence.epoch >= 1


async def test_a_second_candidate_waits_while_the_first_is_alive(ensemble: Ensemble) -> None:
    """However long that is."""
    first, second = ensemble.candidate("a"), ensemble.candidate("b")
    await first.win()
    async with _holding(first) as lost:
        waiting = await _waits(second, 3 * ensemble.seconds)
        assert not lost.done()
        waiting.cancel()


async def test_a_role_that_is_resigned_is_won_at_once(ensemble: Ensemble) -> None:
    """The next one need not wait for the lease, and its epoch is later."""
    first, second = ensemble.candidate("a"), ensemble.candidate("b")
    old = await first.win()
    waiting = await _waits(second, 0.1)
    watch = Stopwatch()
    await first.resign()
    new = await bounded(waiting, 2)
    assert watch.seconds < ensemble.seconds
    assert new.epoch > old.epoch


async def test_a_holder_that_vanishes_is_followed_after_its_lease(ensemble: Ensemble) -> None:
    """Not before, as it may be alive; and soon after."""
    began, watch = time.monotonic(), Stopwatch()
    old = await ensemble.candidate("a").win()
    new = await bounded(ensemble.candidate("b").win(), 3)
    assert new.epoch > old.epoch
    assert time.monotonic() - began > 0.8 * ensemble.seconds
    assert watch.seconds < 3 * ensemble.seconds


async def test_a_holder_that_was_deposed_learns_of_it(ensemble: Ensemble) -> None:
    """Within a lease, and with a cause for the log."""
    candidate = ensemble.candidate("a")
    await candidate.win()
    async with _holding(candidate) as lost:
        await ensemble.depose()
        assert await bounded(lost, ensemble.seconds)


async def test_a_holder_that_is_cut_off_steps_down_before_its_lease_ends(ensemble: Ensemble) -> None:
    """By its own clock: when it can't be sure any more, nobody else may have won yet."""
    candidate = ensemble.candidate("a")
    await candidate.win()
    async with _holding(candidate) as lost:
        await asyncio.sleep(ensemble.seconds / 2)
        await ensemble.cut()
        watch = Stopwatch()
        assert await bounded(lost, 5)
        assert watch.seconds < ensemble.seconds


async def test_a_candidate_waits_out_what_it_cannot_reach(ensemble: Ensemble) -> None:
    """It raises nothing, and wins when there is something to win."""
    await ensemble.cut()
    waiting = await _waits(ensemble.candidate("a"), ensemble.seconds)
    await ensemble.heal()
    assert (await bounded(waiting, 10)).epoch >= 1


async def test_resigning_never_blocks_for_long_nor_fails(ensemble: Ensemble) -> None:
    """Also cut off, also twice, also without a term."""
    candidate = ensemble.candidate("a")
    await candidate.resign()
    await candidate.win()
    await ensemble.cut()
    await bounded(candidate.resign(), 3)
    await bounded(candidate.resign(), 1)


async def test_a_deposed_holder_that_resigns_takes_nothing_from_its_successor(ensemble: Ensemble) -> None:
    """The successor stays in office."""
    candidate = ensemble.candidate("a")
    await candidate.win()
    await ensemble.depose()
    await candidate.resign()
    waiting = await _waits(ensemble.candidate("b"), ensemble.seconds / 2)
    waiting.cancel()


async def test_a_candidate_that_lost_may_win_again(ensemble: Ensemble) -> None:
    """By a new term with a later epoch."""
    candidate = ensemble.candidate("a")
    first = await candidate.win()
    successor = await ensemble.depose()
    await candidate.lose()
    await candidate.resign()
    await ensemble.withdraw(successor)
    second = await bounded(candidate.win(), 3)
    assert first.epoch < successor.epoch < second.epoch


async def test_of_many_candidates_one_wins_at_a_time(ensemble: Ensemble) -> None:
    """Each gets its turn when the one before resigns, and no two have the same epoch."""
    epochs: list[int] = []
    acting = 0

    async def stand(name: str) -> None:
        nonlocal acting
        candidate = ensemble.candidate(name)
        fence = await candidate.win()
        acting += 1
        assert acting == 1
        epochs.append(fence.epoch)
        await asyncio.sleep(0.01)
        acting -= 1
        await candidate.resign()

    await bounded(asyncio.gather(*(stand(f"c{number}") for number in range(5))), 20)
    assert len(epochs) == 5
    assert epochs == sorted(set(epochs))


async def test_a_candidate_that_leaves_while_it_waits_leaves_nothing_behind(ensemble: Ensemble) -> None:
    """The role goes to the next one that still wants it."""
    first = ensemble.candidate("a")
    await first.win()
    leaving = await _waits(ensemble.candidate("b"), 0.1)
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    await first.resign()
    assert await bounded(ensemble.candidate("c").win(), 2)


# Role stores


@pytest.fixture(params=["memory", "postgres"])
async def roles(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[RoleStore]:
    """Give a role store of each kind."""
    if request.param == "memory":
        yield MemoryRoles()
        return
    async with open_database(database_url, PoolOptions()) as database:
        yield PostgresRoles(database)


LONG, OVER = timedelta(seconds=30), timedelta(seconds=-1)


async def test_each_claim_has_a_later_epoch(roles: RoleStore) -> None:
    """Also one by the worker that holds the role already: it is another term."""
    first = await roles.claim(ROLE, "a", LONG)
    assert first is not None
    assert await roles.claim(ROLE, "a", LONG) == first + 1


async def test_a_role_is_refused_while_its_holder_is_fresh_and_given_when_it_is_not(
    roles: RoleStore,
) -> None:
    """The claimant's own lease decides."""
    first = await roles.claim(ROLE, "a", LONG)
    assert first is not None
    assert await roles.claim(ROLE, "b", LONG) is None
    assert await roles.claim(ROLE, "b", OVER) == first + 1


async def test_a_heartbeat_keeps_a_role(roles: RoleStore) -> None:
    """The lease counts from the last heartbeat, not from the claim."""
    epoch = await roles.claim(ROLE, "a", LONG)
    assert epoch is not None
    await asyncio.sleep(1)
    await roles.heartbeat(Fence(ROLE, epoch))
    assert await roles.claim(ROLE, "b", timedelta(seconds=1)) is None


async def test_a_heartbeat_of_an_old_epoch_is_refused(roles: RoleStore) -> None:
    """The old holder learns that it is one."""
    epoch = await roles.claim(ROLE, "a", LONG)
    assert epoch is not None
    await roles.claim(ROLE, "b", OVER)
    with pytest.raises(StaleEpoch):
        await roles.heartbeat(Fence(ROLE, epoch))


async def test_a_released_role_is_free_and_only_its_holder_can_release_it(roles: RoleStore) -> None:
    """A release by an old epoch does nothing."""
    old = await roles.claim(ROLE, "a", LONG)
    new = await roles.claim(ROLE, "b", OVER)
    assert old is not None
    assert new is not None
    await roles.release(Fence(ROLE, old))
    assert await roles.claim(ROLE, "c", LONG) is None
    await roles.release(Fence(ROLE, new))
    assert await roles.claim(ROLE, "c", LONG) == new + 1


async def test_roles_do_not_know_of_each_other(roles: RoleStore) -> None:
    """Two roles may be with two workers."""
    assert await roles.claim(ROLE, "a", LONG)
    assert await roles.claim("relay", "b", LONG)


async def test_the_winner_of_an_election_takes_the_role_whoever_holds_it(roles: RoleStore) -> None:
    """The election has decided; a heartbeat that is fresh belongs to the past."""
    first = await roles.claim(ROLE, "a", LONG)
    assert first is not None
    assert await roles.claim_elected(ROLE, "b", ElectionToken(1, 10)) == first + 1
    with pytest.raises(StaleEpoch):
        await roles.heartbeat(Fence(ROLE, first))


async def test_the_winner_of_an_earlier_election_is_refused(roles: RoleStore) -> None:
    """One that slept between its election and its claim deposes nobody."""
    await roles.claim_elected(ROLE, "late", ElectionToken(1, 11))
    before = await roles.claim_elected(ROLE, "b", ElectionToken(1, 12))
    assert before is not None
    assert await roles.claim_elected(ROLE, "late", ElectionToken(1, 11)) is None
    await roles.heartbeat(Fence(ROLE, before))


async def test_a_claim_may_be_made_again_by_the_same_election(roles: RoleStore) -> None:
    """Its answer may have been lost; the epoch rises all the same."""
    first = await roles.claim_elected(ROLE, "a", ElectionToken(1, 10))
    assert first is not None
    assert await roles.claim_elected(ROLE, "a", ElectionToken(1, 10)) == first + 1


async def test_elections_of_a_new_place_are_later_than_all_of_the_old_one(roles: RoleStore) -> None:
    """A wiped ZooKeeper counts from the beginning, in a folder that was made later."""
    old = await roles.claim_elected(ROLE, "a", ElectionToken(1, 1_000_000))
    assert old is not None
    assert await roles.claim_elected(ROLE, "b", ElectionToken(2, 5)) == old + 1
    assert await roles.claim_elected(ROLE, "a", ElectionToken(1, 1_000_001)) is None
