"""How Postgres goes about a query: the indexes it uses and the tables it reads from end to end."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.invariants import Sql


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
