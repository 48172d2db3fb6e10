"""Check the invariants I1 to I4, I8 and I9 (docs/concepts/invariants.md) in one database.

Each check is a query that returns a row for each violation, independent of the service's own queries.
"""

from collections.abc import Iterable
from typing import TypeAlias

import asyncpg

from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.status import STATUS_TRANSITIONS

SqlConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_WITH_EVENTS = """
    WITH all_events AS (
        SELECT order_id, sequence, from_status, to_status, type FROM order_events
        UNION ALL SELECT order_id, sequence, from_status, to_status, type FROM outbox)
"""

#: I2: an order is fulfilled once, from existing units.
_STOCK = {
    "units received are on hand or delivered to an order": """
        SELECT sku, received, on_hand, delivered FROM
            (SELECT detail->>'sku' AS sku, sum((detail->>'quantity')::integer) AS received
               FROM audit_log WHERE action = 'carrier.received' GROUP BY 1) AS r
            FULL JOIN (SELECT sku, sum(quantity) AS on_hand FROM carriers GROUP BY 1) AS c USING (sku)
            FULL JOIN (SELECT sku, sum(delivered) AS delivered FROM order_items GROUP BY 1) AS i USING (sku)
         WHERE coalesce(received, 0) <> coalesce(on_hand, 0) + coalesce(delivered, 0)""",
    "allocated units of a carrier equal the live allocations of it": """
        SELECT carrier_id, c.allocated, quantity, coalesce(a.live, 0) AS live
          FROM carriers c
          LEFT JOIN (SELECT carrier_id, sum(quantity) AS live FROM allocations WHERE status = 'live'
                      GROUP BY 1) AS a USING (carrier_id)
         WHERE c.allocated <> coalesce(a.live, 0) OR c.allocated > c.quantity OR c.quantity < 0""",
    "allocated units of a line equal its live allocations and deliveries": """
        SELECT i.order_id, i.line_number, i.allocated, i.delivered, coalesce(a.live, 0) AS live
          FROM order_items i
          LEFT JOIN (SELECT order_id, line_number, sum(quantity) AS live FROM allocations
                      WHERE status = 'live' GROUP BY 1, 2) AS a USING (order_id, line_number)
         WHERE i.allocated <> i.delivered + coalesce(a.live, 0)
            OR NOT (0 <= i.shipped AND i.shipped <= i.delivered AND i.delivered <= i.allocated
                    AND i.allocated <= i.quantity)""",
    "delivered units have been picked": """
        SELECT i.order_id, i.sku, i.delivered, coalesce(a.picked, 0) AS picked
          FROM (SELECT order_id, sku, sum(delivered) AS delivered FROM order_items GROUP BY 1, 2) AS i
          LEFT JOIN (SELECT a.order_id, c.sku, sum(a.quantity) AS picked
                       FROM allocations a JOIN carriers c USING (carrier_id)
                      WHERE a.status = 'picked' GROUP BY 1, 2) AS a USING (order_id, sku)
         WHERE coalesce(a.picked, 0) < i.delivered""",
    "shipped units equal those of the shipments": """
        SELECT i.order_id, i.shipped, coalesce(s.shipped, 0) AS in_shipments
          FROM (SELECT order_id, sum(shipped) AS shipped FROM order_items GROUP BY 1) AS i
          LEFT JOIN (SELECT order_id, sum((line->>2)::integer) AS shipped
                       FROM shipments, json_array_elements(lines) AS line GROUP BY 1) AS s USING (order_id)
         WHERE i.shipped <> coalesce(s.shipped, 0)""",
    "an order has allocations only in a wave, of its own SKU and destination": """
        SELECT a.allocation_id, o.order_id, o.status, c.sku
          FROM allocations a JOIN orders o USING (order_id) JOIN carriers c USING (carrier_id)
         WHERE a.status = 'live'
           AND (o.status NOT IN ('assigned_to_wave', 'picking') OR c.destination_id <> o.destination_id
                OR NOT EXISTS (SELECT FROM order_items i WHERE i.order_id = o.order_id AND i.sku = c.sku
                                  AND i.line_number = a.line_number))""",
    "a carrier has one live move at a time": """
        SELECT carrier_id, count(*) FROM moves WHERE status IN ('requested', 'claimed')
         GROUP BY 1 HAVING count(*) > 1""",
    "a lane counts the carriers in it and on their way to it": """
        SELECT lane_id, occupied, inside.n AS inside, incoming.n AS incoming
          FROM lanes l,
               LATERAL (SELECT count(*) AS n FROM carriers c WHERE c.lane_id = l.lane_id) AS inside,
               LATERAL (SELECT count(*) AS n FROM moves m WHERE m.to_lane_id = l.lane_id
                           AND m.from_lane_id IS DISTINCT FROM l.lane_id
                           AND m.status IN ('requested', 'claimed')) AS incoming
         WHERE occupied <> inside.n + incoming.n""",
}

