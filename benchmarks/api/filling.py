"""Millions of orders, put in by SQL: in about three minutes, the same each time."""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg

from benchmarks.api.databases import Database
from benchmarks.queries import query

#: Orders of one statement; each of the two connections has its half.
STEP = 100_000
_MINUTES = 30 * 60
_SETTINGS = {"maintenance_work_mem": "1GB", "synchronous_commit": "off", "jit": "off"}


async def fill(database: Database, orders: int, filled: Callable[[int], None]) -> dict[str, int]:
    """Put so many orders in, with their lines and dead letters; gives what there is then.

    Indexes that only serve queries are made afterwards.
    """
    indexes = await database.sql.fetch(query("filling.indexes"))
    for index in indexes:
        await database.sql.execute(f"DROP INDEX {index['name']}")
    half = orders // 2
    await asyncio.gather(
        _fill(database.url, range(1, half + 1), filled),
        _fill(database.url, range(half + 1, orders + 1), filled),
    )
    definitions = [index["definition"] for index in indexes]
    await asyncio.gather(
        _execute(database.url, [*definitions[::2], "VACUUM (ANALYZE) orders"]),
        _execute(database.url, [*definitions[1::2], "VACUUM (ANALYZE) order_items"]),
    )
    await _execute(database.url, ["VACUUM (ANALYZE) dead_letter_entries", "CHECKPOINT"])
    row = await database.sql.fetchrow(query("filling.sizes"), timeout=_MINUTES)
    assert row
    return dict(row)


async def _fill(url: str, numbers: range, filled: Callable[[int], None]) -> None:
    connection = await asyncpg.connect(url, server_settings=_SETTINGS)
    try:
        for start in range(numbers.start, numbers.stop, STEP):
            part = (start, min(start + STEP, numbers.stop) - 1)
            # What refers to what is right by the way it is made; a look for each of the lines costs a minute.
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(query("filling.orders"), *part, timeout=_MINUTES)
            await connection.execute(query("filling.lines"), *part, timeout=_MINUTES)
            await connection.execute("SET session_replication_role = origin")
            await connection.execute(query("filling.dead_letters"), *part, timeout=_MINUTES)
            filled(part[1] - part[0] + 1)
    finally:
        await connection.close()


async def _execute(url: str, statements: Sequence[str]) -> None:
    connection = await asyncpg.connect(url, server_settings=_SETTINGS)
    try:
        for statement in statements:
            await connection.execute(statement, timeout=_MINUTES)
    finally:
        await connection.close()
