"""Apply the functions, triggers and views in `definitions/` whenever one of the files has changed.

All of them are replaced in one transaction, in the order declared here, each after its dependencies. Objects
whose file was removed are dropped. Numbered migrations change tables, columns and indexes.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import asyncpg

_AsyncpgConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

#: Increase it with each change of a file, so that a process of an earlier version does not restore its own.
DEFINITIONS_REVISION = 1
#: The files of `definitions`, in the order in which they are applied.
DEFINITION_ORDER = (
    "views/live_moves",
    "views/held_roles",
    "views/active_pauses",
    "views/paused_warehouses",
    "views/order_documents",
    "views/dead_letter_documents",
    "views/carrier_documents",
    "views/waiting_orders",
    "views/audit_trail",
    "functions/check_fence",
    "functions/claim_role",
    "functions/claim_elected_role",
    "functions/create_log_partitions",
    "functions/get_oldest_log_position",
    "functions/drop_oldest_log_partition",
    "functions/append_outbox_events",
    "functions/sequence_events",
    "functions/try_append_directly",
    "functions/advance_orders",
    "functions/find_unavailable_carriers",
    "functions/allocate_stock",
    "functions/finish_picking",
    "functions/pick_arrived_stock",
    "triggers/dead_letter_counts",
    "triggers/allocation_checks",
    "triggers/move_checks",
)
#: Lock timeout for the tables of the triggers. While it waits, all other access to them waits behind it.
_LOCK_TIMEOUT_SECONDS = 5
_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_definitions (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    revision   integer NOT NULL,
    sha256     text NOT NULL,
    objects    text[] NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_LIST_OBJECTS = """
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
class SchemaDefinition:
    """One file, with a function, a view, or a trigger and its function."""

    name: str
    sql_text: str

    @property
    def text_sha256(self) -> str:
        """The hash of the file's text."""
        return hashlib.sha256(self.sql_text.encode()).hexdigest()


def read_definitions() -> list[SchemaDefinition]:
    """Read the files of the package, in the order of `DEFINITION_ORDER`."""
    definitions_folder = files("wms_core.postgres").joinpath("definitions")
    return [
        SchemaDefinition(name, definitions_folder.joinpath(f"{name}.sql").read_text(encoding="utf-8"))
        for name in DEFINITION_ORDER
    ]


async def read_applied_revision(connection: _AsyncpgConnection) -> int:
    """Return the revision of the definitions in the database; 0 without definitions."""
    await connection.execute(_CREATE_TABLE)
    highest_revision: int = await connection.fetchval(
        "SELECT coalesce(max(revision), 0) FROM schema_definitions"
    )
    return highest_revision


async def are_definitions_applied(
    connection: _AsyncpgConnection, expected_definitions: list[SchemaDefinition]
) -> bool:
    """Return whether the database has exactly these definitions."""
    rows = await connection.fetch("SELECT name, sha256 FROM schema_definitions ORDER BY number")
    return [tuple(row) for row in rows] == [
        (expected_definition.name, expected_definition.text_sha256)
        for expected_definition in expected_definitions
    ]


async def replace_definitions(
    connection: _AsyncpgConnection, new_definitions: list[SchemaDefinition]
) -> None:
    """Replace all definitions of the database in one transaction.

    The caller holds the migration lock. An error of Postgres in a file is raised unchanged.
    """
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'")
        rows = await connection.fetch("SELECT objects FROM schema_definitions ORDER BY number DESC")
        for object_text in [object_text for row in rows for object_text in reversed(row["objects"])]:
            # A migration may have dropped the object.
            kind, _, name = object_text.partition(" ")
            await connection.execute(f"DROP {kind} IF EXISTS {name}")
        await connection.execute("DELETE FROM schema_definitions")
        known_objects = await _read_objects(connection)
        for number, new_definition in enumerate(new_definitions, 1):
            await connection.execute(new_definition.sql_text)
            present_objects = await _read_objects(connection)
            await connection.execute(
                """INSERT INTO schema_definitions (number, name, revision, sha256, objects)
                   VALUES ($1, $2, $3, $4, $5)""",
                number,
                new_definition.name,
                DEFINITIONS_REVISION,
                new_definition.text_sha256,
                [name for name in present_objects if name not in known_objects],
            )
            known_objects = present_objects


async def _read_objects(connection: _AsyncpgConnection) -> list[str]:
    """Return functions, views and triggers as arguments of DROP, each after its dependencies."""
    return [row[0] for row in await connection.fetch(_LIST_OBJECTS)]
