"""The schema: its words and transitions are those of the code, and its constraints reject invalid states."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import product
from pathlib import Path

import asyncpg
import pytest

from tests.support.invariants.database import SqlConnection
from wms_core.domain.cycle_runs import RunStatus
from wms_core.domain.events.kafka import RelayState
from wms_core.domain.events.payloads import ShortageReason
from wms_core.domain.failures.dead_letters import Resolution
from wms_core.domain.orders.backorders import BackorderStatus
from wms_core.domain.orders.orders import Priority
from wms_core.domain.orders.status import STATUS_TRANSITIONS, WORKING_STATUSES, OrderStatus
from wms_core.domain.stock.warehouse import CarrierLocation, CarrierStatus, LaneStatus, MoveKind, MoveStatus
from wms_core.domain.workers import WorkerMode
from wms_dev.docs_generator import schema
from wms_dev.docs_generator.catalog import read_catalog
from wms_dev.docs_generator.generated_part import extract_generated_part

pytestmark = pytest.mark.every_postgres

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "schema.md"


class AllocationStatus(StrEnum):
    """The statuses of an allocation, which the code writes in its queries."""

    LIVE = "live"
    PICKED = "picked"
    RELEASED = "released"


#: The columns whose allowed words a CHECK limits to those of the code.
WORDS_BY_COLUMN: dict[tuple[str, str], Iterable[StrEnum]] = {
    ("orders", "status"): OrderStatus,
    ("orders", "priority"): Priority,
    ("orders", "failed_status"): WORKING_STATUSES,
    ("order_failures", "status"): WORKING_STATUSES,
    ("dead_letter_entries", "final_failure_status"): WORKING_STATUSES,
    ("dead_letter_entries", "resolution"): Resolution,
    ("dead_letter_resolutions", "resolution"): Resolution,
    ("lanes", "status"): LaneStatus,
    ("carriers", "status"): CarrierStatus,
    ("carriers", "location"): CarrierLocation,
    ("moves", "kind"): MoveKind,
    ("moves", "status"): MoveStatus,
    ("allocations", "status"): AllocationStatus,
    ("backorders", "status"): BackorderStatus,
    ("backorders", "reason"): ShortageReason,
    ("write_offs", "reason"): ShortageReason,
    ("fulfillment_runs", "status"): RunStatus,
    ("workers", "mode"): WorkerMode,
    ("relay_reports", "state"): RelayState,
}
#: CHECKs of one text column that limit its format instead of its words.
FORMAT_CHECKS = {("waves", "wave_id")}

_WORD_CHECKS = """
SELECT c.relname AS "table", a.attname AS column, pg_get_constraintdef(k.oid) AS definition
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid AND NOT c.relispartition
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
 WHERE k.contype = 'c' AND cardinality(k.conkey) = 1 AND a.atttypid = 'text'::regtype
"""

_INSERT_EVENT = """
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, from_status, to_status, warehouse_id,
                    actor, correlation_id, wave_number, workflow_id, traceparent, payload)
