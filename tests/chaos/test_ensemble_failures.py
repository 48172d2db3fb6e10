"""Failures of ZooKeeper: killed, frozen, unreachable and wiped nodes. Real processes, short sessions."""

import asyncio
import itertools
import signal
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.support.builders.load import run_order_load
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.faults.tcp_proxy import TcpProxy, open_proxy
from tests.support.invariants.database import SqlConnection, find_all_violations
from tests.support.processes.processes import FULFILLMENT_HEALTH, Process
from tests.support.processes.zookeeper_workers import (
    SESSION_SECONDS,
    Replicas,
    holds_for,
    wait_for_log_entries,
)
from tests.support.pytest_helpers import FAULT_DURATIONS
from tests.support.waiting import eventually
from wms_dev.embedded.zookeeper import ZooKeeperEnsemble

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

PAUSE = 0.1


async def _one_is_active(*workers: Process) -> bool:
    return [await worker.is_serving(FULFILLMENT_HEALTH) for worker in workers].count(True) == 1


async def _epochs(sql: SqlConnection) -> int:
    number: int = await sql.fetchval("SELECT epoch FROM worker_roles WHERE role = 'fulfillment'")
    return number


@pytest.mark.parametrize("which", ["leader", "follower"])
async def test_ensemble_tolerates_loss_of_one_node(
    site: WarehouseDriver, replicas: Replicas, ensemble: ZooKeeperEnsemble, sql: SqlConnection, which: str
) -> None:
    """A killed node costs at most one change of the leader. The remaining two nodes elect."""
    async with run_order_load(site, PAUSE):
        first, second = await replicas.start_pair()
        before = await _epochs(sql)
        getattr(ensemble, which).kill()
        await asyncio.sleep(SESSION_SECONDS)
        await eventually(lambda: _one_is_active(first, second), within=2 * SESSION_SECONDS)
        assert await holds_for(lambda: _one_is_active(first, second), SESSION_SECONDS)
        assert await _epochs(sql) <= before + 1
    assert await find_all_violations(sql) == []


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_without_quorum_no_replica_is_active_until_quorum_returns(
    site: WarehouseDriver, replicas: Replicas, ensemble: ZooKeeperEnsemble, sql: SqlConnection, how: str
) -> None:
    """The leader steps down within its session, orders are still accepted, and workers can be stopped."""
    first, second = await replicas.start_pair()
    async with run_order_load(site, PAUSE) as placed:
        third = await replicas.start_passive("third")
        for node in ensemble.nodes:
            getattr(node, how)()
        await first.wait_until_not_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS)
        await wait_for_log_entries(first, "stepped_down", within=2)
        count, writes = len(placed), await sql.fetchval("SELECT count(*) FROM recorded_writes")
        assert await third.terminate_and_wait(within=8) == 0
        await asyncio.sleep(FAULT_DURATIONS.outage_seconds)
        assert await sql.fetchval("SELECT count(*) FROM recorded_writes") == writes
        await eventually(lambda: _has_more_orders(placed, count))
        ensemble.restore_nodes()
        await eventually(lambda: _one_is_active(first, second), within=SESSION_SECONDS + 10)
    assert await find_all_violations(sql) == []


async def _has_more_orders(placed: list[str], count: int) -> bool:
    return len(placed) > count


_CUTS: dict[str, Callable[[TcpProxy], Awaitable[None] | None]] = {
    "breaks": TcpProxy.cut,
    "freezes": TcpProxy.freeze,
    "drops requests": lambda proxy: proxy.freeze(inward=False),
    "drops responses": lambda proxy: proxy.freeze(outward=False),
}


@pytest.mark.parametrize("how", _CUTS)
async def test_leader_cut_off_from_zookeeper_is_replaced(
    site: WarehouseDriver, replicas: Replicas, ensemble: ZooKeeperEnsemble, sql: SqlConnection, how: str
) -> None:
    """It steps down before its session expires for the others, and is a candidate again after the cut."""
    async with open_proxy(f"tcp://{ensemble.follower.address}") as proxy, run_order_load(site, PAUSE):
        first = await replicas.start_active("first", zookeeper_hosts=proxy.url.removeprefix("tcp://"))
        second = await replicas.start_passive("second")
        if (cutting := _CUTS[how](proxy)) is not None:
            await cutting
        await first.wait_until_not_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS)
        # A request that still reaches ZooKeeper extends the session by its full length once.
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=2 * SESSION_SECONDS + 3)
        await proxy.heal()
        await wait_for_log_entries(first, "passive")
        assert await second.terminate_and_wait() == 0
        await first.wait_until_serving(FULFILLMENT_HEALTH, within=2)
    assert await find_all_violations(sql) == []


async def test_epochs_rise_after_zookeeper_is_wiped(
    site: WarehouseDriver, replicas: Replicas, ensemble: ZooKeeperEnsemble, sql: SqlConnection
) -> None:
    """A wiped ZooKeeper counts from the start. The new election path makes its elections later ones."""
    async with run_order_load(site, PAUSE):
        first, second = await replicas.start_pair()
        before = await _epochs(sql)
        for node in ensemble.nodes:
            node.kill()
        for node in ensemble.nodes:
            node.remove_stored_state()
        ensemble.restore_nodes()
        await eventually(lambda: _one_is_active(first, second))
        assert await _epochs(sql) > before
    assert await find_all_violations(sql) == []


async def test_workers_start_before_zookeeper(
    site: WarehouseDriver, replicas: Replicas, ensemble: ZooKeeperEnsemble
) -> None:
    """They are healthy and passive and log the missing ZooKeeper once. Later one becomes active."""
    for node in ensemble.nodes:
        node.kill()
    workers = [replicas.start(name) for name in ("first", "second")]
    for worker in workers:
        await wait_for_log_entries(worker, "election_unavailable")
    await asyncio.sleep(SESSION_SECONDS)
    for worker in workers:
        (entry,) = worker.find_log_entries("election_unavailable")
        assert "ZOOKEEPER_HOSTS" in entry["reason"]
        assert await worker.is_serving()
        assert not await worker.is_serving(FULFILLMENT_HEALTH)
    ensemble.restore_nodes()
    await eventually(lambda: _one_is_active(*workers))


async def test_repeated_restarts_lose_nothing(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """Replicas are killed and stopped in turn under load, and another one always takes over.

    Each restart hits the leader. That is a quarter of the four restarts of `make soak`.
    """
    async with run_order_load(site, PAUSE):
        workers = [await replicas.start_active("first")]
        workers += [
            await replicas.start_passive(f"other-{number}")
            for number in range(FAULT_DURATIONS.replica_count - 1)
        ]
        deadline, numbers = time.monotonic() + FAULT_DURATIONS.restart_seconds, itertools.count()
        while (number := next(numbers)) < 4 or time.monotonic() < deadline:
            leader = workers.pop(0)
            workers.append(await replicas.start_passive(f"next-{number}"))
            leader.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
            await eventually(lambda: _one_is_active(*workers), within=SESSION_SECONDS + 3)
            workers.sort(key=lambda worker: len(worker.find_log_entries("active")), reverse=True)
    assert await find_all_violations(sql) == []
