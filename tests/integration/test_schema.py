"""The schema: its words and arrows are the code's, and what must never be is refused by the database."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import product
from pathlib import Path

import asyncpg
import pytest

from tests.support.invariants import Sql
from wms_core.domain.backorders import BackorderStatus
from wms_core.domain.dead_letters import Resolution
from wms_core.domain.order_status import TRANSITIONS, WORKING, OrderStatus
from wms_core.domain.orders import Priority
from wms_core.domain.payloads import ShortageReason
from wms_core.domain.publishing import RelayState
from wms_core.domain.runs import RunStatus
from wms_core.domain.storage import CarrierLocation, CarrierStatus, LaneStatus, MoveKind, MoveStatus
from wms_core.domain.workers import WorkerMode
from wms_dev.documents import schema
from wms_dev.documents.catalog import read_catalog
from wms_dev.documents.marked import part_of

pytestmark = pytest.mark.every_postgres

DOCUMENT = Path(__file__).parents[2] / "docs" / "schema.md"


class AllocationStatus(StrEnum):
    """The words of an allocation, which the code writes in its queries."""

    LIVE = "live"
    PICKED = "picked"
    RELEASED = "released"


#: The columns whose words a CHECK holds to those of the code.
WORDS: dict[tuple[str, str], Iterable[StrEnum]] = {
    ("orders", "status"): OrderStatus,
    ("orders", "priority"): Priority,
    ("orders", "failed_status"): WORKING,
    ("order_failures", "status"): WORKING,
    ("dead_letter_entries", "final_failure_status"): WORKING,
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
#: CHECKs of one text column that are about a form, not about words.
FORMS = {("waves", "wave_id")}

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


async def test_a_check_holds_every_column_of_words(sql: Sql) -> None:
    """Whoever adds a CHECK of words says here which words of the code it has to hold."""
    found = {(row["table"], row["column"]) for row in await sql.fetch(_WORD_CHECKS)}
    assert found == set(WORDS) | FORMS


async def test_the_words_of_the_checks_are_those_of_the_code(sql: Sql) -> None:
    """Every word is tried on the CHECK itself: the code's are accepted, every other one is refused."""
    every = {word.value for kind in WORDS.values() for word in kind}
    tried = every | {word.upper() for word in every} | {"", " ", "unknown", "received "}
    for row in await sql.fetch(_WORD_CHECKS):
        kind = WORDS.get((row["table"], row["column"]))
        if kind is not None:
            accepted = await _accepted(sql, row["column"], row["definition"], tried)
            assert accepted == {word.value for word in kind}, (row["table"], row["column"])


async def _accepted(sql: Sql, column: str, definition: str, words: Iterable[str]) -> set[str]:
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


async def test_the_outbox_takes_the_arrows_of_the_table_and_nothing_else(sql: Sql) -> None:
    """Every pair of words, and of words and nothing, is written: only a path of the table passes (I4)."""
    words = [None, *(status.value for status in OrderStatus), "unknown"]
    accepted = set()
    for source, to, sequence in product(words, words, (1, 2)):
        try:
            await sql.execute(_INSERT_EVENT, source, to, sequence)
        except asyncpg.CheckViolationError:
            continue
        accepted.add((source, to, sequence))
    arrows = {(source.value, to.value) for source, targets in TRANSITIONS.items() for to in targets}
    told = {(None, None), *arrows}
    assert accepted == {(None, "received", 1), *((source, to, n) for source, to in told for n in (1, 2))}


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

