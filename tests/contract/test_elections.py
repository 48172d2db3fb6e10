"""The rules of every election and every role store, for every backend.

A new backend is tested with an `ElectionBackend` of its own in `_BACKENDS`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Protocol

import pytest

from tests.support.external.zookeeper import new_zookeeper_path, remove_locks
from tests.support.fakes.role_leases import InMemoryRoleLeases
from tests.support.faults.tcp_proxy import TcpProxy, open_proxy
from tests.support.waiting import Stopwatch, with_timeout
from wms_core.application.database import ElectionToken, Fence, RoleLeases
from wms_core.domain.errors import StaleEpoch
from wms_core.postgres.database import PoolOptions, open_database
from wms_core.postgres.role_leases import PostgresRoleLeases
from wms_worker.leadership.election import RoleElection
from wms_worker.leadership.postgres_election import PostgresElection
from wms_worker.leadership.zookeeper_election import ZooKeeperElection
from wms_worker.leadership.zookeeper_settings import ZooKeeperConfig as ZooKeeperEnsemble

pytestmark = pytest.mark.one_postgres

ROLE = "fulfillment"
LEASE = timedelta(seconds=0.6)
SESSION = timedelta(seconds=1.5)


class ElectionBackend(Protocol):
    """An election backend, and the failures that a test can cause."""

    #: The seconds for which a silent holder keeps the role.
    seconds: float

    def candidate(self, name: str) -> RoleElection:
        """Return a new candidate of that name."""
        ...

    async def depose(self) -> Fence:
        """Give the role to an intruder without asking its holder."""
        ...

    async def withdraw(self, fence: Fence) -> None:
        """Release the role of the intruder."""
        ...

    async def cut(self) -> None:
        """Make the backend unreachable for all candidates."""
        ...

    async def heal(self) -> None:
        """Make the backend reachable again."""
        ...


Opener = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[ElectionBackend]]


class _InMemory:
    """Elections on an in-memory store of leases."""

    seconds = LEASE.total_seconds()

    def __init__(self) -> None:
        self._roles = InMemoryRoleLeases()

    def candidate(self, name: str) -> RoleElection:
        return PostgresElection(self._roles, ROLE, name, LEASE)

    async def depose(self) -> Fence:
        epoch = await self._roles.claim(ROLE, "intruder", timedelta(seconds=-1))
        assert epoch is not None
        return Fence(ROLE, epoch)

    async def withdraw(self, fence: Fence) -> None:
        await self._roles.release(fence)

    async def cut(self) -> None:
        self._roles.is_unreachable = True

    async def heal(self) -> None:
        self._roles.is_unreachable = False


class _OnPostgres:
    """Elections by leases in Postgres. Candidates connect through a proxy, the intruder directly."""

    seconds = LEASE.total_seconds()

    def __init__(self, roles: PostgresRoleLeases, direct: PostgresRoleLeases, proxy: TcpProxy) -> None:
        self._roles = roles
        self._direct = direct
        self._proxy = proxy

    def candidate(self, name: str) -> RoleElection:
        return PostgresElection(self._roles, ROLE, name, LEASE)

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


class _OnSilentPostgres(_OnPostgres):
    """The same, with a silent connection to Postgres instead of a broken one."""

    async def cut(self) -> None:
        self._proxy.freeze()


class _InZooKeeper:
    """Elections by ZooKeeper, claimed in Postgres. Candidates connect to ZooKeeper through a proxy."""

    seconds = SESSION.total_seconds()

    def __init__(self, roles: PostgresRoleLeases, hosts: str, proxy: TcpProxy) -> None:
        self._roles = roles
        self._hosts = hosts
        self._proxy = proxy
        self._path = new_zookeeper_path()
        self._intruder = self._candidate("intruder", hosts)

    def candidate(self, name: str) -> RoleElection:
        return self._candidate(name, self._proxy.url.removeprefix("tcp://"))

    def _candidate(self, name: str, hosts: str) -> RoleElection:
        return ZooKeeperElection(self._roles, ROLE, name, ZooKeeperEnsemble(hosts, self._path, SESSION))

    async def depose(self) -> Fence:
        await asyncio.to_thread(remove_locks, self._hosts, f"{self._path}/{ROLE}")
        return await self._intruder.acquire()

    async def withdraw(self, fence: Fence) -> None:  # noqa: ARG002 # there is one intruder
        await self._intruder.release()

    async def cut(self) -> None:
        await self._proxy.cut()

    async def heal(self) -> None:
        await self._proxy.heal()


class _InSilentZooKeeper(_InZooKeeper):
    """The same, with a silent connection to ZooKeeper instead of a broken one."""

    async def cut(self) -> None:
        self._proxy.freeze()


@asynccontextmanager
async def _open_in_memory(_request: pytest.FixtureRequest) -> AsyncIterator[ElectionBackend]:
    yield _InMemory()


def _postgres_opener(kind: type[_OnPostgres]) -> Opener:
    @asynccontextmanager
    async def open_backend(request: pytest.FixtureRequest) -> AsyncIterator[ElectionBackend]:
        database_url = request.getfixturevalue("database_url")
        options = PoolOptions(statement_timeout_seconds=2.0)
        async with (
            open_proxy(database_url) as proxy,
            open_database(proxy.url, options) as database,
            open_database(database_url, options) as direct,
        ):
            yield kind(PostgresRoleLeases(database), PostgresRoleLeases(direct), proxy)
            await proxy.heal()

    return open_backend


def _zookeeper_opener(kind: type[_InZooKeeper]) -> Opener:
    @asynccontextmanager
    async def open_backend(request: pytest.FixtureRequest) -> AsyncIterator[ElectionBackend]:
        hosts = request.getfixturevalue("zookeeper_hosts")
        database_url = request.getfixturevalue("database_url")
        async with (
            open_proxy(f"tcp://{hosts.partition(',')[0]}") as proxy,
            open_database(database_url, PoolOptions()) as database,
        ):
            yield kind(PostgresRoleLeases(database), hosts, proxy)
            await proxy.heal()

    return open_backend


_BACKENDS: dict[str, Opener] = {
    "memory": _open_in_memory,
    "postgres": _postgres_opener(_OnPostgres),
    "postgres-silent": _postgres_opener(_OnSilentPostgres),
    "zookeeper": _zookeeper_opener(_InZooKeeper),
    "zookeeper-silent": _zookeeper_opener(_InSilentZooKeeper),
}


@pytest.fixture(params=_BACKENDS)
async def backend(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[ElectionBackend]:
    """Yield an election backend of each kind."""
    async with _BACKENDS[request.param](request) as backend:
        yield backend


@asynccontextmanager
async def _holding(candidate: RoleElection) -> AsyncIterator["asyncio.Task[str]"]:
    """Watch a won role like a replica does, and yield the task that returns when it is lost."""
    lost = asyncio.create_task(candidate.wait_until_lost())
    try:
        yield lost
    finally:
        lost.cancel()
        with suppress(asyncio.CancelledError):
            await lost


async def _wait_without_winning(candidate: RoleElection, seconds: float) -> "asyncio.Task[Fence]":
    """Start a candidate, check that it does not win within these seconds, and return the running task."""
    task = asyncio.create_task(candidate.acquire())
    done, _ = await asyncio.wait({task}, timeout=seconds)
    assert not done, f"won by {task.result()}"
    return task


# Elections


async def test_only_candidate_wins(backend: ElectionBackend) -> None:
    """It does not need another candidate. The fence has the role and an epoch."""
    fence = await with_timeout(backend.candidate("a").acquire(), 2)
    assert fence.role == ROLE
    assert fence.epoch >= 1


async def test_second_candidate_waits_while_holder_is_alive(backend: ElectionBackend) -> None:
    """It waits for as long as the holder lives."""
    first, second = backend.candidate("a"), backend.candidate("b")
    await first.acquire()
    async with _holding(first) as lost:
        waiting = await _wait_without_winning(second, 3 * backend.seconds)
        assert not lost.done()
        waiting.cancel()


async def test_released_role_is_acquired_at_once(backend: ElectionBackend) -> None:
    """The next candidate does not wait for the lease, and its epoch is higher."""
    first, second = backend.candidate("a"), backend.candidate("b")
    old = await first.acquire()
    waiting = await _wait_without_winning(second, 0.1)
    stopwatch = Stopwatch()
    await first.release()
    new = await with_timeout(waiting, 2)
    assert stopwatch.seconds < backend.seconds
    assert new.epoch > old.epoch


async def test_vanished_holder_is_replaced_after_its_lease(backend: ElectionBackend) -> None:
    """It is not replaced earlier, because it may be alive, and soon afterwards."""
    started, stopwatch = time.monotonic(), Stopwatch()
    old = await backend.candidate("a").acquire()
    new = await with_timeout(backend.candidate("b").acquire(), 3)
    assert new.epoch > old.epoch
    assert time.monotonic() - started > 0.8 * backend.seconds
    assert stopwatch.seconds < 3 * backend.seconds


async def test_deposed_holder_is_notified(backend: ElectionBackend) -> None:
    """It learns of it within a lease, with a cause for the log."""
    candidate = backend.candidate("a")
    await candidate.acquire()
    async with _holding(candidate) as lost:
        await backend.depose()
        assert await with_timeout(lost, backend.seconds)


async def test_disconnected_holder_steps_down_before_its_lease_ends(backend: ElectionBackend) -> None:
    """It uses its own clock. It steps down before another candidate can have won."""
    candidate = backend.candidate("a")
    await candidate.acquire()
    async with _holding(candidate) as lost:
        await asyncio.sleep(backend.seconds / 2)
        await backend.cut()
        stopwatch = Stopwatch()
        assert await with_timeout(lost, 5)
        assert stopwatch.seconds < backend.seconds


async def test_candidate_waits_until_backend_is_reachable(backend: ElectionBackend) -> None:
    """It raises no error, and wins as soon as the role is available."""
    await backend.cut()
    waiting = await _wait_without_winning(backend.candidate("a"), backend.seconds)
    await backend.heal()
    assert (await with_timeout(waiting, 10)).epoch >= 1


async def test_release_never_blocks_or_fails(backend: ElectionBackend) -> None:
    """It may be disconnected, release twice, or release without holding the role."""
    candidate = backend.candidate("a")
    await candidate.release()
    await candidate.acquire()
    await backend.cut()
    await with_timeout(candidate.release(), 3)
    await with_timeout(candidate.release(), 1)


async def test_release_by_deposed_holder_does_not_affect_successor(backend: ElectionBackend) -> None:
    """The successor keeps the role."""
    candidate = backend.candidate("a")
    await candidate.acquire()
    await backend.depose()
    await candidate.release()
    waiting = await _wait_without_winning(backend.candidate("b"), backend.seconds / 2)
    waiting.cancel()


async def test_candidate_may_win_again_after_losing(backend: ElectionBackend) -> None:
    """It wins with a new, higher epoch."""
    candidate = backend.candidate("a")
    first = await candidate.acquire()
    successor = await backend.depose()
    await candidate.wait_until_lost()
    await candidate.release()
    await backend.withdraw(successor)
    second = await with_timeout(candidate.acquire(), 3)
    assert first.epoch < successor.epoch < second.epoch


async def test_one_of_many_candidates_holds_the_role_at_a_time(backend: ElectionBackend) -> None:
    """Each one wins after the previous one releases the role, and all epochs differ."""
    epochs: list[int] = []
    holder_count = 0

    async def hold_role_briefly(name: str) -> None:
        nonlocal holder_count
        candidate = backend.candidate(name)
        fence = await candidate.acquire()
        holder_count += 1
        assert holder_count == 1
        epochs.append(fence.epoch)
        await asyncio.sleep(0.01)
        holder_count -= 1
        await candidate.release()

    await with_timeout(asyncio.gather(*(hold_role_briefly(f"c{number}") for number in range(5))), 20)
    assert len(epochs) == 5
    assert epochs == sorted(set(epochs))


async def test_cancelled_candidate_leaves_nothing_behind(backend: ElectionBackend) -> None:
    """The role goes to the next waiting candidate."""
    first = backend.candidate("a")
    await first.acquire()
    task = await _wait_without_winning(backend.candidate("b"), 0.1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await first.release()
    assert await with_timeout(backend.candidate("c").acquire(), 2)


# Role stores


@pytest.fixture(params=["memory", "postgres"])
async def roles(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[RoleLeases]:
    """Yield a role store of each kind."""
    if request.param == "memory":
        yield InMemoryRoleLeases()
        return
    async with open_database(database_url, PoolOptions()) as database:
        yield PostgresRoleLeases(database)


LONG, OVER = timedelta(seconds=30), timedelta(seconds=-1)


async def test_each_claim_raises_the_epoch(roles: RoleLeases) -> None:
    """A claim by the present holder counts as well."""
    first = await roles.claim(ROLE, "a", LONG)
    assert first is not None
    assert await roles.claim(ROLE, "a", LONG) == first + 1


async def test_claim_succeeds_only_after_lease_expires(
    roles: RoleLeases,
) -> None:
    """The lease of the claiming worker decides."""
    first = await roles.claim(ROLE, "a", LONG)
    assert first is not None
    assert await roles.claim(ROLE, "b", LONG) is None
    assert await roles.claim(ROLE, "b", OVER) == first + 1


async def test_heartbeat_renews_the_lease(roles: RoleLeases) -> None:
    """The lease counts from the last heartbeat and not from the claim."""
    epoch = await roles.claim(ROLE, "a", LONG)
    assert epoch is not None
    await asyncio.sleep(1)
    await roles.send_heartbeat(Fence(ROLE, epoch))
    assert await roles.claim(ROLE, "b", timedelta(seconds=1)) is None


async def test_heartbeat_of_old_epoch_is_rejected(roles: RoleLeases) -> None:
    """The old holder learns that it is deposed."""
    epoch = await roles.claim(ROLE, "a", LONG)
    assert epoch is not None
    await roles.claim(ROLE, "b", OVER)
    with pytest.raises(StaleEpoch):
        await roles.send_heartbeat(Fence(ROLE, epoch))


async def test_only_holder_can_release_a_role(roles: RoleLeases) -> None:
    """A release with an old epoch does nothing."""
    old = await roles.claim(ROLE, "a", LONG)
    new = await roles.claim(ROLE, "b", OVER)
    assert old is not None
    assert new is not None
    await roles.release(Fence(ROLE, old))
    assert await roles.claim(ROLE, "c", LONG) is None
    await roles.release(Fence(ROLE, new))
    assert await roles.claim(ROLE, "c", LONG) == new + 1


async def test_roles_are_independent(roles: RoleLeases) -> None:
    """Two roles may be held by two workers."""
    assert await roles.claim(ROLE, "a", LONG)
    assert await roles.claim("relay", "b", LONG)


async def test_election_winner_takes_the_role_from_any_holder(roles: RoleLeases) -> None:
    """The election decides. A fresh heartbeat of the old holder does not matter."""
    first = await roles.claim(ROLE, "a", LONG)
    assert first is not None
    assert await roles.claim_elected(ROLE, "b", ElectionToken(1, 10)) == first + 1
    with pytest.raises(StaleEpoch):
        await roles.send_heartbeat(Fence(ROLE, first))


async def test_winner_of_earlier_election_is_rejected(roles: RoleLeases) -> None:
    """A candidate that was delayed between election and claim deposes no holder."""
    await roles.claim_elected(ROLE, "late", ElectionToken(1, 11))
    before = await roles.claim_elected(ROLE, "b", ElectionToken(1, 12))
    assert before is not None
    assert await roles.claim_elected(ROLE, "late", ElectionToken(1, 11)) is None
    await roles.send_heartbeat(Fence(ROLE, before))


async def test_same_election_may_claim_again(roles: RoleLeases) -> None:
    """The first response may have been lost. The epoch rises again."""
    first = await roles.claim_elected(ROLE, "a", ElectionToken(1, 10))
    assert first is not None
    assert await roles.claim_elected(ROLE, "a", ElectionToken(1, 10)) == first + 1


async def test_elections_of_new_path_are_later_than_all_of_old_path(roles: RoleLeases) -> None:
    """A wiped ZooKeeper counts from the start, in a path that was created later."""
    old = await roles.claim_elected(ROLE, "a", ElectionToken(1, 1_000_000))
    assert old is not None
    assert await roles.claim_elected(ROLE, "b", ElectionToken(2, 5)) == old + 1
    assert await roles.claim_elected(ROLE, "a", ElectionToken(1, 1_000_001)) is None
