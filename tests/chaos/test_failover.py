"""Failures of workers: killed, stopped, frozen. Real processes, Postgres and ZooKeeper."""

import asyncio
import signal

import pytest

from tests.support.builders.fulfillment import hold_back_validation
from tests.support.builders.load import run_order_load
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.stalled_client import open_stalled_health_watches
from tests.support.faults.tcp_proxy import TcpProxy, open_proxy
from tests.support.invariants.database import (
    SqlConnection,
    disable_fence,
    find_all_violations,
    find_late_writes,
)
from tests.support.processes.processes import FULFILLMENT_HEALTH
from tests.support.processes.zookeeper_workers import SESSION_SECONDS, Replicas, wait_for_log_entries
from tests.support.waiting import eventually
from wms.orders.v1 import fulfillment_pb2

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

PAUSE = 0.05
_FENCED = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7301)"


async def test_one_of_three_replicas_is_active(replicas: Replicas) -> None:
    """The other replicas are candidates, healthy and passive."""
    first = await replicas.start_active("first")
    others = [await replicas.start_passive("second"), await replicas.start_passive("third")]
    assert [await worker.is_serving() for worker in (first, *others)] == [True, True, True]
    assert [await worker.is_serving(FULFILLMENT_HEALTH) for worker in (first, *others)] == [
        True,
        False,
        False,
    ]
    assert [worker.find_log_entries("election_unavailable") for worker in (first, *others)] == [[], [], []]


async def test_killed_leader_is_replaced_after_its_session(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """The failover takes at most the session timeout and a second. No order is lost or processed twice."""
    async with run_order_load(site, PAUSE):
        first, second = await replicas.start_pair()
        first.send_signal(signal.SIGKILL)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS + 1)
    assert await find_all_violations(sql) == []


async def test_unread_health_watches_do_not_delay_failover(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """The failover takes at most the session timeout and a second. Probes are answered later or never."""
    first, second = await replicas.start_pair()
    async with open_stalled_health_watches(first.address, second.address):
        async with run_order_load(site, PAUSE):
            first.send_signal(signal.SIGKILL)
            await second.wait_until_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS + 1)
        assert await second.terminate_and_wait(within=5) == 0
    assert await find_all_violations(sql) == []


async def test_leader_killed_during_a_step_is_replaced(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """Postgres does not know that the transaction is orphaned. It still does not block the successor."""
    async with run_order_load(site, PAUSE):
        first, second = await replicas.start_pair()
        async with hold_back_validation(sql) as gate:
            await gate.wait_until_reached()
            first.send_signal(signal.SIGKILL)
            await second.wait_until_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS + 1)
    assert await find_all_violations(sql) == []


async def test_stopped_leader_hands_over_at_once(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """Its session is closed and does not have to expire."""
    async with run_order_load(site, PAUSE):
        first, second = await replicas.start_pair()
        first.send_signal(signal.SIGTERM)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=0.5)
        assert await first.wait_for_exit(within=5) == 0
    assert await find_all_violations(sql) == []


async def test_leader_that_steps_down_hands_over_at_once(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """It becomes a candidate again, behind its successor."""
    async with run_order_load(site, PAUSE):
        first, second = await replicas.start_pair()
        await site.api.fulfillment.StepDown(fulfillment_pb2.StepDownRequest())
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=0.5)
        await wait_for_log_entries(first, "passive", within=5)
    assert await find_all_violations(sql) == []


@pytest.mark.parametrize("how", ["SIGTERM", "StepDown"])
async def test_handover_finishes_the_running_step(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection, how: str
) -> None:
    """The successor waits for the end of the step, and no longer."""
    await site.open()
    first, second = await replicas.start_pair()
    async with hold_back_validation(sql) as gate:
        order_id = await site.place_order()
        await gate.wait_until_reached()
        if how == "SIGTERM":
            first.send_signal(signal.SIGTERM)
        else:
            await site.api.fulfillment.StepDown(fulfillment_pb2.StepDownRequest())
        await first.wait_until_not_serving(FULFILLMENT_HEALTH)
        assert not await second.is_serving(FULFILLMENT_HEALTH)
        await gate.open()
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=0.5)
    assert await site.read_status(order_id) != "RECEIVED"
    assert await sql.fetchval("SELECT epoch FROM recorded_writes ORDER BY at LIMIT 1") == 1
    assert await find_all_violations(sql) == []


async def test_frozen_leader_wakes_up_deposed(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """After three sessions another replica is the leader.

    The thawed one writes nothing and becomes a candidate.
    """
    async with run_order_load(site, PAUSE):
        first, second = await replicas.start_pair()
        first.send_signal(signal.SIGSTOP)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS + 3)
        await asyncio.sleep(2 * SESSION_SECONDS)
        first.send_signal(signal.SIGCONT)
        await wait_for_log_entries(first, "stepped_down", within=3)
        await wait_for_log_entries(first, "passive", within=2 * SESSION_SECONDS)
        assert not await first.is_serving(FULFILLMENT_HEALTH)
        assert await second.terminate_and_wait() == 0
        await first.wait_until_serving(FULFILLMENT_HEALTH, within=2)
    assert await find_all_violations(sql) == []
    assert await sql.fetchval("SELECT count(DISTINCT epoch) FROM recorded_writes") == 3


