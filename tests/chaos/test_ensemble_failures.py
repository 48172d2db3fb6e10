"""What happens to ZooKeeper: nodes killed, frozen, cut off, wiped. Real processes, short sessions."""

import asyncio
import itertools
import signal
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.support.durations import CHOSEN
from tests.support.election import SESSION, Replicas, said, stays
from tests.support.invariants import Sql, broken_promises
from tests.support.processes import FULFILLMENT, Process
from tests.support.proxy import Proxy, open_proxy
from tests.support.site import Site
from tests.support.traffic import traffic
from tests.support.waiting import eventually
from wms_dev.zookeeper import ZooKeeper

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

PAUSE = 0.1


async def _one_is_active(*workers: Process) -> bool:
    return [await worker.is_serving(FULFILLMENT) for worker in workers].count(True) == 1


async def _epochs(sql: Sql) -> int:
    number: int = await sql.fetchval("SELECT epoch FROM worker_roles WHERE role = 'fulfillment'")
    return number


@pytest.mark.parametrize("which", ["leader", "follower"])
async def test_one_node_of_three_is_not_missed(
    site: Site, replicas: Replicas, ensemble: ZooKeeper, sql: Sql, which: str
) -> None:
    """Killed, it costs one change of role at most; the two that are left elect."""
    async with traffic(site, PAUSE):
        first, second = await replicas.pair()
        before = await _epochs(sql)
        getattr(ensemble, which).kill()
        await asyncio.sleep(SESSION)
        await eventually(lambda: _one_is_active(first, second), within=2 * SESSION)
        assert await stays(lambda: _one_is_active(first, second), SESSION)
        assert await _epochs(sql) <= before + 1
    assert await broken_promises(sql) == []


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_without_a_quorum_nobody_acts_and_all_resumes_by_itself(
    site: Site, replicas: Replicas, ensemble: ZooKeeper, sql: Sql, how: str
) -> None:
    """The active one steps down within its session, orders are still taken, and workers can be stopped."""
    first, second = await replicas.pair()
    async with traffic(site, PAUSE) as placed:
        third = await replicas.passive("third")
        for node in ensemble.nodes:
            getattr(node, how)()
        await first.not_serving(FULFILLMENT, within=SESSION)
        await said(first, "stepped_down", within=2)
        count, written = len(placed), await sql.fetchval("SELECT count(*) FROM recorded_writes")
        assert await third.stopped(within=8) == 0
        await asyncio.sleep(CHOSEN.outage)
        assert await sql.fetchval("SELECT count(*) FROM recorded_writes") == written
        await eventually(lambda: _is_longer(placed, count))
        ensemble.mend()
        await eventually(lambda: _one_is_active(first, second), within=SESSION + 10)
    assert await broken_promises(sql) == []


async def _is_longer(placed: list[str], count: int) -> bool:
    return len(placed) > count


_CUTS: dict[str, Callable[[Proxy], Awaitable[None] | None]] = {
    "breaks": Proxy.cut,
    "goes silent": Proxy.freeze,
    "loses what it says": lambda proxy: proxy.freeze(inward=False),
    "loses what it is told": lambda proxy: proxy.freeze(outward=False),
}


@pytest.mark.parametrize("how", _CUTS)
async def test_an_active_replica_without_its_way_to_zookeeper_is_followed(
    site: Site, replicas: Replicas, ensemble: ZooKeeper, sql: Sql, how: str
) -> None:
    """It stops before its session can have ended for the others, and stands in line when it is back."""
    async with open_proxy(f"tcp://{ensemble.follower.address}") as proxy, traffic(site, PAUSE):
        first = await replicas.active("first", zookeeper_hosts=proxy.url.removeprefix("tcp://"))
        second = await replicas.passive("second")
        if (cutting := _CUTS[how](proxy)) is not None:
            await cutting
        await first.not_serving(FULFILLMENT, within=SESSION)
        # What still reaches ZooKeeper keeps the session for once its length.
        await second.serving(FULFILLMENT, within=2 * SESSION + 3)
        await proxy.heal()
        await said(first, "passive")
        assert await second.stopped() == 0
        await first.serving(FULFILLMENT, within=2)
    assert await broken_promises(sql) == []


async def test_epochs_rise_when_zookeeper_is_wiped(
    site: Site, replicas: Replicas, ensemble: ZooKeeper, sql: Sql
) -> None:
    """It counts from the beginning then; the new place of the vote makes its elections later ones."""
    async with traffic(site, PAUSE):
        first, second = await replicas.pair()
        before = await _epochs(sql)
        for node in ensemble.nodes:
            node.kill()
        for node in ensemble.nodes:
            node.wipe()
        ensemble.mend()
        await eventually(lambda: _one_is_active(first, second))
        assert await _epochs(sql) > before
    assert await broken_promises(sql) == []


async def test_workers_start_before_their_zookeeper(
    site: Site, replicas: Replicas, ensemble: ZooKeeper
) -> None:
    """They are healthy and passive, say once what they miss, and one acts when it is there."""
    for node in ensemble.nodes:
        node.kill()
    workers = [replicas.start(name) for name in ("first", "second")]
    for worker in workers:
        await said(worker, "not_standing")
    await asyncio.sleep(SESSION)
    for worker in workers:
        (entry,) = worker.said("not_standing")
        assert "ZOOKEEPER_HOSTS" in entry["reason"]
        assert await worker.is_serving()
        assert not await worker.is_serving(FULFILLMENT)
    ensemble.mend()
    await eventually(lambda: _one_is_active(*workers))


async def test_replicas_that_are_restarted_again_and_again_lose_nothing(
    site: Site, replicas: Replicas, sql: Sql
) -> None:
    """Killed and stopped in turn under load, there is always somebody to go on.

    The active one each time: of the four of `make soak` a quarter.
    """
    async with traffic(site, PAUSE):
        workers = [await replicas.active("first")]
        workers += [await replicas.passive(f"other-{one}") for one in range(CHOSEN.replicas - 1)]
        ends, rounds = time.monotonic() + CHOSEN.restarts, itertools.count()
        while (round_ := next(rounds)) < 4 or time.monotonic() < ends:
            leaving = workers.pop(0)
            workers.append(await replicas.passive(f"next-{round_}"))
            leaving.signal(signal.SIGKILL if round_ % 2 else signal.SIGTERM)
            await eventually(lambda: _one_is_active(*workers), within=SESSION + 3)
            workers.sort(key=lambda worker: len(worker.said("active")), reverse=True)
    assert await broken_promises(sql) == []