VALUES ('ORD-1', $3, 1, 'test', now(), $1, $2, 'WH-01', '', '', '', '', '', '{}')
"""


async def test_every_word_check_is_listed(sql: SqlConnection) -> None:
    """A new CHECK of words needs an entry here with the words of the code."""
    checked_columns = {(row["table"], row["column"]) for row in await sql.fetch(_WORD_CHECKS)}
    assert checked_columns == set(WORDS_BY_COLUMN) | FORMAT_CHECKS


async def test_word_checks_allow_exactly_the_words_of_the_code(sql: SqlConnection) -> None:
    """The CHECK itself accepts the words of the code and rejects all others."""
    all_words = {word.value for word_class in WORDS_BY_COLUMN.values() for word in word_class}
    tested_words = all_words | {word.upper() for word in all_words} | {"", " ", "unknown", "received "}
    for row in await sql.fetch(_WORD_CHECKS):
        word_class = WORDS_BY_COLUMN.get((row["table"], row["column"]))
        if word_class is not None:
            accepted = await _find_accepted_words(sql, row["column"], row["definition"], tested_words)
            assert accepted == {word.value for word in word_class}, (row["table"], row["column"])


async def _find_accepted_words(
    sql: SqlConnection, column: str, definition: str, words: Iterable[str]
) -> set[str]:
    await sql.execute(f"CREATE TEMP TABLE probe ({column} text {definition})")
    accepted = set()
    for word in words:
        try:
            await sql.execute("INSERT INTO probe VALUES ($1)", word)
        except asyncpg.CheckViolationError:
            continue
        accepted.add(word)
    await sql.execute("DROP TABLE probe")
    return accepted


async def test_outbox_accepts_exactly_the_legal_transitions(sql: SqlConnection) -> None:
    """All pairs of statuses, unknown words and nulls are inserted. Only legal ones succeed (I4)."""
    words = [None, *(status.value for status in OrderStatus), "unknown"]
    accepted = set()
    for source, target, sequence in product(words, words, (1, 2)):
        try:
            await sql.execute(_INSERT_EVENT, source, target, sequence)
        except asyncpg.CheckViolationError:
            continue
        accepted.add((source, target, sequence))
    transitions = {
        (source.value, target.value) for source, targets in STATUS_TRANSITIONS.items() for target in targets
    }
    status_pairs = {(None, None), *transitions}
    assert accepted == {
        (None, "received", 1),
        *((source, target, n) for source, target in status_pairs for n in (1, 2)),
    }


_ORDER = """
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    created_at, updated_at)
VALUES ('{}', 'CUST-001', 'WH-01', 'standard', 'received', true, '{{}}', now(), now());
"""
_LINE = """
INSERT INTO order_items (order_id, line_number, sku, quantity, allocated)
VALUES ('ORD-1', 1, 'SKU-001', 5, 3);
"""
_CARRIER = """
INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, allocated, status, location, lane_id,
                      lane_position, destination_id, produced_at, received_at, updated_at)
VALUES ('{}', 'WH-01', 'SKU-001', {}, {}, 'available', '{}', {}, {}, {}, now(), now(), now());
"""
_MOVE = """
INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, to_lane_id, destination_id,
                   claimed_by, requested_at, deadline_at, finished_at)
VALUES ('{}', 'WH-01', 'CAR-1', '{}', '{}', {}, {}, {}, {}, now(), now(), {});
"""
_ENTRY = """
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot,
                                 created_at, resolution, resolved_at)
VALUES ('{}', '{}', 'CUST-001', 'WH-01', 'picking', 'jam', 5, '[]', '{{}}', now(), {}, {});
"""
_ALLOCATION = """
INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id, created_at, ended_at)
VALUES ('ORD-1', 1, 'CAR-1', {}, '{}', {}, now(), {});
"""
_EVENT = """
INSERT INTO order_events (position, event_id, order_id, sequence, version, type, occurred_at, warehouse_id,
                          actor, correlation_id, wave_number, workflow_id, traceparent, payload)
VALUES ({}, gen_random_uuid(), 'ORD-1', 1, 1, 'test', now(), 'WH-01', '', '', '', '', '', '{{}}');
"""

_BACKORDER = """
INSERT INTO backorders (backorder_id, order_id, line_number, customer_id, warehouse_id, sku, quantity,
                        quantity_fulfilled, reason, status, created_at, updated_at, closed_at)
VALUES ('{}', '{}', 1, 'CUST-001', 'WH-01', 'SKU-001', {}, {}, 'damaged', '{}', now(), now(), {});
"""
_WRITE_OFF = """
INSERT INTO write_offs (warehouse_id, order_id, carrier_id, sku, quantity, reason, actor, at)
VALUES ('{}', '{}', {}, 'SKU-001', {}, 'damaged', 'test', now());
"""
_RUN = "INSERT INTO fulfillment_runs (run_id, status, created_at) VALUES ('{}', 'running', now());"
_PAUSE = """
INSERT INTO fulfillment_pauses (warehouse_id, reason, paused_by, paused_at)
VALUES ('', 'stocktaking', 'test', now());
"""

_SITES = """
    INSERT INTO warehouses (warehouse_id) VALUES ('WH-02');
    INSERT INTO lanes (lane_id, warehouse_id, zone, capacity, occupied, status)
    VALUES ('LANE-1', 'WH-01', 'A', 2, 2, 'open'), ('LANE-2', 'WH-02', 'A', 2, 0, 'open');
    INSERT INTO destinations (destination_id, warehouse_id, queue_capacity, zones, paused)
    VALUES ('PACK-1', 'WH-01', 10, '{A}', false), ('PACK-2', 'WH-01', 10, '{A}', false);
    INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
    VALUES ('WAVE-2024-00001', 'WH-01', 'PACK-1', now());
