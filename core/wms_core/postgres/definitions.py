"""Functions, triggers and views: files that are applied again whenever one of them has changed.

All of them are replaced in one transaction, in the order that is declared here, each after those it names.
What is gone from the files is dropped. Numbered migrations change tables, columns and indexes.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import asyncpg

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

#: Raised with each change of a file: a process of an earlier version does not put its own back.
REVISION = 1
#: The files of `definitions`, in the order in which they are applied.
ORDER = (
    "views/live_moves",
    "views/held_roles",
    "views/active_pauses",
    "views/paused_warehouses",
    "views/order_documents",
    "views/dead_letter_documents",
    "views/carrier_documents",
    "views/waiting_orders",
    "views/audit",
    "functions/fence",
    "functions/claim_role",
    "functions/claim_elected_role",
    "functions/extend_event_log",
    "functions/event_log_oldest",
    "functions/drop_oldest_events",
    "functions/move_events",
    "functions/sequence_events",
    "functions/turn_to_tell",
    "functions/advance_orders",
    "functions/lost_carriers",
    "functions/promise_stock",
    "functions/finish_picking",
    "functions/pick_arrived",
    "triggers/dead_letter_counts",
    "triggers/allocation_checks",
    "triggers/move_checks",
)
#: Seconds that a replacement waits for the tables of its triggers, while everybody else waits behind it.
_LOCK_SECONDS = 5
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_definitions (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    revision   integer NOT NULL,
    sha256     text NOT NULL,
    objects    text[] NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_OBJECTS = """
SELECT format('%s %s', upper(i.type), i.identity)
  FROM (SELECT 'pg_proc'::regclass AS class, oid, 0 AS rank FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
         UNION ALL
        SELECT 'pg_class'::regclass, oid, 1 FROM pg_class
         WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
         UNION ALL
        SELECT 'pg_trigger'::regclass, t.oid, 2
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace) AS o
 CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) AS i
 ORDER BY o.rank, o.oid
"""


@dataclass(frozen=True, slots=True)
class Definition:
    """One file: an object, or a trigger with its function."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The hash of the file's text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def definitions() -> list[Definition]:
    """Read the files of the package, in the order of `ORDER`."""
    folder = files("wms_core.postgres").joinpath("definitions")
    return [Definition(name, folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")) for name in ORDER]


async def applied_revision(connection: _Connection) -> int:
    """Return the revision of the definitions in the database; 0 when there are none."""
    await connection.execute(_TABLE)
    revision: int = await connection.fetchval("SELECT coalesce(max(revision), 0) FROM schema_definitions")
    return revision


async def are_applied(connection: _Connection, wanted: list[Definition]) -> bool:
    """Return whether these definitions, and no others, are in the database."""
    rows = await connection.fetch("SELECT name, sha256 FROM schema_definitions ORDER BY number")
    return [tuple(row) for row in rows] == [(definition.name, definition.sha256) for definition in wanted]


async def replace_definitions(connection: _Connection, wanted: list[Definition]) -> None:
    """Drop the definitions of the database and create these, all or nothing.

    Raises what Postgres says of a file. The caller holds the lock of migrations.
    """
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        rows = await connection.fetch("SELECT objects FROM schema_definitions ORDER BY number DESC")
        for definition in [definition for row in rows for definition in reversed(row["objects"])]:
            # A migration may have dropped it.
            kind, _, name = definition.partition(" ")
            await connection.execute(f"DROP {kind} IF EXISTS {name}")
        await connection.execute("DELETE FROM schema_definitions")
        known = await _read_objects(connection)
        for number, definition in enumerate(wanted, 1):
            await connection.execute(definition.sql)
            present = await _read_objects(connection)
            await connection.execute(
                """INSERT INTO schema_definitions (number, name, revision, sha256, objects)
                   VALUES ($1, $2, $3, $4, $5)""",
                number,
                definition.name,
                REVISION,
                definition.sha256,
                [name for name in present if name not in known],
            )
            known = present


async def _read_objects(connection: _Connection) -> list[str]:
    """Return functions, views and triggers as DROP takes them, each after what it depends on."""
    return [row[0] for row in await connection.fetch(_OBJECTS)]
