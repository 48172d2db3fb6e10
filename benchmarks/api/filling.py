"""Insert millions of orders by SQL, in about three minutes, identical each time."""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg

from benchmarks.api.databases import BenchmarkDatabase
from benchmarks.queries import query

#: Orders of one statement.
ORDERS_PER_STEP = 100_000
_STATEMENT_TIMEOUT_SECONDS = 30 * 60
_SETTINGS = {"maintenance_work_mem": "1GB", "synchronous_commit": "off", "jit": "off"}


async def fill_database(
    database: BenchmarkDatabase, orders: int, count_filled: Callable[[int], None]
) -> dict[str, int]:
    """Insert orders with their lines and dead letters. Return the sizes of the tables.

    Indexes without a constraint are dropped first and created afterwards, which is faster.
    """
    indexes = await database.sql.fetch(query("filling.indexes"))
    for index in indexes:
        await database.sql.execute(f"DROP INDEX {index['name']}")
    middle = orders // 2
    await asyncio.gather(
        _fill_range(database.url, range(1, middle + 1), count_filled),
        _fill_range(database.url, range(middle + 1, orders + 1), count_filled),
    )
    definitions = [index["definition"] for index in indexes]
    await asyncio.gather(
        _execute(database.url, [*definitions[::2], "VACUUM (ANALYZE) orders"]),
        _execute(database.url, [*definitions[1::2], "VACUUM (ANALYZE) order_items"]),
    )
    await _execute(database.url, ["VACUUM (ANALYZE) dead_letter_entries", "CHECKPOINT"])
    row = await database.sql.fetchrow(query("filling.sizes"), timeout=_STATEMENT_TIMEOUT_SECONDS)
    assert row
    return dict(row)


async def _fill_range(url: str, numbers: range, count_filled: Callable[[int], None]) -> None:
    connection = await asyncpg.connect(url, server_settings=_SETTINGS)
    try:
        for start in range(numbers.start, numbers.stop, ORDERS_PER_STEP):
            part = (start, min(start + ORDERS_PER_STEP, numbers.stop) - 1)
            # The rows are consistent by construction; checking the foreign keys of all lines takes a minute.
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(query("filling.orders"), *part, timeout=_STATEMENT_TIMEOUT_SECONDS)
            await connection.execute(query("filling.lines"), *part, timeout=_STATEMENT_TIMEOUT_SECONDS)
            await connection.execute("SET session_replication_role = origin")
            await connection.execute(query("filling.dead_letters"), *part, timeout=_STATEMENT_TIMEOUT_SECONDS)
            count_filled(part[1] - part[0] + 1)
    finally:
        await connection.close()


async def _execute(url: str, statements: Sequence[str]) -> None:
    connection = await asyncpg.connect(url, server_settings=_SETTINGS)
    try:
        for statement in statements:
            await connection.execute(statement, timeout=_STATEMENT_TIMEOUT_SECONDS)
    finally:
        await connection.close()
