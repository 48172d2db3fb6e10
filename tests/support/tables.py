"""What is in the tables, to show that a refused call left nothing behind."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

_WRITTEN = (
    "orders",
    "order_items",
    "order_failures",
    "shipments",
    "dead_letter_entries",
    "dead_letter_resolutions",
    "request_answers",
    "audit",
    "warehouses",
    "lanes",
    "destinations",
    "waves",
    "carriers",
    "moves",
    "allocations",
)


async def counts(sql: "Connection") -> dict[str, int]:
    """Count the rows of every table that a call can write to; events wherever they are at the moment."""
    parts = [f"SELECT '{name}' AS name, count(*) AS n FROM {name}" for name in _WRITTEN]  # noqa: S608
    return {row["name"]: row["n"] for row in await sql.fetch(" UNION ALL ".join(parts))}
