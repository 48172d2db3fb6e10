"""How Postgres goes about a query: the indexes it uses and the tables it reads from end to end."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.invariants import Sql

#: Rows from which on a table is large, and the most that may be sorted: some pages.
LARGE, MOST_SORTED = 5_000, 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The names of indexes used, of relations read by a sequential scan, and what it cost."""

    indexes: frozenset[str]
    scanned: frozenset[str]
    sorted: bool
    text: str


#: From the sixth use on, Postgres may keep a plan of a prepared query that is made without its values.
USES = 7


async def plans(sql: Sql, query: str, *arguments: Any) -> list[Plan]:
    """Plan a query each time that it is used, as the pool uses it: prepared once, then again and again."""
    await sql.execute("SET jit = off")
    await sql.execute(f"PREPARE planned AS {query}")
    values = ", ".join(literal(argument) for argument in arguments)
    call = f"EXECUTE planned ({values})" if arguments else "EXECUTE planned"
    found = [_plan(await sql.fetchval(f"EXPLAIN (FORMAT JSON) {call}")) for _ in range(USES)]
    await sql.execute("DEALLOCATE planned")
    return found


async def faults(sql: Sql, query: str) -> list[str]:
    """Give what a query does too much of by a plan that is made without its values.

    That is: to read a large table from end to end, or a whole index that holds all of its rows, except when
    a LIMIT stops it; to sort more than some pages. The whole of a partial index is a queue, and may be read.
    """
    await sql.execute("SET jit = off")
    await sql.execute("SET plan_cache_mode = force_generic_plan")
    await sql.execute(f"PREPARE planned AS {query}")
    kinds = await sql.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'planned'"
    )
    values = f" ({', '.join(['NULL'] * kinds)})" if kinds else ""
    text = await sql.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE planned{values}")
    await sql.execute("DEALLOCATE planned")
    await sql.execute("RESET plan_cache_mode")
    large = {row["relname"] for row in await sql.fetch(_LARGE, LARGE)}
    return [*_faults(json.loads(text)[0]["Plan"], large)]


async def pages_touched(sql: Sql, query: str, *arguments: Any) -> int:
    """Run a query and give how many pages of tables and indexes it looked into."""
    await sql.execute(f"PREPARE measured AS {query}")
    values = ", ".join(literal(argument) for argument in arguments)
    text = await sql.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE measured ({values})")
    await sql.execute("DEALLOCATE measured")
    plan = json.loads(text)[0]["Plan"]
    touched: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return touched


#: Large tables, and the indexes that hold every row of one.
_LARGE = """
SELECT c.relname
  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
 WHERE c.relkind IN ('r', 'i') AND i.indpred IS NULL AND c.reltuples >= $1
"""


def _faults(node: dict[str, Any], large: set[str], *, stopped: bool = False) -> Iterator[str]:
    kind = node["Node Type"]
    whole = node.get("Index Name", node.get("Relation Name"))
    if kind in _READING and "Index Cond" not in node and whole in large and not stopped:
        yield f"reads the whole of {whole}"
    if kind.endswith("Sort") and node["Plan Rows"] > MOST_SORTED:
        yield f"sorts {node['Plan Rows']} rows"
    for child in node.get("Plans", ()):
        yield from _faults(child, large, stopped=kind == "Limit" or (stopped and kind in _PASSING))


_READING = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan")
#: What stops reading when it has given enough.
_PASSING = ("Append", "Merge Append", "Nested Loop", "Result", "Subquery Scan", "LockRows", "WindowAgg")


def literal(value: Any) -> str:
    """Write a value as a literal whose type Postgres finds out by itself."""
    match value:
        case None:
            return "NULL"
        case bool() | int():
            return f"'{value}'"
        case list() | tuple():
            return "'{" + ",".join(json.dumps(str(one)) for one in value) + "}'"
        case datetime():
            return f"'{value.isoformat()}'"
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def _plan(text: str) -> Plan:
    nodes = list(_nodes(json.loads(text)[0]["Plan"]))
    return Plan(
        indexes=frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        scanned=frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        sorted=any(node["Node Type"] in ("Sort", "Incremental Sort") for node in nodes),
        text=text,
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    children: Sequence[dict[str, Any]] = node.get("Plans", ())
    for child in children:
        yield from _nodes(child)