_PLACES = """
    INSERT INTO warehouses (warehouse_id) VALUES ('WH-02');
    INSERT INTO lanes (lane_id, warehouse_id, zone, capacity, occupied, status)
    VALUES ('LANE-1', 'WH-01', 'A', 2, 2, 'open'), ('LANE-2', 'WH-02', 'A', 2, 0, 'open');
    INSERT INTO destinations (destination_id, warehouse_id, queue_capacity, zones, paused)
    VALUES ('PACK-1', 'WH-01', 10, '{A}', false), ('PACK-2', 'WH-01', 10, '{A}', false);
    INSERT INTO waves (wave_id, warehouse_id, destination_id, created_at)
    VALUES ('WAVE-2024-00001', 'WH-01', 'PACK-1', now());
"""
SITE = (
    _PLACES
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

#: What must never be, the statement that would make it so, and the constraint that is in the way.
BREACHES: list[tuple[str, str, str]] = [
    ("an order twice", _ORDER.format("ORD-1"), "orders_pkey"),
    (
        "a retry without a time",
        "UPDATE orders SET status = 'pending_retry', failed_status = 'picking'",
        "retry_is_due",
    ),
    ("a retry time without a retry", "UPDATE orders SET next_retry_at = now()", "retry_is_due"),
    (
        "a dead letter without the status it failed in",
        "UPDATE orders SET status = 'dead_letter'",
        "failure_is_known",
    ),
    ("picking without a wave", "UPDATE orders SET status = 'picking'", "in_a_wave"),
    ("a wave without a destination", "UPDATE orders SET wave_id = 'WAVE-2024-00001'", "wave_has_destination"),
    (
        "an order that goes elsewhere than its wave",
        "UPDATE orders SET wave_id = 'WAVE-2024-00001', destination_id = 'PACK-2'",
        "wave_goes_to_destination",
    ),
    ("fewer than no failures", "UPDATE orders SET retry_count = -1", "orders_retry_count_check"),
    (
        "a line of no order",
        "INSERT INTO order_items VALUES ('ORD-none', 1, 'S', 1)",
        "order_items_order_id_fkey",
    ),
    ("a line twice", "INSERT INTO order_items VALUES ('ORD-1', 1, 'S', 1)", "order_items_pkey"),
    ("a line of nothing", "UPDATE order_items SET quantity = 0, allocated = 0", "order_items_quantity_check"),
    (
        "a line of less than nothing",
        "UPDATE order_items SET quantity = -1, allocated = -1",
        "order_items_quantity_check",
    ),
    ("more allocated than asked for", "UPDATE order_items SET allocated = 6", "units_in_order"),
    ("more delivered than allocated", "UPDATE order_items SET delivered = 4", "units_in_order"),
    ("more shipped than delivered", "UPDATE order_items SET shipped = 1", "units_in_order"),
    ("fewer than none shipped", "UPDATE order_items SET shipped = -1", "units_in_order"),
    (
        "a price without a currency",
        "UPDATE order_items SET price_units = 1, price_nanos = 0",
        "price_is_whole",
    ),
    (
        "a negative price",
        "UPDATE order_items SET price_currency = 'USD', price_units = -1, price_nanos = 0",
        "order_items_price_units_check",
    ),
    (
        "a carrier of less than nothing",
        "UPDATE carriers SET quantity = -1, allocated = -1",
        "carriers_quantity_check",
    ),
    (
        "more promised than there is",
        "UPDATE carriers SET allocated = quantity + 1, destination_id = 'PACK-1'",
        "never_more_than_there_is",
    ),
    ("fewer than none promised", "UPDATE carriers SET allocated = -1", "never_more_than_there_is"),
    (
        "units promised to nowhere",
        "UPDATE carriers SET allocated = 1 WHERE carrier_id = 'CAR-2'",
        "allocated_has_target",
    ),
    (
        "two carriers in one position",
        "UPDATE carriers SET lane_position = 1",
        "carriers_lane_id_lane_position_key",
    ),
    ("a carrier in a lane without a place", "UPDATE carriers SET lane_position = NULL", "place_is_known"),
    ("a carrier in two places", "UPDATE carriers SET location = 'at_destination'", "place_is_known"),
    (
        "a carrier that left with goods",
        "UPDATE carriers SET location = 'left', lane_id = NULL, lane_position = NULL WHERE allocated = 0",
        "place_is_known",
    ),
    (
        "a carrier in another warehouse's lane",
        "UPDATE carriers SET lane_id = 'LANE-2'",
        "carriers_lane_id_warehouse_id_fkey",
    ),
    ("a lane over its capacity", "UPDATE lanes SET occupied = 3", "lane_within_capacity"),
    ("a lane smaller than what is in it", "UPDATE lanes SET capacity = 1", "lane_within_capacity"),
    ("a lane with fewer than none", "UPDATE lanes SET occupied = -1", "lane_within_capacity"),
    (
        "a lane of no warehouse",
        "UPDATE lanes SET warehouse_id = 'WH-09' WHERE lane_id = 'LANE-2'",
        "lanes_warehouse_id_fkey",
    ),
    (
        "a destination that nothing leads to",
        "UPDATE destinations SET zones = '{}'",
        "destinations_zones_check",
    ),
    (
        "a wave with a number of its own kind",
        "INSERT INTO waves VALUES ('WAVE-1', 'WH-01', 'PACK-1', now())",
        "waves_wave_id_check",
    ),
    (
        "a wave to another warehouse's destination",
        "INSERT INTO waves VALUES ('WAVE-2024-00002', 'WH-02', 'PACK-1', now())",
        "waves_destination_id_warehouse_id_fkey",
    ),
    (
        "two trips of one carrier",
        _MOVE.format("MOV-2", "retrieve", "requested", "'LANE-1'", "NULL", "'PACK-1'", "NULL", "NULL"),
        "moves_live",
    ),
    (
        "a trip from no lane",
        _MOVE.format("MOV-3", "retrieve", "completed", "'LANE-9'", "NULL", "'PACK-1'", "'me'", "now()"),
        "trip_between_places",
    ),
    (
        "a trip to no lane",
        _MOVE.format("MOV-3", "return", "completed", "NULL", "'LANE-9'", "'PACK-1'", "'me'", "now()"),
        "trip_between_places",
    ),
    (
        "a trip to no destination",
        _MOVE.format("MOV-3", "retrieve", "completed", "'LANE-1'", "NULL", "'PACK-9'", "'me'", "now()"),
        "trip_between_places",
    ),
    ("a trip of no carrier", "UPDATE moves SET carrier_id = 'CAR-9'", "moves_carrier_id_fkey"),
    ("a claim of nobody", "UPDATE moves SET status = 'claimed'", "claim_has_owner"),
    ("an end without a time", "UPDATE moves SET status = 'failed'", "end_has_time"),
    ("a time without an end", "UPDATE moves SET finished_at = now()", "end_has_time"),
    ("a retrieval to nowhere", "UPDATE moves SET destination_id = NULL", "trip_fits_kind"),
    ("a return to no lane", "UPDATE moves SET kind = 'return'", "trip_fits_kind"),
    (
        "a relocation to a destination",
        "UPDATE moves SET kind = 'relocate', to_lane_id = 'LANE-1'",
        "trip_fits_kind",
    ),
    (
        "an allocation of nothing",
        _ALLOCATION.format(0, "live", "'PACK-1'", "NULL"),
        "allocations_quantity_check",
    ),
    (
        "an allocation to another destination than its carrier's",
        _ALLOCATION.format(1, "live", "'PACK-2'", "NULL"),
        "promised_where_it_goes",
    ),
    (
        "an allocation of no carrier",
        _ALLOCATION.format(1, "live", "'PACK-1'", "NULL").replace("CAR-1", "CAR-9"),
        "promised_where_it_goes",
    ),
    (
        "an allocation to no order",
        _ALLOCATION.format(1, "live", "'PACK-1'", "NULL").replace("ORD-1", "ORD-9"),
        "promised_to_an_order",
    ),
    (
        "an allocation that is turned to another destination",
        _ALLOCATION.format(1, "live", "'PACK-1'", "NULL") + "UPDATE allocations SET target_id = 'PACK-2'",  # noqa: S608 # no input
        "promised_where_it_goes",
    ),
    (
        "an allocation that is handed to no order",
        _ALLOCATION.format(1, "live", "'PACK-1'", "NULL") + "UPDATE allocations SET order_id = 'ORD-9'",  # noqa: S608 # no input
        "promised_to_an_order",
    ),
    (
        "a carrier that leaves its allocations behind",
        "UPDATE carriers SET destination_id = 'PACK-2' WHERE carrier_id = 'CAR-1'",
        "promised_where_it_goes",
    ),
    ("a live allocation without a target", _ALLOCATION.format(1, "live", "NULL", "NULL"), "live_has_target"),
    (
        "an ended allocation that still binds",
        _ALLOCATION.format(1, "picked", "'PACK-1'", "now()"),
        "live_has_target",
    ),
    (
        "an ended allocation without a time",
        _ALLOCATION.format(1, "released", "NULL", "NULL"),
        "ended_has_time",
    ),
    (
        "two open dead letter entries of an order",
        _ENTRY.format("DLQ-3", "ORD-1", "NULL", "NULL"),
        "dead_letters_open",
    ),
    (
        "an open entry beside an escalated one",
        _ENTRY.format("DLQ-3", "ORD-2", "NULL", "NULL"),
        "dead_letters_open",
    ),
    (
        "an entry of no order",
        _ENTRY.format("DLQ-3", "ORD-9", "NULL", "NULL"),
        "dead_letter_entries_order_id_fkey",
    ),
    (
        "a resolution without a time",
        "UPDATE dead_letter_entries SET resolution = 'cancelled'",
        "resolved_with_time",
    ),
    ("two events in one position", _EVENT.format(1), "order_events_p000000_pkey"),
    ("fewer than none owed", "UPDATE order_items SET backordered = -1", "owed_or_delivered"),
    (
        "more owed and delivered than asked for",
        "UPDATE order_items SET delivered = 3, backordered = 3",
        "owed_or_delivered",
    ),
    ("a backorder twice", _BACKORDER.format("BO-1", "ORD-1", 2, 0, "open", "NULL"), "backorders_pkey"),
    (
        "a backorder of nothing",
        _BACKORDER.format("BO-2", "ORD-1", 0, 0, "fulfilled", "now()"),
        "backorders_quantity_check",
    ),
    (
        "a backorder of no order",
        _BACKORDER.format("BO-2", "ORD-9", 2, 0, "open", "NULL"),
        "backorders_order_id_fkey",
    ),
    ("more brought than owed", "UPDATE backorders SET quantity_fulfilled = 3", "never_more_than_owed"),
    ("fewer than none brought", "UPDATE backorders SET quantity_fulfilled = -1", "never_more_than_owed"),
    (
        "a backorder fulfilled in part",
        "UPDATE backorders SET status = 'fulfilled', closed_at = now()",
        "fulfilled_is_whole",
    ),
    ("a whole backorder still open", "UPDATE backorders SET quantity_fulfilled = 2", "fulfilled_is_whole"),
    (
        "a closed backorder without a time",
        "UPDATE backorders SET status = 'cancelled'",
        "closed_has_time",
    ),
    ("an open backorder with an end", "UPDATE backorders SET closed_at = now()", "closed_has_time"),
    (
        "an allocation for no backorder",
        "UPDATE allocations SET backorder_id = 'BO-9'",
        "allocations_backorder_id_fkey",
    ),
    (
        "a write-off of nothing",
        _WRITE_OFF.format("WH-01", "ORD-1", "'CAR-1'", 0),
        "write_offs_quantity_check",
    ),
    (
        "a write-off in no warehouse",
        _WRITE_OFF.format("WH-09", "ORD-1", "NULL", 1),
        "write_offs_warehouse_id_fkey",
    ),
    (
        "a write-off from no carrier",
        _WRITE_OFF.format("WH-01", "ORD-1", "'CAR-9'", 1),
        "write_offs_carrier_id_fkey",
    ),
    ("a write-off of no order", _WRITE_OFF.format("WH-01", "ORD-9", "NULL", 1), "write_offs_order_id_fkey"),
    ("a run twice", _RUN.format("RUN-1"), "fulfillment_runs_pkey"),
    ("two pauses of one place", _PAUSE, "fulfillment_pauses_pkey"),
    ("a role with another's lock", "UPDATE worker_roles SET lock_key = 1", "worker_roles_lock_key_key"),
]


async def test_what_must_never_be_is_refused(sql: Sql) -> None:
    """Whatever writes to the database, the application or a person, the schema keeps its promises."""
    await sql.execute(SITE)
    refused = {name: await _refused_by(sql, statement) for name, statement, _ in BREACHES}
    assert refused == {name: constraint for name, _, constraint in BREACHES}


async def _refused_by(sql: Sql, statement: str) -> str | None:
    """Give the constraint that refuses the statement; None, and nothing done, when none does."""
    attempt = sql.transaction()
    await attempt.start()
    try:
        await sql.execute(statement)
    except asyncpg.IntegrityConstraintViolationError as error:
        return error.constraint_name
    finally:
        await attempt.rollback()
    return None


async def test_a_dead_letter_entry_that_is_decided_makes_room_for_the_next(sql: Sql) -> None:
    """An order may come back to the queue: its earlier entries are history."""
    await sql.execute(SITE)
    for number, resolution in enumerate(("manual_retry", "cancelled"), start=10):
        await sql.execute(
            "UPDATE dead_letter_entries SET resolution = $1, resolved_at = now() WHERE order_id = 'ORD-1'",
            resolution,
        )
        await sql.execute(_ENTRY.format(f"DLQ-{number}", "ORD-1", "NULL", "NULL"))


#: Columns that name a row elsewhere without a foreign key, and why.
UNBOUND = {
    ("orders", "warehouse_id"): "the insert checks it; a key would lock the warehouse's row",
    ("outbox", "order_id"): "the event goes on to the log in the next moment",
    ("outbox", "warehouse_id"): "as the order's",
    ("order_events", "order_id"): "the log outlives what it tells of",
    ("order_events", "warehouse_id"): "as the order's",
    ("dead_letter_entries", "warehouse_id"): "a copy of the order's",
    ("moves", "warehouse_id"): "a copy of the carrier's",
    ("backorders", "warehouse_id"): "a copy of the order's",
    ("fulfillment_runs", "warehouse_id"): "empty for all of them; the call checks it",
    ("allocations", "order_id"): "a trigger holds it, for all rows of a statement at once",
    ("allocations", "carrier_id"): "a trigger holds it",
    ("allocations", "target_id"): "a trigger holds it",
    ("moves", "from_lane_id"): "a trigger holds it",
    ("moves", "to_lane_id"): "a trigger holds it",
    ("moves", "destination_id"): "a trigger holds it",
    ("carriers", "destination_id"): "the target of what is promised of it, or of its move",
}


async def test_every_column_that_names_a_row_is_held_by_a_foreign_key(sql: Sql) -> None:
    """No order, carrier, lane, destination, wave or warehouse is named that does not exist."""
    named = await sql.fetch("""
        SELECT c.relname AS "table", a.attname AS column,
               EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('f', 'p')
                          AND a.attnum = ANY (k.conkey)
                          AND (k.contype = 'f' OR cardinality(k.conkey) = 1)) AS held
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND a.attname ~ '^(from_|to_)?(order|carrier|lane|destination|wave|warehouse|entry|target)_id$'""")
    assert {(row["table"], row["column"]) for row in named if not row["held"]} == set(UNBOUND)
    assert len(named) > 30


async def test_every_index_says_which_queries_it_serves(sql: Sql) -> None:
    """An index costs every write; the comment above it in the migration says what for."""
    served = schema.index_purposes()
    made = {index.name for index in (await read_catalog(sql)).indexes if not index.of_key}
    assert made == {name for name, purpose in served.items() if purpose}


async def test_the_document_lists_the_schema_there_is(sql: Sql) -> None:
    """docs/schema.md is current; `make generate` writes it."""
    assert part_of(DOCUMENT.read_text(encoding="utf-8")) == schema.part(await read_catalog(sql))