async def test_leader_frozen_during_a_step_is_replaced(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """The successor ends the transaction. The thawed replica has written nothing."""
    async with run_order_load(site, PAUSE):
        first, second = await replicas.start_pair()
        async with hold_back_validation(sql) as gate:
            await gate.wait_until_reached()
            first.send_signal(signal.SIGSTOP)
            await second.wait_until_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS + 3)
        await asyncio.sleep(2 * SESSION_SECONDS)
        first.send_signal(signal.SIGCONT)
        await wait_for_log_entries(first, "stepped_down", within=3)
        await wait_for_log_entries(first, "passive", within=2 * SESSION_SECONDS)
        assert not await first.is_serving(FULFILLMENT_HEALTH)
    assert await find_all_violations(sql) == []


async def test_fence_rejects_write_of_thawed_leader(
    replicas: Replicas, sql: SqlConnection, database_url: str
) -> None:
    """The write reaches Postgres when another replica has the role. The fence rejects it and it is logged."""
    async with open_proxy(database_url) as proxy:
        first = await replicas.start_active("first", database=proxy.url)
        second = await replicas.start_passive("second")
        await _block_writes(proxy, sql)
        first.send_signal(signal.SIGSTOP)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS + 3)
        await proxy.heal()
        first.send_signal(signal.SIGCONT)
        await wait_for_log_entries(first, "stale_write_refused", within=5)
        await wait_for_log_entries(first, "passive", within=2 * SESSION_SECONDS)
        assert not await first.is_serving(FULFILLMENT_HEALTH)
    assert await find_late_writes(sql) == []


async def test_checkers_find_late_write_without_fence(
    site: WarehouseDriver, replicas: Replicas, sql: SqlConnection
) -> None:
    """With the fence disabled, the transaction of the frozen replica survives.

    The checkers of the tests above find it.
    """
    await disable_fence(sql)
    await site.open()
    await site.open(["FAR-LANE"], [], warehouse_id="WH-02")
    first, second = await replicas.start_pair()
    await _wait_until_validated(site, await site.place_order(warehouse_id="WH-02"))
    async with hold_back_validation(sql) as gate:
        await site.place_order()
        await gate.wait_until_reached()
        first.send_signal(signal.SIGSTOP)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS + 3)
        await site.put_destination("FAR-PACK", warehouse_id="WH-02")
        await _wait_until_second_epoch_writes(sql)

    async def has_late_writes() -> bool:
        return await find_late_writes(sql) != []

    await eventually(has_late_writes, within=5)
    first.send_signal(signal.SIGCONT)


async def _wait_until_validated(site: WarehouseDriver, order_id: str) -> None:
    """Wait until an order is validated. An order without a destination gets no further."""

    async def is_validated() -> bool:
        return await site.read_status(order_id) == "VALIDATED"

    await eventually(is_validated)


async def _wait_until_second_epoch_writes(sql: SqlConnection) -> None:
    """Wait until the second epoch has written."""

    async def has_written() -> bool:
        return bool(await sql.fetchval("SELECT EXISTS (SELECT FROM recorded_writes WHERE epoch = 2)"))

    await eventually(has_written)


async def _block_writes(proxy: TcpProxy, sql: SqlConnection) -> None:
    """Block the traffic to Postgres while no transaction is open, because Postgres would end an open one."""

    async def between_transactions() -> bool:
        await proxy.heal()
        await asyncio.sleep(0.05)
        proxy.freeze(inward=False)
        await asyncio.sleep(0.3)
        return not await sql.fetchval(_FENCED)

    await eventually(between_transactions)


async def test_leader_terminated_while_frozen_ends_when_thawed(
    replicas: Replicas,
) -> None:
    """It has to step down at the same moment."""
    first, second = await replicas.start_pair()
    first.send_signal(signal.SIGSTOP)
    await second.wait_until_serving(FULFILLMENT_HEALTH, within=SESSION_SECONDS + 3)
    first.send_signal(signal.SIGTERM)
    first.send_signal(signal.SIGCONT)
    assert await first.wait_for_exit(within=5) == 0


async def test_killed_passive_replica_does_not_affect_leader(
    site: WarehouseDriver, replicas: Replicas
) -> None:
    """The leader continues in the same epoch."""
    first, second = await replicas.start_pair()
    second.send_signal(signal.SIGKILL)
    await asyncio.sleep(SESSION_SECONDS + 1)
    assert await first.is_serving(FULFILLMENT_HEALTH)
    assert first.find_log_entries("stepped_down") == []
