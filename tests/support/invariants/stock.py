"""Stock reconciliation: invariants of a warehouse, each as a query that returns the contradictions.

The queries read the tables, so an error of the application can't hide itself. All checks run in one
statement and see one snapshot.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.status import STATUS_TRANSITIONS

if TYPE_CHECKING:
    import asyncpg

    from wms_core.postgres.connection import Connection

_ALLOWED_TRANSITIONS = ", ".join(
    f"('{source}', '{target}')" for source, targets in STATUS_TRANSITIONS.items() for target in targets
)
_RETRY_POLICY = RetryPolicy()
_ALL_EVENTS = """
    (SELECT event_id, order_id, sequence, version, from_status, to_status FROM order_events
     UNION ALL
     SELECT event_id, order_id, sequence, version, from_status, to_status FROM outbox)"""
_LIVE_MOVE = "m.status IN ('requested', 'claimed')"


@dataclass(frozen=True, slots=True)
class StockCheck:
    """An invariant, and a query with one column: a text for each contradiction."""

    name: str
    invariant_text: str
    sql: str


UNITS_CONSERVED = StockCheck(
    "units are conserved",
    "Of each SKU: received = on carriers + delivered to orders + written off.",
    """
    SELECT format('%s: received %s, on carriers %s, delivered %s, written off %s',
                  sku, sum(received), sum(on_carriers), sum(delivered), sum(written_off))
      FROM (SELECT detail ->> 'sku' AS sku, (detail ->> 'quantity')::bigint AS received,
                   0 AS on_carriers, 0 AS delivered, 0 AS written_off
              FROM audit_log WHERE action = 'carrier.received'
            UNION ALL SELECT sku, 0, quantity, 0, 0 FROM carriers
            UNION ALL SELECT sku, 0, 0, delivered, 0 FROM order_items
            UNION ALL SELECT sku, 0, 0, 0, quantity FROM write_offs) AS movements
     GROUP BY sku HAVING sum(received) <> sum(on_carriers + delivered + written_off)""",
)

PICKED_UNITS = StockCheck(
    "units that left a carrier were picked for an order",
    "The units of a carrier are the received ones minus the picked ones.",
    """
    SELECT format('%s: received with %s, holds %s, picked %s',
                  r.carrier_id, r.quantity, c.quantity, p.quantity)
      FROM (SELECT substr(subject, 9) AS carrier_id, (detail ->> 'quantity')::bigint AS quantity
              FROM audit_log WHERE action = 'carrier.received') AS r
      LEFT JOIN carriers c USING (carrier_id)
     CROSS JOIN LATERAL (SELECT coalesce(sum(a.quantity), 0) AS quantity FROM allocations a
                          WHERE a.carrier_id = r.carrier_id AND a.status = 'picked') AS p
     WHERE c.quantity + p.quantity IS DISTINCT FROM r.quantity""",
)

NOT_NEGATIVE = StockCheck(
    "no quantity is negative",
    "Every count is at least zero, and at most the total that it is part of.",
    """
    SELECT 'carrier ' || carrier_id FROM carriers WHERE quantity < 0 OR allocated NOT BETWEEN 0 AND quantity
    UNION ALL
    SELECT format('line %s of %s', line_number, order_id) FROM order_items
     WHERE NOT (0 <= shipped AND shipped <= delivered AND delivered <= allocated AND allocated <= quantity)
        OR backordered < 0 OR delivered + backordered > quantity
    UNION ALL
    SELECT 'lane ' || lane_id FROM lanes WHERE occupied NOT BETWEEN 0 AND capacity
    UNION ALL
    SELECT 'backorder ' || backorder_id FROM backorders
     WHERE quantity_fulfilled NOT BETWEEN 0 AND quantity""",
)

CARRIER_ALLOCATIONS = StockCheck(
    "allocated units of carriers match allocations",
    "The allocated units of a carrier are the sum of its live allocations.",
    """
    SELECT format('%s: allocated %s, live allocations %s', c.carrier_id, c.allocated, p.quantity)
      FROM carriers c
     CROSS JOIN LATERAL (SELECT coalesce(sum(a.quantity), 0) AS quantity FROM allocations a
                          WHERE a.carrier_id = c.carrier_id AND a.status = 'live') AS p
     WHERE c.allocated <> p.quantity""",
)

LINE_ALLOCATIONS = StockCheck(
    "allocated units of lines match allocations",
    "The allocated units of a line are the delivered ones plus its live allocations.",
    """
    SELECT format('line %s of %s: allocated %s, delivered %s, live allocations %s',
                  i.line_number, i.order_id, i.allocated, i.delivered, p.quantity)
      FROM order_items i
     CROSS JOIN LATERAL (SELECT coalesce(sum(a.quantity), 0) AS quantity FROM allocations a
                          WHERE a.order_id = i.order_id AND a.line_number = i.line_number
                            AND a.status = 'live') AS p
     WHERE i.allocated <> i.delivered + p.quantity""",
)

LINE_BACKORDERS = StockCheck(
    "backordered units of lines match backorders",
    "The backordered units of a line are the missing units of its live backorders.",
    """
    SELECT format('line %s of %s: backordered %s, in backorders %s',
                  i.line_number, i.order_id, i.backordered, b.units)
      FROM order_items i
     CROSS JOIN LATERAL (SELECT coalesce(sum(b.quantity - b.quantity_fulfilled), 0) AS units FROM backorders b
                          WHERE b.order_id = i.order_id AND b.line_number = i.line_number
                            AND b.status IN ('open', 'in_progress')) AS b
     WHERE i.backordered <> b.units""",
)

BACKORDER_STATUS = StockCheck(
    "a backorder's status matches its units",
    "Open: no units delivered or allocated. In progress: some, at most its quantity. Else: none allocated.",
    """
    SELECT format('%s: %s, %s of %s, allocated %s',
                  b.backorder_id, b.status, b.quantity_fulfilled, b.quantity, a.units)
      FROM backorders b
     CROSS JOIN LATERAL (SELECT coalesce(sum(a.quantity), 0) AS units FROM allocations a
                          WHERE a.backorder_id = b.backorder_id AND a.status = 'live') AS a
     WHERE a.units > b.quantity - b.quantity_fulfilled
        OR CASE b.status WHEN 'open' THEN a.units + b.quantity_fulfilled > 0
                         WHEN 'in_progress' THEN a.units + b.quantity_fulfilled = 0
                         ELSE a.units > 0 END""",
)

SINGLE_DESTINATION = StockCheck(
    "no carrier serves two destinations",
    "All allocations of a carrier are for orders of its destination.",
    """
    SELECT format('%s goes to %s, order %s is at %s',
                  c.carrier_id, c.destination_id, o.order_id, o.destination_id)
      FROM allocations a JOIN carriers c USING (carrier_id) JOIN orders o USING (order_id)
     WHERE a.status = 'live'
       AND (a.target_id IS DISTINCT FROM c.destination_id
            OR c.destination_id IS DISTINCT FROM o.destination_id
            OR c.warehouse_id <> o.warehouse_id)""",
)

NO_STALE_DESTINATION = StockCheck(
    "an unallocated carrier has no destination",
    "A carrier in a lane without allocations and live moves has no destination.",
    f"""
    SELECT format('%s in %s still goes to %s', c.carrier_id, c.lane_id, c.destination_id)
      FROM carriers c
     WHERE c.location = 'in_lane' AND c.allocated = 0 AND c.destination_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND {_LIVE_MOVE})""",  # noqa: S608
)

LANE_OCCUPANCY = StockCheck(
    "lanes count their occupied positions",
    "The occupied positions of a lane are its carriers and those on their way into it.",
    f"""
    SELECT format('%s: occupied %s, carriers %s, on their way %s', l.lane_id, l.occupied, c.n, t.n)
      FROM lanes l
     CROSS JOIN LATERAL (SELECT count(*) AS n FROM carriers c WHERE c.lane_id = l.lane_id) AS c
     CROSS JOIN LATERAL (SELECT count(*) AS n FROM moves m
                          WHERE m.to_lane_id = l.lane_id AND m.from_lane_id IS DISTINCT FROM l.lane_id
                            AND {_LIVE_MOVE}) AS t
     WHERE l.occupied <> c.n + t.n""",  # noqa: S608
)

LANE_HEADS = StockCheck(
    "only the head of a lane leaves the lane",
    "No carrier has a live move out of a lane while another carrier is in front of it.",
    f"""
    SELECT format('%s leaves %s past %s', c.carrier_id, c.lane_id, h.carrier_id)
      FROM carriers c
      JOIN carriers h ON h.lane_id = c.lane_id AND h.lane_position < c.lane_position
      JOIN moves m ON m.carrier_id = c.carrier_id AND {_LIVE_MOVE}""",  # noqa: S608
)

LIVE_MOVES = StockCheck(
    "a moving carrier has one claimed move",
    "A carrier is moving exactly while a move of it is claimed, and has at most one live move.",
    """
    SELECT format('%s is %s with %s claimed of %s live moves', c.carrier_id, c.location, m.claimed, m.live)
      FROM carriers c
     CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE m.status = 'claimed') AS claimed, count(*) AS live
                           FROM moves m
                          WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed')) AS m
     WHERE m.live > 1 OR (c.location = 'moving') <> (m.claimed = 1)""",
)

EVENT_SEQUENCES = StockCheck(
    "events are numbered without a gap",
    "The events of an order have sequences 1 to n, the order has sequence n, and versions never fall.",
    f"""
    SELECT format('%s: %s events numbered %s to %s, the order has %s',
                  o.order_id, e.n, e.first, e.last, o.sequence)
      FROM orders o
      LEFT JOIN (SELECT order_id, count(*) AS n, count(DISTINCT sequence) AS numbers, min(sequence) AS first,
                        max(sequence) AS last, bool_and(version >= before) AS rising
                   FROM (SELECT order_id, sequence, version,
                                lag(version, 1, 1) OVER (PARTITION BY order_id ORDER BY sequence) AS before
                           FROM {_ALL_EVENTS} AS e) AS e
                  GROUP BY order_id) AS e USING (order_id)
     WHERE (e.n, e.numbers, e.first, e.last) IS DISTINCT FROM
           (o.sequence::bigint, o.sequence::bigint, 1, o.sequence)
        OR NOT e.rising""",  # noqa: S608
)

UNIQUE_EVENTS = StockCheck(
    "each event is stored once",
    "No event is in both outbox and log, or twice in one of them, and each belongs to an order.",
    f"""
    SELECT format('event %s: %s times', event_id, count(*)) FROM {_ALL_EVENTS} AS e
     GROUP BY event_id HAVING count(*) > 1
    UNION ALL
    SELECT format('event %s without an order', event_id) FROM {_ALL_EVENTS} AS e
     WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = e.order_id)""",  # noqa: S608
)

STATUS_HISTORIES = StockCheck(
    "histories follow the status table",
    "The transitions in an order's events are one path of the status table to its current status.",
    f"""
    SELECT format('%s: %s -> %s after %s, now %s', order_id, from_status, to_status, before, status)
      FROM (SELECT e.order_id, e.from_status, e.to_status, o.status,
                   lag(e.to_status) OVER history AS before,
                   e.sequence = max(e.sequence) OVER (PARTITION BY e.order_id) AS newest
              FROM {_ALL_EVENTS} AS e JOIN orders o USING (order_id)
             WHERE e.to_status IS NOT NULL
            WINDOW history AS (PARTITION BY e.order_id ORDER BY e.sequence)) AS e
     WHERE before IS DISTINCT FROM from_status
        OR (newest AND to_status <> status)
        OR CASE WHEN from_status IS NULL THEN to_status <> 'received'
                ELSE (from_status, to_status) NOT IN ({_ALLOWED_TRANSITIONS}) END""",  # noqa: S608
)

OPEN_DEAD_LETTERS = StockCheck(
    "dead letters have one open entry",
    "An order has one open entry exactly while it is in the dead letter queue.",
    """
    SELECT format('%s is %s with %s open entries', o.order_id, o.status, count(e.entry_id))
      FROM orders o
      LEFT JOIN dead_letter_entries e
        ON e.order_id = o.order_id AND (e.resolution IS NULL OR e.resolution = 'escalated')
     GROUP BY o.order_id HAVING count(e.entry_id) <> (o.status = 'dead_letter')::integer""",
)

RETRY_TIMES = StockCheck(
    "retries are due by the policy",
    "A retry is due at the last failure plus the delay for the number of failures.",
    f"""
    SELECT format('%s: failure %s at %s, due %s', order_id, retry_count, last_failed_at, next_retry_at)
      FROM orders
     WHERE (status = 'pending_retry') <> (next_retry_at IS NOT NULL)
        OR next_retry_at <> last_failed_at
                            + least(interval '{_RETRY_POLICY.max_delay.total_seconds()} s',
                                    interval '{_RETRY_POLICY.base_delay.total_seconds()} s'
                                    * power(2, retry_count - 1))
        OR (status = 'pending_retry' AND retry_count NOT BETWEEN 1 AND {_RETRY_POLICY.max_retries - 1})""",  # noqa: S608
)

FAILURE_COUNTS = StockCheck(
    "failures are counted",
    "The retry count of an order is the number of failures in its retry generation, numbered 1 to n.",
    """
    SELECT format('%s: counted %s, recorded %s', o.order_id, o.retry_count, f.n)
      FROM orders o
     CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(max(f.attempt_number), 0) AS last
                           FROM order_failures f
                          WHERE f.order_id = o.order_id AND f.retry_generation = o.retry_generation) AS f
     WHERE o.retry_count <> f.n OR f.n <> f.last""",
)

RELEASED_ALLOCATIONS = StockCheck(
    "orders outside of a wave have no allocations",
    "An order has allocations and backorders only from its wave to shipping.",
    """
    SELECT format('%s is %s and has an allocation of %s', o.order_id, o.status, a.carrier_id)
      FROM orders o JOIN allocations a USING (order_id)
     WHERE a.status = 'live' AND o.status NOT IN ('assigned_to_wave', 'picking', 'packing', 'shipped')
    UNION ALL
    SELECT format('%s is %s and has backorder %s', o.order_id, o.status, b.backorder_id)
      FROM orders o JOIN backorders b USING (order_id)
     WHERE b.status IN ('open', 'in_progress')
       AND o.status NOT IN ('assigned_to_wave', 'picking', 'packing', 'shipped')
    UNION ALL
    SELECT format('%s is %s with units', o.order_id, o.status)
      FROM orders o JOIN order_items i USING (order_id)
     WHERE o.status IN ('received', 'validated', 'pending_retry', 'dead_letter', 'cancelled')
       AND (i.allocated, i.delivered, i.shipped, i.backordered) <> (0, 0, 0, 0)""",
)

STATUS_BY_UNITS = StockCheck(
    "order statuses match their units",
    "In packing only backorders are on their way; a completed order has shipped all units except the "
    "cancelled ones.",
    """
    SELECT format('%s is %s and waits for %s', o.order_id, o.status, a.carrier_id)
      FROM orders o JOIN allocations a USING (order_id)
     WHERE a.status = 'live' AND a.backorder_id IS NULL AND o.status NOT IN ('assigned_to_wave', 'picking')
    UNION ALL
    SELECT format('%s is completed with units not shipped', o.order_id)
      FROM orders o JOIN order_items i USING (order_id)
     WHERE o.status = 'completed' AND (i.delivered > i.shipped OR i.backordered > 0)""",
)

SHIPMENT_TOTALS = StockCheck(
    "shipments match shipped units",
    "The shipped units of a line are the sum of the order's shipments, which are numbered 1 to n.",
    """
    SELECT format('line %s of %s: shipped %s, in shipments %s', i.line_number, i.order_id, i.shipped, s.units)
      FROM order_items i
     CROSS JOIN LATERAL (SELECT coalesce(sum((e.line ->> 2)::integer), 0) AS units
                           FROM shipments s, json_array_elements(s.lines) AS e (line)
                          WHERE s.order_id = i.order_id AND (e.line ->> 0)::integer = i.line_number) AS s
     WHERE i.shipped <> s.units
    UNION ALL
    SELECT format('%s has %s shipments up to number %s', order_id, count(*), max(shipment_number))
      FROM shipments GROUP BY order_id HAVING count(*) <> max(shipment_number)""",
)

HOLDS_STOCK_FLAG = StockCheck(
    "the flag for allocated stock matches allocations",
    "An order in a wave has the flag `holds_stock` exactly if it has live allocations.",
    """
    SELECT format('%s: flag is %s', o.order_id, o.holds_stock)
      FROM orders o
     WHERE o.status = 'assigned_to_wave'
       AND o.holds_stock <> EXISTS (SELECT FROM allocations a
                                     WHERE a.order_id = o.order_id AND a.status = 'live')""",
)

WAITING_REASONS = StockCheck(
    "waiting orders have a reason",
    "Every order that is not completed or cancelled has a waiting reason.",
    """
    SELECT format('%s is %s', o.order_id, o.status)
      FROM orders o LEFT JOIN waiting_orders w USING (order_id)
     WHERE o.status NOT IN ('completed', 'cancelled') AND w.reason IS NULL""",
)

STOCK_CHECKS: tuple[StockCheck, ...] = (
    UNITS_CONSERVED, PICKED_UNITS, NOT_NEGATIVE, CARRIER_ALLOCATIONS, LINE_ALLOCATIONS, LINE_BACKORDERS,
    BACKORDER_STATUS, SINGLE_DESTINATION, NO_STALE_DESTINATION, LANE_OCCUPANCY,
    LANE_HEADS, LIVE_MOVES, EVENT_SEQUENCES, UNIQUE_EVENTS, STATUS_HISTORIES, OPEN_DEAD_LETTERS,
    RETRY_TIMES, FAILURE_COUNTS, RELEASED_ALLOCATIONS, STATUS_BY_UNITS,
    SHIPMENT_TOTALS, HOLDS_STOCK_FLAG, WAITING_REASONS,
)  # fmt: skip

_ALL_CHECKS_QUERY = "\nUNION ALL\n".join(
    f"SELECT {number}, contradiction FROM ({check.sql}) AS stock_checks (contradiction)"  # noqa: S608
    for number, check in enumerate(STOCK_CHECKS)
)


async def find_contradictions(connection: "Connection | asyncpg.Pool[asyncpg.Record]") -> list[str]:
    """Return the contradictions of all checks with the check's name, from one snapshot."""
    rows = await connection.fetch(_ALL_CHECKS_QUERY)
    return [f"{STOCK_CHECKS[check_index].name}: {contradiction}" for check_index, contradiction in rows]