"""
SAMPLE_ROWS = (
    _SITES
    + _ORDER.format("ORD-1")
    + _ORDER.format("ORD-2")
    + _LINE
    + _CARRIER.format("CAR-1", 10, 3, "in_lane", "'LANE-1'", 1, "'PACK-1'")
    + _CARRIER.format("CAR-2", 5, 0, "in_lane", "'LANE-1'", 2, "NULL")
    + _ALLOCATION.format(3, "live", "'PACK-1'", "NULL")
    + _MOVE.format("MOV-1", "retrieve", "requested", "'LANE-1'", "NULL", "'PACK-1'", "NULL", "NULL")
    + _ENTRY.format("DLQ-1", "ORD-1", "NULL", "NULL")
    + _ENTRY.format("DLQ-2", "ORD-2", "'escalated'", "now()")
    + _EVENT.format(1)
    + _BACKORDER.format("BO-1", "ORD-1", 2, 1, "in_progress", "NULL")
    + _RUN.format("RUN-1")
    + _PAUSE
)

#: Invalid states, each with the statement that would create it and the constraint that rejects it.
VIOLATIONS: list[tuple[str, str, str]] = [
    ("a duplicate order", _ORDER.format("ORD-1"), "orders_pkey"),
    (
        "a retry without a time",
        "UPDATE orders SET status = 'pending_retry', failed_status = 'picking'",
        "pending_retry_has_time",
    ),
    ("a retry time without a retry", "UPDATE orders SET next_retry_at = now()", "pending_retry_has_time"),
    (
        "a dead letter without its failed status",
        "UPDATE orders SET status = 'dead_letter'",
        "failed_order_has_failed_status",
    ),
    ("picking without a wave", "UPDATE orders SET status = 'picking'", "status_requires_wave"),
    ("a wave without a destination", "UPDATE orders SET wave_id = 'WAVE-2024-00001'", "wave_has_destination"),
    (
        "an order with another destination than its wave",
        "UPDATE orders SET wave_id = 'WAVE-2024-00001', destination_id = 'PACK-2'",
        "order_destination_matches_wave",
    ),
    ("a negative number of failures", "UPDATE orders SET retry_count = -1", "orders_retry_count_check"),
    (
        "a line without an order",
        "INSERT INTO order_items VALUES ('ORD-none', 1, 'S', 1)",
        "order_items_order_id_fkey",
    ),
    ("a duplicate line", "INSERT INTO order_items VALUES ('ORD-1', 1, 'S', 1)", "order_items_pkey"),
    (
        "a line without units",
        "UPDATE order_items SET quantity = 0, allocated = 0",
        "order_items_quantity_check",
    ),
    (
        "a line with negative units",
        "UPDATE order_items SET quantity = -1, allocated = -1",
        "order_items_quantity_check",
    ),
    ("more allocated than ordered", "UPDATE order_items SET allocated = 6", "unit_counts_are_consistent"),
    ("more delivered than allocated", "UPDATE order_items SET delivered = 4", "unit_counts_are_consistent"),
    ("more shipped than delivered", "UPDATE order_items SET shipped = 1", "unit_counts_are_consistent"),
    ("negative shipped units", "UPDATE order_items SET shipped = -1", "unit_counts_are_consistent"),
    (
        "a price without a currency",
        "UPDATE order_items SET price_units = 1, price_nanos = 0",
        "price_is_complete",
    ),
    (
        "a negative price",
        "UPDATE order_items SET price_currency = 'USD', price_units = -1, price_nanos = 0",
        "order_items_price_units_check",
    ),
    (
        "a carrier with negative units",
        "UPDATE carriers SET quantity = -1, allocated = -1",
        "carriers_quantity_check",
    ),
    (
        "more allocated than the carrier has",
        "UPDATE carriers SET allocated = quantity + 1, destination_id = 'PACK-1'",
        "allocated_units_within_quantity",
    ),
    ("negative allocated units", "UPDATE carriers SET allocated = -1", "allocated_units_within_quantity"),
    (
        "allocated units without a destination",
        "UPDATE carriers SET allocated = 1 WHERE carrier_id = 'CAR-2'",
        "allocated_carrier_has_destination",
    ),
    (
        "two carriers in one position",
        "UPDATE carriers SET lane_position = 1",
        "carriers_lane_id_lane_position_key",
    ),
    (
        "a carrier in a lane without a position",
        "UPDATE carriers SET lane_position = NULL",
        "location_is_consistent",
    ),
    (
        "a carrier in two locations",
        "UPDATE carriers SET location = 'at_destination'",
        "location_is_consistent",
    ),
    (
        "a carrier that left with units",
        "UPDATE carriers SET location = 'left', lane_id = NULL, lane_position = NULL WHERE allocated = 0",
        "location_is_consistent",
    ),
    (
        "a carrier in another warehouse's lane",
        "UPDATE carriers SET lane_id = 'LANE-2'",
        "carriers_lane_id_warehouse_id_fkey",
    ),
    ("a lane over its capacity", "UPDATE lanes SET occupied = 3", "lane_within_capacity"),
    ("a lane smaller than its content", "UPDATE lanes SET capacity = 1", "lane_within_capacity"),
    ("a lane with a negative count", "UPDATE lanes SET occupied = -1", "lane_within_capacity"),
    (
        "a lane without a warehouse",
        "UPDATE lanes SET warehouse_id = 'WH-09' WHERE lane_id = 'LANE-2'",
        "lanes_warehouse_id_fkey",
    ),
    (
        "a destination without zones",
        "UPDATE destinations SET zones = '{}'",
        "destinations_zones_check",
    ),
    (
        "a wave with an invalid id",
        "INSERT INTO waves VALUES ('WAVE-1', 'WH-01', 'PACK-1', now())",
        "waves_wave_id_check",
    ),
    (
        "a wave to another warehouse's destination",
        "INSERT INTO waves VALUES ('WAVE-2024-00002', 'WH-02', 'PACK-1', now())",
        "waves_destination_id_warehouse_id_fkey",
    ),
    (
        "two live moves of one carrier",
        _MOVE.format("MOV-2", "retrieve", "requested", "'LANE-1'", "NULL", "'PACK-1'", "NULL", "NULL"),
        "moves_one_live_per_carrier",
    ),
    (
        "a move from an unknown lane",
        _MOVE.format("MOV-3", "retrieve", "completed", "'LANE-9'", "NULL", "'PACK-1'", "'me'", "now()"),
        "move_endpoints_exist",
    ),
    (
        "a move to an unknown lane",
        _MOVE.format("MOV-3", "return", "completed", "NULL", "'LANE-9'", "'PACK-1'", "'me'", "now()"),
        "move_endpoints_exist",
    ),
    (
        "a move to an unknown destination",
        _MOVE.format("MOV-3", "retrieve", "completed", "'LANE-1'", "NULL", "'PACK-9'", "'me'", "now()"),
        "move_endpoints_exist",
    ),
    ("a move of an unknown carrier", "UPDATE moves SET carrier_id = 'CAR-9'", "moves_carrier_id_fkey"),
    ("a claim without a claimant", "UPDATE moves SET status = 'claimed'", "claimed_move_has_claimant"),
    ("an end without a time", "UPDATE moves SET status = 'failed'", "finished_move_has_time"),
    ("a time without an end", "UPDATE moves SET finished_at = now()", "finished_move_has_time"),
    (
        "a retrieval without a destination",
        "UPDATE moves SET destination_id = NULL",
        "move_endpoints_match_kind",
    ),
    ("a return without a lane", "UPDATE moves SET kind = 'return'", "move_endpoints_match_kind"),
    (
        "a relocation to a destination",
        "UPDATE moves SET kind = 'relocate', to_lane_id = 'LANE-1'",
        "move_endpoints_match_kind",
    ),
    (
        "an allocation without units",
        _ALLOCATION.format(0, "live", "'PACK-1'", "NULL"),
        "allocations_quantity_check",
    ),
    (
        "an allocation to another destination than its carrier's",
        _ALLOCATION.format(1, "live", "'PACK-2'", "NULL"),
        "allocation_target_matches_carrier",
    ),
    (
        "an allocation of an unknown carrier",
        _ALLOCATION.format(1, "live", "'PACK-1'", "NULL").replace("CAR-1", "CAR-9"),
        "allocation_target_matches_carrier",
    ),
    (
        "an allocation to an unknown order",
        _ALLOCATION.format(1, "live", "'PACK-1'", "NULL").replace("ORD-1", "ORD-9"),
        "allocation_order_exists",
    ),
    (
        "an allocation changed to another destination",
        _ALLOCATION.format(1, "live", "'PACK-1'", "NULL") + "UPDATE allocations SET target_id = 'PACK-2'",  # noqa: S608 # no input
        "allocation_target_matches_carrier",
    ),
    (
        "an allocation changed to an unknown order",
        _ALLOCATION.format(1, "live", "'PACK-1'", "NULL") + "UPDATE allocations SET order_id = 'ORD-9'",  # noqa: S608 # no input
        "allocation_order_exists",
    ),
    (
        "a carrier changed to another destination than its allocations",
        "UPDATE carriers SET destination_id = 'PACK-2' WHERE carrier_id = 'CAR-1'",
        "allocation_target_matches_carrier",
    ),
    (
        "a live allocation without a target",
        _ALLOCATION.format(1, "live", "NULL", "NULL"),
        "live_allocation_has_target",
    ),
    (
        "an ended allocation with a target",
        _ALLOCATION.format(1, "picked", "'PACK-1'", "now()"),
        "live_allocation_has_target",
    ),
    (
        "an ended allocation without a time",
        _ALLOCATION.format(1, "released", "NULL", "NULL"),
        "ended_allocation_has_time",
    ),
    (
        "two open dead letter entries of an order",
        _ENTRY.format("DLQ-3", "ORD-1", "NULL", "NULL"),
        "dead_letters_one_open_per_order",
    ),
    (
        "an open entry beside an escalated one",
        _ENTRY.format("DLQ-3", "ORD-2", "NULL", "NULL"),
        "dead_letters_one_open_per_order",
    ),
    (
        "an entry of an unknown order",
        _ENTRY.format("DLQ-3", "ORD-9", "NULL", "NULL"),
        "dead_letter_entries_order_id_fkey",
    ),
    (
        "a resolution without a time",
        "UPDATE dead_letter_entries SET resolution = 'cancelled'",
        "resolution_has_time",
    ),
    ("two events in one position", _EVENT.format(1), "order_events_p000000_pkey"),
    (
        "negative backordered units",
        "UPDATE order_items SET backordered = -1",
        "backordered_units_within_quantity",
    ),
    (
        "more backordered and delivered than ordered",
        "UPDATE order_items SET delivered = 3, backordered = 3",
        "backordered_units_within_quantity",
    ),
    ("a duplicate backorder", _BACKORDER.format("BO-1", "ORD-1", 2, 0, "open", "NULL"), "backorders_pkey"),
    (
        "a backorder without units",
        _BACKORDER.format("BO-2", "ORD-1", 0, 0, "fulfilled", "now()"),
        "backorders_quantity_check",
    ),
    (
        "a backorder of an unknown order",
        _BACKORDER.format("BO-2", "ORD-9", 2, 0, "open", "NULL"),
        "backorders_order_id_fkey",
    ),
    (
        "more fulfilled than backordered",
        "UPDATE backorders SET quantity_fulfilled = 3",
        "fulfilled_units_within_quantity",
    ),
    (
        "negative fulfilled units",
        "UPDATE backorders SET quantity_fulfilled = -1",
        "fulfilled_units_within_quantity",
    ),
    (
        "a fulfilled backorder with missing units",
        "UPDATE backorders SET status = 'fulfilled', closed_at = now()",
        "fulfilled_status_matches_quantity",
    ),
    (
        "an open backorder without missing units",
        "UPDATE backorders SET quantity_fulfilled = 2",
        "fulfilled_status_matches_quantity",
    ),
    (
        "a closed backorder without a time",
        "UPDATE backorders SET status = 'cancelled'",
        "closed_backorder_has_time",
    ),
    ("an open backorder with an end", "UPDATE backorders SET closed_at = now()", "closed_backorder_has_time"),
    (
        "an allocation for an unknown backorder",
        "UPDATE allocations SET backorder_id = 'BO-9'",
        "allocations_backorder_id_fkey",
    ),
    (
        "a write-off without units",
        _WRITE_OFF.format("WH-01", "ORD-1", "'CAR-1'", 0),
        "write_offs_quantity_check",
    ),
    (
        "a write-off in an unknown warehouse",
        _WRITE_OFF.format("WH-09", "ORD-1", "NULL", 1),
        "write_offs_warehouse_id_fkey",
    ),
    (
        "a write-off from an unknown carrier",
        _WRITE_OFF.format("WH-01", "ORD-1", "'CAR-9'", 1),
        "write_offs_carrier_id_fkey",
    ),
    (
        "a write-off of an unknown order",
        _WRITE_OFF.format("WH-01", "ORD-9", "NULL", 1),
        "write_offs_order_id_fkey",
    ),
    ("a duplicate run", _RUN.format("RUN-1"), "fulfillment_runs_pkey"),
    ("two pauses of one warehouse", _PAUSE, "fulfillment_pauses_pkey"),
    ("a role with the lock of another", "UPDATE worker_roles SET lock_key = 1", "worker_roles_lock_key_key"),
]


async def test_constraints_reject_invalid_states(sql: SqlConnection) -> None:
    """This protects the data from every writer, including manual statements."""
    await sql.execute(SAMPLE_ROWS)
    constraints_by_name = {
        name: await _find_rejecting_constraint(sql, statement) for name, statement, _ in VIOLATIONS
    }
    assert constraints_by_name == {name: constraint for name, _, constraint in VIOLATIONS}


async def _find_rejecting_constraint(sql: SqlConnection, statement: str) -> str | None:
    """Return the constraint that rejects the statement, or None. The statement is rolled back."""
    transaction = sql.transaction()
    await transaction.start()
    try:
        await sql.execute(statement)
    except asyncpg.IntegrityConstraintViolationError as error:
        return error.constraint_name
    finally:
        await transaction.rollback()
    return None


async def test_order_can_have_another_entry_after_a_resolution(sql: SqlConnection) -> None:
    """An order may return to the dead letter queue, and its earlier entries stay."""
    await sql.execute(SAMPLE_ROWS)
    for number, resolution in enumerate(("manual_retry", "cancelled"), start=10):
        await sql.execute(
            "UPDATE dead_letter_entries SET resolution = $1, resolved_at = now() WHERE order_id = 'ORD-1'",
            resolution,
        )
        await sql.execute(_ENTRY.format(f"DLQ-{number}", "ORD-1", "NULL", "NULL"))


#: Columns that reference a row without a foreign key, with the reason.
WITHOUT_FOREIGN_KEY = {
    (
        "orders",
        "warehouse_id",
    ): "the insert checks it, because a foreign key would lock the row of the warehouse",
    ("outbox", "order_id"): "the event moves to the log soon",
    ("outbox", "warehouse_id"): "like orders.warehouse_id",
    ("order_events", "order_id"): "the log may outlive the order",
    ("order_events", "warehouse_id"): "like orders.warehouse_id",
    ("dead_letter_entries", "warehouse_id"): "a copy of orders.warehouse_id",
    ("moves", "warehouse_id"): "a copy of carriers.warehouse_id",
    ("backorders", "warehouse_id"): "a copy of orders.warehouse_id",
    ("fulfillment_runs", "warehouse_id"): "empty means all warehouses, and the call checks it",
    ("allocations", "order_id"): "a trigger checks it for all rows of a statement",
    ("allocations", "carrier_id"): "a trigger checks it",
    ("allocations", "target_id"): "a trigger checks it",
    ("moves", "from_lane_id"): "a trigger checks it",
    ("moves", "to_lane_id"): "a trigger checks it",
    ("moves", "destination_id"): "a trigger checks it",
    ("carriers", "destination_id"): "the target of its allocations or of its move",
}


async def test_every_reference_has_a_foreign_key(sql: SqlConnection) -> None:
    """Orders, carriers, lanes, destinations, waves and warehouses in references must exist."""
    references = await sql.fetch("""
        SELECT c.relname AS "table", a.attname AS column,
               EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('f', 'p')
                          AND a.attnum = ANY (k.conkey)
                          AND (k.contype = 'f' OR cardinality(k.conkey) = 1))AS has_key
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND a.attname ~ '^(from_|to_)?(order|carrier|lane|destination|wave|warehouse|entry|target)_id$'""")
    assert {(row["table"], row["column"]) for row in references if not row["has_key"]} == set(
        WITHOUT_FOREIGN_KEY
    )
    assert len(references) > 30


async def test_every_index_documents_its_queries(sql: SqlConnection) -> None:
    """An index slows every write, so the comment above it in the migration has its purpose."""
    documented_purposes = schema.index_purposes()
    index_names = {index.name for index in (await read_catalog(sql)).indexes if not index.of_key}
    assert index_names == {name for name, purpose in documented_purposes.items() if purpose}


async def test_schema_document_is_current(sql: SqlConnection) -> None:
    """`make generate` writes docs/reference/schema.md."""
    assert extract_generated_part(DOCUMENT.read_text(encoding="utf-8")) == schema.part(
        await read_catalog(sql)
    )
