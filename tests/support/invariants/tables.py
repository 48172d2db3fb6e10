"""Row counts of the tables, to show that a rejected call has written nothing."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

_WRITABLE_TABLES = (
    "orders",
    "order_items",
    "order_failures",
    "shipments",
    "dead_letter_entries",
    "dead_letter_resolutions",
    "request_answers",
    "audit_trail",
    "warehouses",
    "lanes",
    "destinations",
    "waves",
    "carriers",
    "moves",
    "allocations",
)


async def count_table_rows(sql: "Connection") -> dict[str, int]:
    """Return the number of rows by table, for every table that a call can write to, and the audit trail."""
    parts = [f"SELECT '{name}' AS name, count(*) AS n FROM {name}" for name in _WRITABLE_TABLES]  # noqa: S608
    return {row["name"]: row["n"] for row in await sql.fetch(" UNION ALL ".join(parts))}
