"""What happens to workers: killed, stopped, frozen. Real processes, Postgres and ZooKeeper."""

import asyncio
import signal

import pytest

from tests.support.election import SESSION, Replicas, said
from tests.support.invariants import Sql, broken_promises, late_writes, switch_fence_off
from tests.support.mid_step import shut_gate
from tests.support.processes import FULFILLMENT
from tests.support.proxy import Proxy, open_proxy
from tests.support.site import Site
from tests.support.stalled_client import stalled_health_watches
from tests.support.traffic import traffic
from tests.support.waiting import eventually
from wms.orders.v1 import fulfillment_pb2

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

PAUSE = 0.05
_FENCED = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 7301)"


async def test_of_three_replicas_one_is_active(replicas: Replicas) -> None:
    """The others stand in line, healthy and passive."""
    first = await replicas.active("first")
    others = [await replicas.passive("second"), await replicas.passive("third")]
    assert [await one.is_serving() for one in (first, *others)] == [True, True, True]
    assert [await one.is_serving(FULFILLMENT) for one in (first, *others)] == [True, False, False]
    assert [one.said("not_standing") for one in (first, *others)] == [[], [], []]


async def test_a_replica_that_is_killed_is_followed_after_its_session(
    site: Site, replicas: Replicas, sql: Sql
) -> None:
    """Within the session timeout and a second; no order is served twice, none is forgotten."""
    async with traffic(site, PAUSE):
        first, second = await replicas.pair()
        first.signal(signal.SIGKILL)
        await second.serving(FULFILLMENT, within=SESSION + 1)
    assert await broken_promises(sql) == []


async def test_a_replica_is_followed_though_health_watches_on_all_of_them_are_not_read(
    site: Site, replicas: Replicas, sql: Sql
) -> None:
    """Within the session timeout and a second, too: probes are told later or never."""
    first, second = await replicas.pair()
    async with stalled_health_watches(first.address, second.address):
        async with traffic(site, PAUSE):
            first.signal(signal.SIGKILL)
            await second.serving(FULFILLMENT, within=SESSION + 1)
        assert await second.stopped(within=5) == 0
    assert await broken_promises(sql) == []


async def test_a_replica_that_is_killed_in_the_middle_of_a_step_is_followed(
    site: Site, replicas: Replicas, sql: Sql
) -> None:
    """Its transaction, which Postgres does not know to be nobody's, holds its successor up no longer."""
    async with traffic(site, PAUSE):
        first, second = await replicas.pair()
        async with shut_gate(sql) as gate:
            await gate.reached()
            first.signal(signal.SIGKILL)
            await second.serving(FULFILLMENT, within=SESSION + 1)
    assert await broken_promises(sql) == []


async def test_a_replica_that_is_stopped_hands_over_at_once(site: Site, replicas: Replicas, sql: Sql) -> None:
    """Its session is closed, not left to expire."""
    async with traffic(site, PAUSE):
        first, second = await replicas.pair()
        first.signal(signal.SIGTERM)
        await second.serving(FULFILLMENT, within=0.5)
        assert await first.ended(within=5) == 0
    assert await broken_promises(sql) == []


async def test_a_replica_that_steps_down_hands_over_at_once(site: Site, replicas: Replicas, sql: Sql) -> None:
    """And stands in line again behind its successor."""
    async with traffic(site, PAUSE):
        first, second = await replicas.pair()
        await site.api.fulfillment.StepDown(fulfillment_pb2.StepDownRequest())
        await second.serving(FULFILLMENT, within=0.5)
        await said(first, "passive", within=5)
    assert await broken_promises(sql) == []


@pytest.mark.parametrize("how", ["SIGTERM", "StepDown"])
async def test_a_replica_that_hands_over_finishes_its_step(
    site: Site, replicas: Replicas, sql: Sql, how: str
) -> None:
    """Its successor waits for that, and no longer."""
    await site.open()
    first, second = await replicas.pair()
    async with shut_gate(sql) as gate:
        order_id = await site.order()
        await gate.reached()
        if how == "SIGTERM":
            first.signal(signal.SIGTERM)
        else:
            await site.api.fulfillment.StepDown(fulfillment_pb2.StepDownRequest())
        await first.not_serving(FULFILLMENT)
        assert not await second.is_serving(FULFILLMENT)
        await gate.open()
        await second.serving(FULFILLMENT, within=0.5)
    assert await site.status(order_id) != "RECEIVED"
    assert await sql.fetchval("SELECT epoch FROM recorded_writes ORDER BY at LIMIT 1") == 1
    assert await broken_promises(sql) == []