_DEAD_LETTER_COUNTS = {
    "the counts of the dead letter queue equal its entries": """
        SELECT final_failure_status, resolution, sum(counted), sum(stored) FROM
            (SELECT final_failure_status, resolution, entries AS counted, 0 AS stored FROM dead_letter_counts
             UNION ALL SELECT final_failure_status, resolution, 0, 1 FROM dead_letter_entries) AS counts
         GROUP BY 1, 2 HAVING sum(counted) <> sum(stored)""",
}

#: I4: histories are legal, and the order has the status of its last event.
_HISTORY = {
    "sequence numbers run from 1 without a gap": """
        SELECT order_id, o.sequence, array_agg(e.sequence ORDER BY e.sequence) AS sequences
          FROM orders o LEFT JOIN all_events AS e USING (order_id)
         GROUP BY order_id, o.sequence
        HAVING array_agg(e.sequence ORDER BY e.sequence) <> ARRAY (SELECT generate_series(1, o.sequence))""",
    "each transition begins in the status of the previous one": """
        SELECT * FROM
            (SELECT order_id, sequence, from_status, to_status,
                    lag(to_status) OVER (PARTITION BY order_id ORDER BY sequence) AS before
               FROM all_events AS e WHERE to_status IS NOT NULL) AS steps
         WHERE from_status IS DISTINCT FROM before""",
    "an order's status is that of its last event": """
        SELECT order_id, o.status, last.to_status
          FROM orders o
          LEFT JOIN (SELECT DISTINCT ON (order_id) order_id, to_status FROM all_events AS e
                      WHERE to_status IS NOT NULL ORDER BY order_id, sequence DESC) AS last USING (order_id)
         WHERE o.status IS DISTINCT FROM last.to_status""",
}

_TRANSITION_CHECKS = {
    "each transition is in the table": """
        SELECT order_id, sequence, from_status, to_status FROM all_events AS e
         WHERE from_status IS NOT NULL AND from_status || '>' || to_status <> ALL ($1::text[])""",
}

#: I8: bounded retries. Parameter: the number of allowed failures.
_ATTEMPTS = {
    "a retry generation has at most the allowed failures, numbered from 1": """
        SELECT order_id, retry_generation, array_agg(attempt_number ORDER BY attempt_number) AS attempts
          FROM order_failures GROUP BY 1, 2
        HAVING count(*) > $1 OR min(attempt_number) <> 1 OR max(attempt_number) <> count(*)""",
    "an order's retry count equals its attempts": """
        SELECT o.order_id, o.status, o.retry_count, count(f.attempt_number) AS attempts
          FROM orders o
          LEFT JOIN order_failures f ON f.order_id = o.order_id AND f.retry_generation = o.retry_generation
         GROUP BY o.order_id
        HAVING o.retry_count <> count(f.attempt_number)
            OR (o.retry_count >= $1 AND o.status NOT IN ('dead_letter', 'cancelled'))""",
}

#: I8 again. Parameters: base and cap in seconds, jitter.
_DELAYS = {
    "each delay follows the policy": """
        SELECT order_id, retry_count, next_retry_at - last_failed_at AS delay
          FROM (SELECT *, least($2::float8, $1::float8 * 2.0 ^ (retry_count - 1)) AS wait
                  FROM orders WHERE status = 'pending_retry') AS o
         WHERE extract(epoch FROM next_retry_at - last_failed_at) NOT BETWEEN wait - 0.001
                                                                      AND wait * (1 + $3::float8) + 0.001""",
}

#: I9: an order leaves the dead letter queue only by a resolution.
_DEAD_LETTERS = {
    "each move into the queue has an entry": """
        SELECT order_id, logged, entries
          FROM (SELECT order_id, count(*) AS logged FROM all_events AS e WHERE to_status = 'dead_letter'
                 GROUP BY 1) AS t
          FULL JOIN (SELECT order_id, count(*) AS entries FROM dead_letter_entries GROUP BY 1) AS d
              USING (order_id)
         WHERE logged IS DISTINCT FROM entries""",
    "an order in the queue has one open entry, others have none": """
        SELECT o.order_id, o.status, count(e.entry_id) AS open
          FROM orders o
          LEFT JOIN dead_letter_entries e ON e.order_id = o.order_id
               AND (e.resolution IS NULL OR e.resolution = 'escalated')
         GROUP BY o.order_id
        HAVING count(e.entry_id) <> (o.status = 'dead_letter')::integer""",
    "each resolution has one event, and the entry has the last resolution": """
        SELECT e.order_id, resolutions, logged
          FROM (SELECT d.order_id, count(r.number) AS resolutions,
                       bool_or(d.resolution IS DISTINCT FROM last.resolution) AS differs
                  FROM dead_letter_entries d
                  LEFT JOIN dead_letter_resolutions r USING (entry_id)
                  LEFT JOIN LATERAL (SELECT resolution FROM dead_letter_resolutions n
                                      WHERE n.entry_id = d.entry_id ORDER BY number DESC LIMIT 1) AS last
                         ON true
                 GROUP BY 1) AS e
          LEFT JOIN (SELECT order_id, count(*) AS logged FROM all_events AS e
                      WHERE type = 'wms.order.dlq-resolved' GROUP BY 1) AS t USING (order_id)
         WHERE differs OR resolutions <> coalesce(logged, 0)""",
}


