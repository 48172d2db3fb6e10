"""The promises of design 5 that a look at one database can check: I1 to I4, I8 and I9.

Each check is a query that gives a row for each breach. Nothing here uses the service's own queries.
"""

from collections.abc import Iterable
from typing import TypeAlias

import asyncpg

from wms_core.domain.order_status import TRANSITIONS
from wms_core.domain.retries import RetryPolicy

Sql: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_WITH_EVENTS = """
    WITH all_events AS (
        SELECT order_id, sequence, from_status, to_status, type FROM order_events
        UNION ALL SELECT order_id, sequence, from_status, to_status, type FROM outbox)
"""

#: I2: an order is fulfilled once, from units that there are.
_STOCK = {
    "units received are on hand or with an order": """
        SELECT sku, received, on_hand, delivered FROM
            (SELECT detail->>'sku' AS sku, sum((detail->>'quantity')::integer) AS received
               FROM audit_log WHERE action = 'carrier.received' GROUP BY 1) AS r
            FULL JOIN (SELECT sku, sum(quantity) AS on_hand FROM carriers GROUP BY 1) AS c USING (sku)
            FULL JOIN (SELECT sku, sum(delivered) AS delivered FROM order_items GROUP BY 1) AS i USING (sku)
         WHERE coalesce(received, 0) <> coalesce(on_hand, 0) + coalesce(delivered, 0)""",
    "what a carrier has promised is what orders hold on it": """
        SELECT carrier_id, c.allocated, quantity, coalesce(a.held, 0) AS held
          FROM carriers c
          LEFT JOIN (SELECT carrier_id, sum(quantity) AS held FROM allocations WHERE status = 'live'
                      GROUP BY 1) AS a USING (carrier_id)
         WHERE c.allocated <> coalesce(a.held, 0) OR c.allocated > c.quantity OR c.quantity < 0""",
    "what a line has been promised is what it holds and what it got": """
        SELECT i.order_id, i.line_number, i.allocated, i.delivered, coalesce(a.held, 0) AS held
          FROM order_items i
          LEFT JOIN (SELECT order_id, line_number, sum(quantity) AS held FROM allocations
                      WHERE status = 'live' GROUP BY 1, 2) AS a USING (order_id, line_number)
         WHERE i.allocated <> i.delivered + coalesce(a.held, 0)
            OR NOT (0 <= i.shipped AND i.shipped <= i.delivered AND i.delivered <= i.allocated
                    AND i.allocated <= i.quantity)""",
    "what was picked covers what was delivered": """
        SELECT i.order_id, i.sku, i.delivered, coalesce(a.picked, 0) AS picked
          FROM (SELECT order_id, sku, sum(delivered) AS delivered FROM order_items GROUP BY 1, 2) AS i
          LEFT JOIN (SELECT a.order_id, c.sku, sum(a.quantity) AS picked
                       FROM allocations a JOIN carriers c USING (carrier_id)
                      WHERE a.status = 'picked' GROUP BY 1, 2) AS a USING (order_id, sku)
         WHERE coalesce(a.picked, 0) < i.delivered""",
    "what was shipped is what the shipments say": """
        SELECT i.order_id, i.shipped, coalesce(s.shipped, 0) AS told
          FROM (SELECT order_id, sum(shipped) AS shipped FROM order_items GROUP BY 1) AS i
          LEFT JOIN (SELECT order_id, sum((line->>2)::integer) AS shipped
                       FROM shipments, json_array_elements(lines) AS line GROUP BY 1) AS s USING (order_id)
         WHERE i.shipped <> coalesce(s.shipped, 0)""",
    "an order holds stock only while it is worked on, and of its own SKU and destination": """
        SELECT a.allocation_id, o.order_id, o.status, c.sku
          FROM allocations a JOIN orders o USING (order_id) JOIN carriers c USING (carrier_id)
         WHERE a.status = 'live'
           AND (o.status NOT IN ('assigned_to_wave', 'picking') OR c.destination_id <> o.destination_id
                OR NOT EXISTS (SELECT FROM order_items i WHERE i.order_id = o.order_id AND i.sku = c.sku
                                  AND i.line_number = a.line_number))""",
    "a carrier makes one trip at a time": """
        SELECT carrier_id, count(*) FROM moves WHERE status IN ('requested', 'claimed')
         GROUP BY 1 HAVING count(*) > 1""",
    "a lane counts those in it and those promised to it": """
        SELECT lane_id, occupied, inside.n AS inside, promised.n AS promised
          FROM lanes l,
               LATERAL (SELECT count(*) AS n FROM carriers c WHERE c.lane_id = l.lane_id) AS inside,
               LATERAL (SELECT count(*) AS n FROM moves m WHERE m.to_lane_id = l.lane_id
                           AND m.from_lane_id IS DISTINCT FROM l.lane_id
                           AND m.status IN ('requested', 'claimed')) AS promised
         WHERE occupied <> inside.n + promised.n""",
}