async def test_a_replica_that_was_frozen_wakes_up_deposed(site: Site, replicas: Replicas, sql: Sql) -> None:
    """Frozen for three sessions it has been followed; awake it writes nothing and stands in line again."""
    async with traffic(site, PAUSE):
        first, second = await replicas.pair()
        first.signal(signal.SIGSTOP)
        await second.serving(FULFILLMENT, within=SESSION + 3)
        await asyncio.sleep(2 * SESSION)
        first.signal(signal.SIGCONT)
        await said(first, "stepped_down", within=3)
        await said(first, "passive", within=2 * SESSION)
        assert not await first.is_serving(FULFILLMENT)
        assert await second.stopped() == 0
        await first.serving(FULFILLMENT, within=2)
    assert await broken_promises(sql) == []
    assert await sql.fetchval("SELECT count(DISTINCT epoch) FROM recorded_writes") == 3


async def test_a_replica_that_was_frozen_in_the_middle_of_a_step_is_followed(
    site: Site, replicas: Replicas, sql: Sql
) -> None:
    """The one that takes over ends the transaction; awake, the old one has written nothing."""
    async with traffic(site, PAUSE):
        first, second = await replicas.pair()
        async with shut_gate(sql) as gate:
            await gate.reached()
            first.signal(signal.SIGSTOP)
            await second.serving(FULFILLMENT, within=SESSION + 3)
        await asyncio.sleep(2 * SESSION)
        first.signal(signal.SIGCONT)
        await said(first, "stepped_down", within=3)
        await said(first, "passive", within=2 * SESSION)
        assert not await first.is_serving(FULFILLMENT)
    assert await broken_promises(sql) == []


async def test_a_replica_that_wakes_up_with_a_write_under_way_is_refused(
    replicas: Replicas, sql: Sql, database_url: str
) -> None:
    """Its write comes to Postgres when another has the role; the fence refuses it, and the log says so."""
    async with open_proxy(database_url) as proxy:
        first = await replicas.active("first", database=proxy.url)
        second = await replicas.passive("second")
        await _withhold_a_write(proxy, sql)
        first.signal(signal.SIGSTOP)
        await second.serving(FULFILLMENT, within=SESSION + 3)
        await proxy.heal()
        first.signal(signal.SIGCONT)
        await said(first, "stale_write_refused", within=5)
        await said(first, "passive", within=2 * SESSION)
        assert not await first.is_serving(FULFILLMENT)
    assert await late_writes(sql) == []


async def test_without_the_fence_the_checkers_see_what_a_frozen_replica_had_under_way(
    site: Site, replicas: Replicas, sql: Sql
) -> None:
    """With the fence switched off nobody ends its transaction: what the tests above look for is there."""
    await switch_fence_off(sql)
    await site.open()
    await site.open(["FAR-LANE"], [], warehouse_id="WH-02")
    first, second = await replicas.pair()
    await _validated(site, await site.order(warehouse_id="WH-02"))
    async with shut_gate(sql) as gate:
        await site.order()
        await gate.reached()
        first.signal(signal.SIGSTOP)
        await second.serving(FULFILLMENT, within=SESSION + 3)
        await site.destination("FAR-PACK", warehouse_id="WH-02")
        await _written(sql)

    async def seen() -> bool:
        return await late_writes(sql) != []

    await eventually(seen, within=5)
    first.signal(signal.SIGCONT)


async def _validated(site: Site, order_id: str) -> None:
    """Wait until an order has been validated, which is all that can be done for one without a destination."""

    async def once() -> bool:
        return await site.status(order_id) == "VALIDATED"

    await eventually(once)


async def _written(sql: Sql) -> None:
    """Wait until the second epoch has written something."""

    async def once() -> bool:
        return bool(await sql.fetchval("SELECT EXISTS (SELECT FROM recorded_writes WHERE epoch = 2)"))

    await eventually(once)


async def _withhold_a_write(proxy: Proxy, sql: Sql) -> None:
    """Stop what is said to Postgres at a moment when no transaction is open: Postgres would end that one."""

    async def between_transactions() -> bool:
        await proxy.heal()
        await asyncio.sleep(0.05)
        proxy.freeze(inward=False)
        await asyncio.sleep(0.3)
        return not await sql.fetchval(_FENCED)

    await eventually(between_transactions)


async def test_a_replica_that_was_told_to_end_while_it_was_frozen_ends_when_it_wakes(
    replicas: Replicas,
) -> None:
    """Though it has to step down at the same moment."""
    first, second = await replicas.pair()
    first.signal(signal.SIGSTOP)
    await second.serving(FULFILLMENT, within=SESSION + 3)
    first.signal(signal.SIGTERM)
    first.signal(signal.SIGCONT)
    assert await first.ended(within=5) == 0


async def test_a_passive_replica_that_is_killed_is_not_missed(site: Site, replicas: Replicas) -> None:
    """The active one goes on in its term."""
    first, second = await replicas.pair()
    second.signal(signal.SIGKILL)
    await asyncio.sleep(SESSION + 1)
    assert await first.is_serving(FULFILLMENT)
    assert first.said("stepped_down") == []
