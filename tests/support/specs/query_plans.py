"""Query plans of Postgres: used indexes, sequential scans, sorts."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.invariants.database import SqlConnection

#: The number of rows from which a table counts as large, and the maximum of sorted rows (a few pages).
LARGE_TABLE_ROWS, MAX_SORTED_ROWS = 5_000, 1_000


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A plan with its used indexes and its tables with sequential scans."""

    indexes: frozenset[str]
    scanned_tables: frozenset[str]
    is_sorted: bool
    text: str


#: From the sixth execution on, Postgres may use a generic plan for a prepared statement.
PLAN_REPETITIONS = 7


async def explain_repeatedly(sql: SqlConnection, query: str, *arguments: Any) -> list[QueryPlan]:
    """Return the plans of repeated executions of a query as a prepared statement, like in the pool."""
    await sql.execute("SET jit = off")
    await sql.execute(f"PREPARE planned AS {query}")
    values = ", ".join(to_sql_literal(argument) for argument in arguments)
    call = f"EXECUTE planned ({values})" if arguments else "EXECUTE planned"
    query_plans = [
        _plan(await sql.fetchval(f"EXPLAIN (FORMAT JSON) {call}")) for _ in range(PLAN_REPETITIONS)
    ]
    await sql.execute("DEALLOCATE planned")
    return query_plans


async def find_plan_problems(sql: SqlConnection, query: str) -> list[str]:
    """Return the problems of a query's generic plan.

    Problems are full scans of a large table or of an index with all of its rows, unless a LIMIT stops them,
    and sorts of more than a few pages. A full scan of a partial index is allowed: it is a queue.
    """
    await sql.execute("SET jit = off")
    await sql.execute("SET plan_cache_mode = force_generic_plan")
    await sql.execute(f"PREPARE planned AS {query}")
    parameter_count = await sql.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'planned'"
    )
    values = f" ({', '.join(['NULL'] * parameter_count)})" if parameter_count else ""
    text = await sql.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE planned{values}")
    await sql.execute("DEALLOCATE planned")
    await sql.execute("RESET plan_cache_mode")
    large_relations = {row["relname"] for row in await sql.fetch(_SELECT_LARGE_RELATIONS, LARGE_TABLE_ROWS)}
    return [*_find_node_problems(json.loads(text)[0]["Plan"], large_relations)]


async def pages_touched(sql: SqlConnection, query: str, *arguments: Any) -> int:
    """Run a query. Return the number of pages of tables and indexes that it read."""
    await sql.execute(f"PREPARE measured AS {query}")
    values = ", ".join(to_sql_literal(argument) for argument in arguments)
    text = await sql.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE measured ({values})")
    await sql.execute("DEALLOCATE measured")
    plan = json.loads(text)[0]["Plan"]
    pages: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return pages


#: Large tables, and their indexes that are not partial.
_SELECT_LARGE_RELATIONS = """
SELECT c.relname
  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
 WHERE c.relkind IN ('r', 'i') AND i.indpred IS NULL AND c.reltuples >= $1
"""


def _find_node_problems(
    node: dict[str, Any], large_relations: set[str], *, is_limited: bool = False
) -> Iterator[str]:
    kind = node["Node Type"]
    relation_name = node.get("Index Name", node.get("Relation Name"))
    if (
        kind in _SCAN_NODES
        and "Index Cond" not in node
        and relation_name in large_relations
        and not is_limited
    ):
        yield f"reads the whole of {relation_name}"
    if kind.endswith("Sort") and node["Plan Rows"] > MAX_SORTED_ROWS:
        yield f"sorts {node['Plan Rows']} rows"
    for child in node.get("Plans", ()):
        yield from _find_node_problems(
            child, large_relations, is_limited=kind == "Limit" or (is_limited and kind in _PASS_THROUGH_NODES)
        )


_SCAN_NODES = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan")
#: Nodes that stop reading when their parent needs no more rows.
_PASS_THROUGH_NODES = (
    "Append",
    "Merge Append",
    "Nested Loop",
    "Result",
    "Subquery Scan",
    "LockRows",
    "WindowAgg",
)


def to_sql_literal(value: Any) -> str:
    """Return a value as an untyped SQL literal, whose type Postgres infers."""
    match value:
        case None:
            return "NULL"
        case bool() | int():
            return f"'{value}'"
        case list() | tuple():
            return "'{" + ",".join(json.dumps(str(element)) for element in value) + "}'"
        case datetime():
            return f"'{value.isoformat()}'"
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def _plan(text: str) -> QueryPlan:
    nodes = list(_nodes(json.loads(text)[0]["Plan"]))
    return QueryPlan(
        indexes=frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        scanned_tables=frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        is_sorted=any(node["Node Type"] in ("Sort", "Incremental Sort") for node in nodes),
        text=text,
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    children: Sequence[dict[str, Any]] = node.get("Plans", ())
    for child in children:
        yield from _nodes(child)
