"""The checker of the promises: silent over a sound database, red when one is broken on purpose."""

import pytest

from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.site import Site
from tests.support.waiting import eventually
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, orders_pb2
from wms_core.domain.retries import RetryPolicy

pytestmark = pytest.mark.one_postgres


async def _lived_in(site: Site, fulfillment: Fulfillment) -> None:
    """Fill the database with orders in many statuses, shipments, failures and decided dead letters."""
    policy = RetryPolicy(max_retries=1)
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 9), ("CAR-2", "SKU-002", 9))
    shipped = await site.order(("SKU-001", 2))
    hopeless = [await site.order(("SKU-404", 1)) for _ in range(2)]
    await fulfillment.deliver(site.api, retry_policy=policy)
    await site.api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=shipped, carrier_code="DHL", tracking_number="T-1")
    )
    await site.api.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=hopeless[0],
            resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
            resolved_by="ann",
        )
    )
    await site.order(("SKU-404", 1))
    await site.order(("SKU-002", 2))
    await fulfillment.run()


#: What is broken, the words of the breach, and how; what the schema protects is unprotected first.
_BREAKS = {
    "a unit gone": (
        "I2 units received",
        "UPDATE carriers SET quantity = quantity - 1 WHERE carrier_id = 'CAR-1'",
    ),
    "a unit too many delivered": (
        "I2 units received",
        "UPDATE order_items SET delivered = 2, allocated = 2 WHERE sku = 'SKU-002'",
    ),
    "a promise nobody holds": (
        "I2 what a carrier has promised",
        "UPDATE carriers SET allocated = allocated + 1 WHERE carrier_id = 'CAR-2'",
    ),
    "stock promised twice": (
        "I2 what a line has been promised",
        """INSERT INTO allocations (order_id, line_number, carrier_id, target_id, quantity, status,
                                    created_at)
           SELECT order_id, line_number, carrier_id, target_id, quantity, status, created_at
             FROM allocations WHERE status = 'live'""",
    ),
    "a pick forgotten": ("I2 what was picked", "DELETE FROM allocations WHERE status = 'picked'"),
    "a shipment forgotten": ("I2 what was shipped", "DELETE FROM shipments"),
    "stock held by an order that is done": (
        "I2 an order holds stock",
        "UPDATE orders SET status = 'cancelled' WHERE status = 'picking'",
    ),
    "a carrier on two trips": (
        "I2 a carrier makes one trip",
        """DROP INDEX moves_live;
           INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id,
                              requested_at, deadline_at)
           SELECT 'MOV-second', warehouse_id, carrier_id, kind, status, from_lane_id, destination_id,
                  requested_at, deadline_at FROM moves WHERE status = 'requested'""",
    ),
    "a lane that miscounts": ("I2 a lane counts", "UPDATE lanes SET occupied = occupied + 1"),
    "an event lost": ("I4 sequence numbers", "DELETE FROM order_events WHERE sequence = 2"),
    "an event doubled": ("I4 sequence numbers", "UPDATE order_events SET sequence = 1 WHERE sequence = 2"),
    "a step left out": (
        "I4 each change of status begins",
        "UPDATE order_events SET from_status = 'received' WHERE to_status = 'picking'",
    ),
    "an arrow that is not in the table": (
        "I4 each change of status is an arrow",
        "UPDATE order_events SET from_status = 'received' WHERE to_status = 'picking'",
    ),
    "a status nobody told of": (
        "I4 an order's status is",
        "UPDATE orders SET status = 'completed' WHERE status = 'shipped'",
    ),
    "a failure too many": (
        "I8 no life",
        """INSERT INTO order_failures (order_id, life, attempt_number, status, reason, failed_at, actor)
           SELECT order_id, life, attempt_number + 5, status, reason, failed_at, actor FROM order_failures""",
    ),
    "a failure not counted": (
        "I8 an order's count",
        "UPDATE orders SET retry_count = 0 WHERE status = 'pending_retry'",
    ),
    "a retry too early": (
        "I8 each delay",
        "UPDATE orders SET next_retry_at = last_failed_at WHERE status = 'pending_retry'",
    ),
    "a dead letter without an entry": (
        "I9 each way into",
        "DELETE FROM dead_letter_entries WHERE resolution IS NULL",
    ),
    "an entry left open": (
        "I9 an order in the queue",
        "UPDATE dead_letter_entries SET resolution = 'escalated' WHERE resolution = 'cancelled'",
    ),
    "a decision without a trace": ("I9 each decision", "DELETE FROM dead_letter_resolutions"),
}


async def test_the_checker_is_silent_over_what_the_service_did(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Orders shipped, waiting, failed and decided break no promise."""
    await _lived_in(site, fulfillment)
    assert await breaches(sql) == []


@pytest.mark.parametrize("broken", _BREAKS)
async def test_the_checker_goes_red(site: Site, fulfillment: Fulfillment, sql: Sql, broken: str) -> None:
    """A checker that can't fail proves nothing: each promise broken on purpose is seen."""
    await _lived_in(site, fulfillment)
    # What is broken is broken in the log: every event has to be there.
    await eventually(lambda: sql.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))
    words, change = _BREAKS[broken]
    await sql.execute(change)
    assert any(breach.startswith(words) for breach in await breaches(sql)), await breaches(sql)


async def test_the_checker_sees_orders_lost_and_orders_that_should_not_be(site: Site, sql: Sql) -> None:
    """An acknowledged order that is not there is a breach, and so is a refused one that is."""
    order_id = await site.order()
    assert await breaches(sql, acknowledged=[order_id], refused=["ORD-refused"]) == []
    assert await breaches(sql, acknowledged=["ORD-lost"], refused=[order_id]) == [
        "I1 acknowledged and lost: ORD-lost",
        f"I1 refused and written: {order_id}",
    ]