_COUNTED = {
    "the counts of the dead letter queue are those of its entries": """
        SELECT final_failure_status, resolution, sum(counted), sum(there) FROM
            (SELECT final_failure_status, resolution, entries AS counted, 0 AS there FROM dead_letter_counts
             UNION ALL SELECT final_failure_status, resolution, 0, 1 FROM dead_letter_entries) AS both_ways
         GROUP BY 1, 2 HAVING sum(counted) <> sum(there)""",
}

#: I4: only legal histories, and the order is where its history ends.
_HISTORY = {
    "sequence numbers run from 1 without a hole": """
        SELECT order_id, o.sequence, array_agg(e.sequence ORDER BY e.sequence) AS told
          FROM orders o LEFT JOIN all_events AS e USING (order_id)
         GROUP BY order_id, o.sequence
        HAVING array_agg(e.sequence ORDER BY e.sequence) <> ARRAY (SELECT generate_series(1, o.sequence))""",
    "each change of status begins where the last one ended": """
        SELECT * FROM
            (SELECT order_id, sequence, from_status, to_status,
                    lag(to_status) OVER (PARTITION BY order_id ORDER BY sequence) AS before
               FROM all_events AS e WHERE to_status IS NOT NULL) AS steps
         WHERE from_status IS DISTINCT FROM before""",
    "an order's status is the one told last": """
        SELECT order_id, o.status, last.to_status
          FROM orders o
          LEFT JOIN (SELECT DISTINCT ON (order_id) order_id, to_status FROM all_events AS e
                      WHERE to_status IS NOT NULL ORDER BY order_id, sequence DESC) AS last USING (order_id)
         WHERE o.status IS DISTINCT FROM last.to_status""",
}

_ARROWS = {
    "each change of status is an arrow of the table": """
        SELECT order_id, sequence, from_status, to_status FROM all_events AS e
         WHERE from_status IS NOT NULL AND from_status || '>' || to_status <> ALL ($1::text[])""",
}

#: I8: bounded retries. The parameter is the number of failures allowed.
_ATTEMPTS = {
    "no life has more failures than allowed, and they are numbered": """
        SELECT order_id, life, array_agg(attempt_number ORDER BY attempt_number) AS attempts
          FROM order_failures GROUP BY 1, 2
        HAVING count(*) > $1 OR min(attempt_number) <> 1 OR max(attempt_number) <> count(*)""",
    "an order's count is that of its attempts": """
        SELECT o.order_id, o.status, o.retry_count, count(f.attempt_number) AS attempts
          FROM orders o LEFT JOIN order_failures f ON f.order_id = o.order_id AND f.life = o.life
         GROUP BY o.order_id
        HAVING o.retry_count <> count(f.attempt_number)
            OR (o.retry_count >= $1 AND o.status NOT IN ('dead_letter', 'cancelled'))""",
}

#: I8 again. Parameters: base and cap in seconds, jitter.
_DELAYS = {
    "each delay is as the policy says": """
        SELECT order_id, retry_count, next_retry_at - last_failed_at AS delay
          FROM (SELECT *, least($2::float8, $1::float8 * 2.0 ^ (retry_count - 1)) AS wait
                  FROM orders WHERE status = 'pending_retry') AS o
         WHERE extract(epoch FROM next_retry_at - last_failed_at) NOT BETWEEN wait - 0.001
                                                                      AND wait * (1 + $3::float8) + 0.001""",
}

#: I9: what goes into the dead letter queue comes out by a decision.
_DEAD_LETTERS = {
    "each way into the queue has an entry": """
        SELECT order_id, told, entries
          FROM (SELECT order_id, count(*) AS told FROM all_events AS e WHERE to_status = 'dead_letter'
                 GROUP BY 1) AS t
          FULL JOIN (SELECT order_id, count(*) AS entries FROM dead_letter_entries GROUP BY 1) AS d
              USING (order_id)
         WHERE told IS DISTINCT FROM entries""",
    "an order in the queue has one open entry, any other none": """
        SELECT o.order_id, o.status, count(e.entry_id) AS open
          FROM orders o
          LEFT JOIN dead_letter_entries e ON e.order_id = o.order_id
               AND (e.resolution IS NULL OR e.resolution = 'escalated')
         GROUP BY o.order_id
        HAVING count(e.entry_id) <> (o.status = 'dead_letter')::integer""",
    "each decision is told once, and the entry shows the last one": """
        SELECT e.order_id, decided, told
          FROM (SELECT d.order_id, count(r.number) AS decided,
                       bool_or(d.resolution IS DISTINCT FROM last.resolution) AS differs
                  FROM dead_letter_entries d
                  LEFT JOIN dead_letter_resolutions r USING (entry_id)
                  LEFT JOIN LATERAL (SELECT resolution FROM dead_letter_resolutions n
                                      WHERE n.entry_id = d.entry_id ORDER BY number DESC LIMIT 1) AS last
                         ON true
                 GROUP BY 1) AS e
          LEFT JOIN (SELECT order_id, count(*) AS told FROM all_events AS e
                      WHERE type = 'wms.order.dlq-resolved' GROUP BY 1) AS t USING (order_id)
         WHERE differs OR decided <> coalesce(told, 0)""",
}


