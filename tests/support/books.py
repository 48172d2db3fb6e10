"""What must always be true of the books of a warehouse, each as a query that gives what contradicts it.

The queries read tables, not the application, so that a fault of the application can't hide itself. Each is
one statement and so sees one state, whatever else goes on.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wms_core.domain.order_status import TRANSITIONS
from wms_core.domain.retries import RetryPolicy

if TYPE_CHECKING:
    import asyncpg

    from wms_core.postgres.connection import Connection

_ARROWS = ", ".join(f"('{source}', '{to}')" for source, targets in TRANSITIONS.items() for to in targets)
_POLICY = RetryPolicy()
_EVENTS = """
    (SELECT event_id, order_id, sequence, version, from_status, to_status FROM order_events
     UNION ALL
     SELECT event_id, order_id, sequence, version, from_status, to_status FROM outbox)"""
_LIVE_MOVE = "m.status IN ('requested', 'claimed')"


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence that is always true, and a query with one column: a text for each contradiction."""

    name: str
    sentence: str
    sql: str


UNITS = Check(
    "units are conserved",
    "Of each SKU: received = on carriers + delivered to orders + written off.",
    """
    SELECT format('%s: received %s, on carriers %s, delivered %s, written off %s',
                  sku, sum(received), sum(there), sum(delivered), sum(lost))
      FROM (SELECT detail ->> 'sku' AS sku, (detail ->> 'quantity')::bigint AS received,
                   0 AS there, 0 AS delivered, 0 AS lost
              FROM audit_log WHERE action = 'carrier.received'
            UNION ALL SELECT sku, 0, quantity, 0, 0 FROM carriers
            UNION ALL SELECT sku, 0, 0, delivered, 0 FROM order_items
            UNION ALL SELECT sku, 0, 0, 0, quantity FROM write_offs) AS booked
     GROUP BY sku HAVING sum(received) <> sum(there + delivered + lost)""",
)

