"""The invariant checker: no violation in a correct database, and one for each deliberate corruption."""

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.waiting import eventually
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, orders_pb2
from wms_core.domain.failures.failures import RetryPolicy

pytestmark = pytest.mark.one_postgres


async def _fill_database(warehouse: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """Create orders in many statuses, with shipments, failures and resolved dead letters."""
    policy = RetryPolicy(max_retries=1)
    await warehouse.open()
    await warehouse.receive_carriers(("CAR-1", "SKU-001", 9), ("CAR-2", "SKU-002", 9))
    shipped_order_id = await warehouse.place_order(("SKU-001", 2))
    failing_order_ids = [await warehouse.place_order(("SKU-404", 1)) for _ in range(2)]
    await fulfillment.deliver_all(warehouse.api, retry_policy=policy)
    await warehouse.api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=shipped_order_id, carrier_code="DHL", tracking_number="T-1")
    )
    await warehouse.api.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=failing_order_ids[0],
            resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
            resolved_by="ann",
        )
    )
    await warehouse.place_order(("SKU-404", 1))
    await warehouse.place_order(("SKU-002", 2))
    await fulfillment.run()


#: The corruption, the start of the message, and its SQL, which first removes the constraints of the schema.
_CORRUPTIONS = {
    "a unit gone": (
        "I2 units received",
        "UPDATE carriers SET quantity = quantity - 1 WHERE carrier_id = 'CAR-1'",
    ),
    "a unit too many delivered": (
        "I2 units received",
        "UPDATE order_items SET delivered = 2, allocated = 2 WHERE sku = 'SKU-002'",
    ),
    "an allocation without an order": (
        "I2 allocated units of a carrier",
        "UPDATE carriers SET allocated = allocated + 1 WHERE carrier_id = 'CAR-2'",
    ),
    "stock allocated twice": (
        "I2 allocated units of a line",
        """INSERT INTO allocations (order_id, line_number, carrier_id, target_id, quantity, status,
                                    created_at)
           SELECT order_id, line_number, carrier_id, target_id, quantity, status, created_at
             FROM allocations WHERE status = 'live'""",
    ),
    "a pick missing": ("I2 delivered units", "DELETE FROM allocations WHERE status = 'picked'"),
    "a shipment missing": ("I2 shipped units", "DELETE FROM shipments"),
    "stock allocated to a finished order": (
        "I2 an order has allocations",
        "UPDATE orders SET status = 'cancelled' WHERE status = 'picking'",
    ),
    "a carrier with two moves": (
        "I2 a carrier has one live move",
        """DROP INDEX moves_one_live_per_carrier;
           INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id,
                              requested_at, deadline_at)
           SELECT 'MOV-second', warehouse_id, carrier_id, kind, status, from_lane_id, destination_id,
                  requested_at, deadline_at FROM moves WHERE status = 'requested'""",
    ),
    "a wrong count of a lane": ("I2 a lane counts", "UPDATE lanes SET occupied = occupied + 1"),
    "an event lost": ("I4 sequence numbers", "DELETE FROM order_events WHERE sequence = 2"),
    "an event doubled": ("I4 sequence numbers", "UPDATE order_events SET sequence = 1 WHERE sequence = 2"),
    "a transition missing": (
        "I4 each transition begins",
        "UPDATE order_events SET from_status = 'received' WHERE to_status = 'picking'",
    ),
    "an illegal transition": (
        "I4 each transition is in the table",
        "UPDATE order_events SET from_status = 'received' WHERE to_status = 'picking'",
    ),
    "a status without an event": (
        "I4 an order's status is",
        "UPDATE orders SET status = 'completed' WHERE status = 'shipped'",
    ),
    "a failure too many": (
        "I8 a retry generation",
        """INSERT INTO order_failures (order_id, retry_generation, attempt_number, status, reason, failed_at,
                                       actor)
           SELECT order_id, retry_generation, attempt_number + 5, status, reason, failed_at, actor
             FROM order_failures""",
    ),
    "a failure not counted": (
        "I8 an order's retry count",
        "UPDATE orders SET retry_count = 0 WHERE status = 'pending_retry'",
    ),
    "a retry too early": (
        "I8 each delay",
        "UPDATE orders SET next_retry_at = last_failed_at WHERE status = 'pending_retry'",
    ),
    "a dead letter without an entry": (
        "I9 each move into",
        "DELETE FROM dead_letter_entries WHERE resolution IS NULL",
    ),
    "an entry left open": (
        "I9 an order in the queue",
        "UPDATE dead_letter_entries SET resolution = 'escalated' WHERE resolution = 'cancelled'",
    ),
    "a resolution missing": ("I9 each resolution", "DELETE FROM dead_letter_resolutions"),
}


async def test_checker_accepts_a_correct_database(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Orders that are shipped, waiting, failed and resolved violate no invariant."""
    await _fill_database(site, fulfillment)
    assert await find_violations(sql) == []


@pytest.mark.parametrize("corruption", _CORRUPTIONS)
async def test_checker_detects_each_corruption(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection, corruption: str
) -> None:
    """This shows that the checker can fail."""
    await _fill_database(site, fulfillment)
    # The corruption changes the log, so every event must be in it.
    await eventually(lambda: sql.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))
    message_start, statement = _CORRUPTIONS[corruption]
    await sql.execute(statement)
    assert any(violation.startswith(message_start) for violation in await find_violations(sql)), (
        await find_violations(sql)
    )


async def test_checker_detects_lost_and_unexpected_orders(site: WarehouseDriver, sql: SqlConnection) -> None:
    """A missing acknowledged order is a violation, and so is an existing rejected one."""
    order_id = await site.place_order()
    assert await find_violations(sql, acknowledged_ids=[order_id], rejected_ids=["ORD-refused"]) == []
    assert await find_violations(sql, acknowledged_ids=["ORD-lost"], rejected_ids=[order_id]) == [
        "I1 acknowledged and lost: ORD-lost",
        f"I1 rejected and written: {order_id}",
    ]