async def breaches(
    sql: Sql,
    policy: RetryPolicy | None = None,
    *,
    acknowledged: Iterable[str] = (),
    refused: Iterable[str] = (),
) -> list[str]:
    """Give every breach of I1, I2, I4, I8 and I9, from one snapshot; nothing when all hold.

    `acknowledged` are the orders that a client was told were taken in, `refused` those that were not.
    """
    chosen = policy or RetryPolicy()
    delays = (chosen.base.total_seconds(), chosen.cap.total_seconds(), chosen.jitter)
    arrows = [f"{source}>{to}" for source, targets in TRANSITIONS.items() for to in targets]
    async with sql.transaction(isolation="repeatable_read", readonly=True):
        found = await _acknowledgements(sql, list(acknowledged), list(refused))
        found += await _rows(sql, "I2", _STOCK)
        found += await _rows(sql, "I4", _HISTORY)
        found += await _rows(sql, "I4", _ARROWS, arrows)
        found += await _rows(sql, "I8", _ATTEMPTS, chosen.max_retries)
        found += await _rows(sql, "I8", _DELAYS, *delays)
        found += await _rows(sql, "I9", _DEAD_LETTERS)
        found += await _rows(sql, "I9", _COUNTED)
    return found


async def _acknowledgements(sql: Sql, acknowledged: list[str], refused: list[str]) -> list[str]:
    lost = await sql.fetch(
        "SELECT id FROM unnest($1::text[]) AS id WHERE id NOT IN (SELECT order_id FROM orders)", acknowledged
    )
    kept = await sql.fetch("SELECT order_id AS id FROM orders WHERE order_id = ANY ($1::text[])", refused)
    return [f"I1 acknowledged and lost: {row['id']}" for row in lost] + [
        f"I1 refused and written: {row['id']}" for row in kept
    ]


async def _rows(sql: Sql, number: str, checks: dict[str, str], *given: object) -> list[str]:
    return [
        f"{number} {promise}: {dict(row)}"
        for promise, query in checks.items()
        for row in await sql.fetch(_WITH_EVENTS + query, *given)
    ]


_RECORD = """
    CREATE TABLE recorded_writes (epoch bigint NOT NULL, at timestamptz NOT NULL);
    CREATE FUNCTION record_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF coalesce(current_setting('recorded.epoch', true), '') <> '' THEN
            INSERT INTO recorded_writes (epoch, at)
            VALUES (current_setting('recorded.epoch')::bigint, clock_timestamp());
        END IF;
        RETURN NULL;
    END $$;
    -- Deferred: it runs in the commit, when all else of the transaction is done.
    CREATE CONSTRAINT TRIGGER recorded AFTER INSERT ON outbox
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION record_epoch();
    ALTER FUNCTION fence(text, bigint) RENAME TO real_fence;
"""
_FENCE = """
    CREATE OR REPLACE FUNCTION fence(wanted_role text, wanted_epoch bigint) RETURNS void LANGUAGE plpgsql
    AS $$
    BEGIN
        {check}
        PERFORM set_config('recorded.epoch', wanted_epoch::text, true);
    END $$;
"""


async def record_epochs(sql: Sql) -> None:
    """From now on note the epoch of every commit of the active replica that tells of a change."""
    await sql.execute(_RECORD)
    await sql.execute(_FENCE.format(check="PERFORM real_fence(wanted_role, wanted_epoch);"))


async def switch_fence_off(sql: Sql) -> None:
    """Take the protection out, after `record_epochs`: the checker has to see what it was good for."""
    await sql.execute(_FENCE.format(check=""))


async def late_writes(sql: Sql) -> list[str]:
    """Give every breach of I3: a commit of an epoch after the first one of a later epoch."""
    rows = await sql.fetch("""
        SELECT w.epoch, w.at, later.epoch AS later_epoch, later.at AS later_at
          FROM recorded_writes w
          JOIN LATERAL (SELECT epoch, at FROM recorded_writes n WHERE n.epoch > w.epoch
                         ORDER BY at LIMIT 1) AS later ON later.at < w.at""")
    return [f"I3 epoch {row['epoch']} wrote after epoch {row['later_epoch']}: {dict(row)}" for row in rows]


async def broken_promises(sql: Sql) -> list[str]:
    """Give every breach of I1 to I4, I8 and I9, where epochs were recorded; nothing when all hold."""
    return [*await breaches(sql), *await late_writes(sql)]
