"""The tables, what holds them together, and the queries that each index serves."""

import re
from textwrap import shorten

from wms_core.postgres.definitions import definitions
from wms_core.postgres.migrate import migrations
from wms_dev.documents.catalog import Catalog, Column
from wms_dev.documents.marked import table

_INDEX = re.compile(
    r"((?:^--.*\n)*)^CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(\w+)", re.MULTILINE
)
_VIEW_FOLDER = "views/"
_DROPPED = re.compile(r"^DROP INDEX (\w+)", re.MULTILINE)
_TABLE = re.compile(r"((?:^--.*\n)*)^CREATE (?:TABLE|VIEW) (\w+)", re.MULTILINE)
_KINDS = {"p": "key", "u": "unique", "f": "reference", "c": "check"}


def part(catalog: Catalog) -> str:
    """Give the generated part of docs/schema.md."""
    purposes = table_purposes()
    known = {column.table for column in catalog.columns}
    names = [name for name in purposes if name in known]
    names += sorted(known - set(names))
    return "\n\n".join(_section(name, purposes.get(name, ""), catalog) for name in names)


def index_purposes() -> dict[str, str]:
    """Give the comment above the CREATE of each index that is kept; it names the queries it serves."""
    found: dict[str, str] = {}
    for migration in migrations():
        for name in _DROPPED.findall(migration.sql):
            found.pop(name, None)
        found |= _comments(_INDEX, migration.sql)
    return found


def table_purposes() -> dict[str, str]:
    """Give the comment above each CREATE TABLE or VIEW, in the order in which they are made."""
    views = [definition.sql for definition in definitions() if definition.name.startswith(_VIEW_FOLDER)]
    return _comments(_TABLE, "\n".join([*(migration.sql for migration in migrations()), *views]))


def _comments(pattern: re.Pattern[str], sql: str) -> dict[str, str]:
    found = [match.groups() for match in pattern.finditer(sql)]
    return {name: " ".join(comment.replace("--", " ").split()) for comment, name in found}


def _section(name: str, purpose: str, catalog: Catalog) -> str:
    columns = [column for column in catalog.columns if column.table == name]
    parts = [f"## {name}", purpose, table(("column", "type"), [_column(one) for one in columns])]
    constraints = [
        (f"`{one.name}`", _KINDS[one.kind], f"`{shorten(one.definition, 300, placeholder=' ...')}`")
        for one in catalog.constraints
        if one.table == name
    ]
    served = index_purposes()
    indexes = [
        (f"`{one.name}`", f"`{one.definition.partition(' USING ')[2]}`", served.get(one.name, ""))
        for one in catalog.indexes
        if one.table == name and not one.of_key
    ]
    if constraints:
        parts.append(table(("constraint", "kind", "definition"), constraints))
    if indexes:
        parts.append(table(("index", "on", "serves"), indexes))
    return "\n\n".join(text for text in parts if text)


def _column(column: Column) -> tuple[str, str]:
    words = [column.type]
    if column.required:
        words.append("not null")
    if column.identity:
        words.append("identity")
    if column.default:
        words.append("generated" if column.generated else "default")
        words += column.default.split()
    return f"`{column.name}`", f"`{' '.join(words)}`"