async def find_violations(
    sql: SqlConnection,
    policy: RetryPolicy | None = None,
    *,
    acknowledged_ids: Iterable[str] = (),
    rejected_ids: Iterable[str] = (),
) -> list[str]:
    """Return all violations of I1, I2, I4, I8 and I9, from one snapshot.

    `acknowledged_ids` are the orders whose creation a client was told to be successful, `rejected_ids` those
    whose creation failed.
    """
    retry_policy = policy or RetryPolicy()
    delays = (
        retry_policy.base_delay.total_seconds(),
        retry_policy.max_delay.total_seconds(),
        retry_policy.jitter_ratio,
    )
    allowed_transitions = [
        f"{source}>{target}" for source, targets in STATUS_TRANSITIONS.items() for target in targets
    ]
    async with sql.transaction(isolation="repeatable_read", readonly=True):
        violations = await _find_acknowledgement_violations(sql, list(acknowledged_ids), list(rejected_ids))
        violations += await _run_checks(sql, "I2", _STOCK)
        violations += await _run_checks(sql, "I4", _HISTORY)
        violations += await _run_checks(sql, "I4", _TRANSITION_CHECKS, allowed_transitions)
        violations += await _run_checks(sql, "I8", _ATTEMPTS, retry_policy.max_retries)
        violations += await _run_checks(sql, "I8", _DELAYS, *delays)
        violations += await _run_checks(sql, "I9", _DEAD_LETTERS)
        violations += await _run_checks(sql, "I9", _DEAD_LETTER_COUNTS)
    return violations


async def _find_acknowledgement_violations(
    sql: SqlConnection, acknowledged_ids: list[str], rejected_ids: list[str]
) -> list[str]:
    lost_rows = await sql.fetch(
        "SELECT id FROM unnest($1::text[]) AS id WHERE id NOT IN (SELECT order_id FROM orders)",
        acknowledged_ids,
    )
    written_rows = await sql.fetch(
        "SELECT order_id AS id FROM orders WHERE order_id = ANY ($1::text[])", rejected_ids
    )
    return [f"I1 acknowledged and lost: {row['id']}" for row in lost_rows] + [
        f"I1 rejected and written: {row['id']}" for row in written_rows
    ]


async def _run_checks(
    sql: SqlConnection, invariant_number: str, checks: dict[str, str], *query_arguments: object
) -> list[str]:
    return [
        f"{invariant_number} {invariant_text}: {dict(row)}"
        for invariant_text, query in checks.items()
        for row in await sql.fetch(_WITH_EVENTS + query, *query_arguments)
    ]


_INSTALL_EPOCH_RECORDER = """
    CREATE TABLE recorded_writes (epoch bigint NOT NULL, at timestamptz NOT NULL);
    CREATE FUNCTION record_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF coalesce(current_setting('recorded.epoch', true), '') <> '' THEN
            INSERT INTO recorded_writes (epoch, at)
            VALUES (current_setting('recorded.epoch')::bigint, clock_timestamp());
        END IF;
        RETURN NULL;
    END $$;
    -- Deferred: it runs in the commit, after all other statements of the transaction.
    CREATE CONSTRAINT TRIGGER recorded AFTER INSERT ON outbox
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION record_epoch();
    ALTER FUNCTION check_fence(text, bigint) RENAME TO real_fence;
"""
_REPLACE_FENCE = """
    CREATE OR REPLACE FUNCTION check_fence(wanted_role text, wanted_epoch bigint) RETURNS void
    LANGUAGE plpgsql AS $$
    BEGIN
        {check}
        PERFORM set_config('recorded.epoch', wanted_epoch::text, true);
    END $$;
"""


async def record_epochs(sql: SqlConnection) -> None:
    """Record, from now on, the epoch of every commit of the active replica with an event."""
    await sql.execute(_INSTALL_EPOCH_RECORDER)
    await sql.execute(_REPLACE_FENCE.format(check="PERFORM real_fence(wanted_role, wanted_epoch);"))


async def disable_fence(sql: SqlConnection) -> None:
    """Disable the fence, after `record_epochs`, to show that the checker finds the violations."""
    await sql.execute(_REPLACE_FENCE.format(check=""))


async def find_late_writes(sql: SqlConnection) -> list[str]:
    """Return all violations of I3: commits of an epoch after the first one of a later epoch."""
    rows = await sql.fetch("""
        SELECT w.epoch, w.at, later.epoch AS later_epoch, later.at AS later_at
          FROM recorded_writes w
          JOIN LATERAL (SELECT epoch, at FROM recorded_writes n WHERE n.epoch > w.epoch
                         ORDER BY at LIMIT 1) AS later ON later.at < w.at""")
    return [f"I3 epoch {row['epoch']} wrote after epoch {row['later_epoch']}: {dict(row)}" for row in rows]


async def find_all_violations(sql: SqlConnection) -> list[str]:
    """Return all violations of I1 to I4, I8 and I9; needs `record_epochs`."""
    return [*await find_violations(sql), *await find_late_writes(sql)]