PICKED = Check(
    "what left a carrier was picked for an order",
    "A carrier holds what it was received with, less what was picked from it.",
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

NOT_NEGATIVE = Check(
    "no quantity is negative",
    "Nothing is counted below zero, nor above what it is a part of.",
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

CARRIERS = Check(
    "carriers hold what is promised",
    "The units of a carrier that are allocated are the sum of the live allocations on it.",
    """
    SELECT format('%s: allocated %s, promised %s', c.carrier_id, c.allocated, p.quantity)
      FROM carriers c
     CROSS JOIN LATERAL (SELECT coalesce(sum(a.quantity), 0) AS quantity FROM allocations a
                          WHERE a.carrier_id = c.carrier_id AND a.status = 'live') AS p
     WHERE c.allocated <> p.quantity""",
)

LINES = Check(
    "lines have what is promised",
    "The units of a line that are allocated were delivered to it or are the sum of its live allocations.",
    """
    SELECT format('line %s of %s: allocated %s, delivered %s, promised %s',
                  i.line_number, i.order_id, i.allocated, i.delivered, p.quantity)
      FROM order_items i
     CROSS JOIN LATERAL (SELECT coalesce(sum(a.quantity), 0) AS quantity FROM allocations a
                          WHERE a.order_id = i.order_id AND a.line_number = i.line_number
                            AND a.status = 'live') AS p
     WHERE i.allocated <> i.delivered + p.quantity""",
)

OWED = Check(
    "lines are owed what live backorders say",
    "The backordered units of a line are what its live backorders have still to get.",
    """
    SELECT format('line %s of %s: backordered %s, owed %s', i.line_number, i.order_id, i.backordered, b.rest)
      FROM order_items i
     CROSS JOIN LATERAL (SELECT coalesce(sum(b.quantity - b.quantity_fulfilled), 0) AS rest FROM backorders b
                          WHERE b.order_id = i.order_id AND b.line_number = i.line_number
                            AND b.status IN ('open', 'in_progress')) AS b
     WHERE i.backordered <> b.rest""",
)

BACKORDERS = Check(
    "a backorder's status says how far it is",
    "Open: nothing of it was delivered or is on its way. In progress: something is, no more than is owed.",
    """
    SELECT format('%s: %s, %s of %s, held %s',
                  b.backorder_id, b.status, b.quantity_fulfilled, b.quantity, h.units)
      FROM backorders b
     CROSS JOIN LATERAL (SELECT coalesce(sum(a.quantity), 0) AS units FROM allocations a
                          WHERE a.backorder_id = b.backorder_id AND a.status = 'live') AS h
     WHERE h.units > b.quantity - b.quantity_fulfilled
        OR CASE b.status WHEN 'open' THEN h.units + b.quantity_fulfilled > 0
                         WHEN 'in_progress' THEN h.units + b.quantity_fulfilled = 0
                         ELSE h.units > 0 END""",
)

ONE_TARGET = Check(
    "no carrier serves two destinations",
    "All that is promised of a carrier is for orders of the one destination that it goes to.",
    """
    SELECT format('%s goes to %s, order %s is at %s',
                  c.carrier_id, c.destination_id, o.order_id, o.destination_id)
      FROM allocations a JOIN carriers c USING (carrier_id) JOIN orders o USING (order_id)
     WHERE a.status = 'live'
       AND (a.target_id IS DISTINCT FROM c.destination_id
            OR c.destination_id IS DISTINCT FROM o.destination_id
            OR c.warehouse_id <> o.warehouse_id)""",
)

NO_OLD_TARGET = Check(
    "a carrier that nobody wants has no target",
    "A carrier in a lane of which nothing is promised and that no move is to bring is free for all.",
    f"""
    SELECT format('%s in %s still goes to %s', c.carrier_id, c.lane_id, c.destination_id)
      FROM carriers c
     WHERE c.location = 'in_lane' AND c.allocated = 0 AND c.destination_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM moves m WHERE m.carrier_id = c.carrier_id AND {_LIVE_MOVE})""",  # noqa: S608
)

LANES = Check(
    "lanes count their positions",
    "The occupied positions of a lane are its carriers and those that are on their way into it.",
    f"""
    SELECT format('%s: occupied %s, carriers %s, on their way %s', l.lane_id, l.occupied, c.n, t.n)
      FROM lanes l
     CROSS JOIN LATERAL (SELECT count(*) AS n FROM carriers c WHERE c.lane_id = l.lane_id) AS c
     CROSS JOIN LATERAL (SELECT count(*) AS n FROM moves m
                          WHERE m.to_lane_id = l.lane_id AND m.from_lane_id IS DISTINCT FROM l.lane_id
                            AND {_LIVE_MOVE}) AS t
     WHERE l.occupied <> c.n + t.n""",  # noqa: S608
)

HEADS = Check(
    "only the head of a lane leaves it",
    "No carrier is asked for or on its way out of a lane while another one stands in front of it.",
    f"""
    SELECT format('%s leaves %s past %s', c.carrier_id, c.lane_id, h.carrier_id)
      FROM carriers c
      JOIN carriers h ON h.lane_id = c.lane_id AND h.lane_position < c.lane_position
      JOIN moves m ON m.carrier_id = c.carrier_id AND {_LIVE_MOVE}""",  # noqa: S608
)

MOVES = Check(
    "a carrier moves with one claimed move",
    "A carrier is on its way exactly while somebody has claimed a move of it, and has one live move at most.",
    """
    SELECT format('%s is %s with %s claimed of %s live moves', c.carrier_id, c.location, m.claimed, m.live)
      FROM carriers c
     CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE m.status = 'claimed') AS claimed, count(*) AS live
                           FROM moves m
                          WHERE m.carrier_id = c.carrier_id AND m.status IN ('requested', 'claimed')) AS m
     WHERE m.live > 1 OR (c.location = 'moving') <> (m.claimed = 1)""",
)

SEQUENCES = Check(
    "events are numbered without a hole",
    "The events of an order are numbered 1 to n, n is the order's own number, and versions never fall.",
    f"""
    SELECT format('%s: %s events numbered %s to %s, the order says %s',
                  o.order_id, e.n, e.first, e.last, o.sequence)
      FROM orders o
      LEFT JOIN (SELECT order_id, count(*) AS n, count(DISTINCT sequence) AS numbers, min(sequence) AS first,
                        max(sequence) AS last, bool_and(version >= before) AS rising
                   FROM (SELECT order_id, sequence, version,
                                lag(version, 1, 1) OVER (PARTITION BY order_id ORDER BY sequence) AS before
                           FROM {_EVENTS} AS e) AS e
                  GROUP BY order_id) AS e USING (order_id)
     WHERE (e.n, e.numbers, e.first, e.last) IS DISTINCT FROM
           (o.sequence::bigint, o.sequence::bigint, 1, o.sequence)
        OR NOT e.rising""",  # noqa: S608
)

EVENTS = Check(
    "each event is there once",
    "No event is in the outbox and in the log, or twice in one of them, and each belongs to an order.",
    f"""
    SELECT format('event %s: %s times', event_id, count(*)) FROM {_EVENTS} AS e
     GROUP BY event_id HAVING count(*) > 1
    UNION ALL
    SELECT format('event %s of no order', event_id) FROM {_EVENTS} AS e
     WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = e.order_id)""",  # noqa: S608
)

HISTORIES = Check(
    "histories follow the table",
    "The changes of status in an order's events are one path of the table up to its present status.",
    f"""
    SELECT format('%s: %s -> %s after %s, now %s', order_id, from_status, to_status, before, status)
      FROM (SELECT e.order_id, e.from_status, e.to_status, o.status,
                   lag(e.to_status) OVER history AS before,
                   e.sequence = max(e.sequence) OVER (PARTITION BY e.order_id) AS newest
              FROM {_EVENTS} AS e JOIN orders o USING (order_id)
             WHERE e.to_status IS NOT NULL
            WINDOW history AS (PARTITION BY e.order_id ORDER BY e.sequence)) AS e
     WHERE before IS DISTINCT FROM from_status
        OR (newest AND to_status <> status)
        OR CASE WHEN from_status IS NULL THEN to_status <> 'received'
                ELSE (from_status, to_status) NOT IN ({_ARROWS}) END""",  # noqa: S608
)

DEAD_LETTERS = Check(
    "dead letters have one open entry",
    "An order has an entry that is not decided for good exactly while it is dead-lettered, and then one.",
    """
    SELECT format('%s is %s with %s open entries', o.order_id, o.status, count(e.entry_id))
      FROM orders o
      LEFT JOIN dead_letter_entries e
        ON e.order_id = o.order_id AND (e.resolution IS NULL OR e.resolution = 'escalated')
     GROUP BY o.order_id HAVING count(e.entry_id) <> (o.status = 'dead_letter')::integer""",
)

RETRIES = Check(
    "retries are due when the policy says",
    "An order that waits for its retry is due at its last failure plus the wait after that many failures.",
    f"""
    SELECT format('%s: failure %s at %s, due %s', order_id, retry_count, last_failed_at, next_retry_at)
      FROM orders
     WHERE (status = 'pending_retry') <> (next_retry_at IS NOT NULL)
        OR next_retry_at <> last_failed_at
                            + least(interval '{_POLICY.cap.total_seconds()} s',
                                    interval '{_POLICY.base.total_seconds()} s' * power(2, retry_count - 1))
        OR (status = 'pending_retry' AND retry_count NOT BETWEEN 1 AND {_POLICY.max_retries - 1})""",  # noqa: S608
)

FAILURES = Check(
    "failures are counted",
    "The retry count of an order is the number of failures in its present life, numbered 1 to n.",
    """
    SELECT format('%s: counted %s, recorded %s', o.order_id, o.retry_count, f.n)
      FROM orders o
     CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(max(f.attempt_number), 0) AS last
                           FROM order_failures f WHERE f.order_id = o.order_id AND f.life = o.life) AS f
     WHERE o.retry_count <> f.n OR f.n <> f.last""",
)

LET_GO = Check(
    "orders that are not worked on hold nothing",
    "Before its wave, while it waits for a retry or a person, and at its end an order is promised nothing.",
    """
    SELECT format('%s is %s and holds %s', o.order_id, o.status, a.carrier_id)
      FROM orders o JOIN allocations a USING (order_id)
     WHERE a.status = 'live' AND o.status NOT IN ('assigned_to_wave', 'picking', 'packing', 'shipped')
    UNION ALL
    SELECT format('%s is %s and is owed %s', o.order_id, o.status, b.backorder_id)
      FROM orders o JOIN backorders b USING (order_id)
     WHERE b.status IN ('open', 'in_progress')
       AND o.status NOT IN ('assigned_to_wave', 'picking', 'packing', 'shipped')
    UNION ALL
    SELECT format('%s is %s with units', o.order_id, o.status)
      FROM orders o JOIN order_items i USING (order_id)
     WHERE o.status IN ('received', 'validated', 'pending_retry', 'dead_letter', 'cancelled')
       AND (i.allocated, i.delivered, i.shipped, i.backordered) <> (0, 0, 0, 0)""",
)

ADVANCED = Check(
    "orders are where their units are",
    "In packing only backorders are on their way; what is complete has been shipped whole but for what was "
    "given up.",
    """
    SELECT format('%s is %s and waits for %s', o.order_id, o.status, a.carrier_id)
      FROM orders o JOIN allocations a USING (order_id)
     WHERE a.status = 'live' AND a.backorder_id IS NULL AND o.status NOT IN ('assigned_to_wave', 'picking')
    UNION ALL
    SELECT format('%s is completed with units not shipped', o.order_id)
      FROM orders o JOIN order_items i USING (order_id)
     WHERE o.status = 'completed' AND (i.delivered > i.shipped OR i.backordered > 0)""",
)

SHIPMENTS = Check(
    "shipments add up",
    "The shipped units of a line are the sum over the order's shipments, which are numbered 1 to n.",
    """
    SELECT format('line %s of %s: shipped %s, in shipments %s', i.line_number, i.order_id, i.shipped, s.units)
      FROM order_items i
     CROSS JOIN LATERAL (SELECT coalesce(sum((one.line ->> 2)::integer), 0) AS units
                           FROM shipments s, json_array_elements(s.lines) AS one (line)
                          WHERE s.order_id = i.order_id AND (one.line ->> 0)::integer = i.line_number) AS s
     WHERE i.shipped <> s.units
    UNION ALL
    SELECT format('%s has %s shipments up to number %s', order_id, count(*), max(shipment_number))
      FROM shipments GROUP BY order_id HAVING count(*) <> max(shipment_number)""",
)

PROMISED = Check(
    "orders in a wave know whether they hold stock",
    "What waits for stock is found by a mark on the order, which says what its allocations say.",
    """
    SELECT format('%s: marked %s', o.order_id, o.holds_stock)
      FROM orders o
     WHERE o.status = 'assigned_to_wave'
       AND o.holds_stock <> EXISTS (SELECT FROM allocations a
                                     WHERE a.order_id = o.order_id AND a.status = 'live')""",
)

REASONS = Check(
    "whoever waits has a reason",
    "Every order that is not at its end waits for something that can be named.",
    """
    SELECT format('%s is %s', o.order_id, o.status)
      FROM orders o LEFT JOIN waiting_orders w USING (order_id)
     WHERE o.status NOT IN ('completed', 'cancelled') AND w.reason IS NULL""",
)

CHECKS: tuple[Check, ...] = (
    UNITS, PICKED, NOT_NEGATIVE, CARRIERS, LINES, OWED, BACKORDERS, ONE_TARGET, NO_OLD_TARGET, LANES,
    HEADS, MOVES, SEQUENCES, EVENTS, HISTORIES, DEAD_LETTERS, RETRIES, FAILURES, LET_GO, ADVANCED,
    SHIPMENTS, PROMISED, REASONS,
)  # fmt: skip

_AT_ONCE = "\nUNION ALL\n".join(
    f"SELECT {number}, found FROM ({check.sql}) AS books (found)"  # noqa: S608
    for number, check in enumerate(CHECKS)
)


async def contradictions(connection: "Connection | asyncpg.Pool[asyncpg.Record]") -> list[str]:
    """Give what contradicts the checks, each with the check's name; all checks see one state."""
    rows = await connection.fetch(_AT_ONCE)
    return [f"{CHECKS[number].name}: {found}" for number, found in rows]
