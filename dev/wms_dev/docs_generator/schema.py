"""The tables with their constraints, and the queries that each index serves."""

import re
from textwrap import shorten

from wms_core.postgres.definitions import read_definitions
from wms_core.postgres.migrate import read_migrations
from wms_dev.docs_generator.catalog import Catalog, Column
from wms_dev.docs_generator.generated_part import format_table

_INDEX = re.compile(
    r"((?:^--.*\n)*)^CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?(\w+)", re.MULTILINE
)
_VIEW_FOLDER = "views/"
_DROPPED = re.compile(r"^DROP INDEX (\w+)", re.MULTILINE)
_TABLE = re.compile(r"((?:^--.*\n)*)^CREATE (?:TABLE|VIEW) (\w+)", re.MULTILINE)
_KINDS = {"p": "key", "u": "unique", "f": "reference", "c": "check"}


def part(catalog: Catalog) -> str:
    """Return the generated part of docs/reference/schema.md."""
    purposes = table_purposes()
    table_names = {column.table for column in catalog.columns}
    names = [name for name in purposes if name in table_names]
    names += sorted(table_names - set(names))
    return "\n\n".join(_section(name, purposes.get(name, ""), catalog) for name in names)


def index_purposes() -> dict[str, str]:
    """Return the comment above the CREATE of each existing index; it names the queries that use the index."""
    comments_by_index: dict[str, str] = {}
    for migration in read_migrations():
        for name in _DROPPED.findall(migration.sql_text):
            comments_by_index.pop(name, None)
        comments_by_index |= _comments(_INDEX, migration.sql_text)
    return comments_by_index


def table_purposes() -> dict[str, str]:
    """Return the comment above each CREATE TABLE or VIEW, in the order of their creation."""
    views = [
        definition.sql_text for definition in read_definitions() if definition.name.startswith(_VIEW_FOLDER)
    ]
    return _comments(_TABLE, "\n".join([*(migration.sql_text for migration in read_migrations()), *views]))


def _comments(pattern: re.Pattern[str], sql: str) -> dict[str, str]:
    matches = [match.groups() for match in pattern.finditer(sql)]
    return {name: " ".join(comment.replace("--", " ").split()) for comment, name in matches}


def _section(name: str, purpose: str, catalog: Catalog) -> str:
    columns = [column for column in catalog.columns if column.table == name]
    parts = [f"## {name}", purpose, format_table(("column", "type"), [_column(column) for column in columns])]
    constraints = [
        (
            f"`{constraint.name}`",
            _KINDS[constraint.kind],
            f"`{shorten(constraint.definition, 300, placeholder=' ...')}`",
        )
        for constraint in catalog.constraints
        if constraint.table == name
    ]
    purposes = index_purposes()
    indexes = [
        (f"`{index.name}`", f"`{index.definition.partition(' USING ')[2]}`", purposes.get(index.name, ""))
        for index in catalog.indexes
        if index.table == name and not index.of_key
    ]
    if constraints:
        parts.append(format_table(("constraint", "kind", "definition"), constraints))
    if indexes:
        parts.append(format_table(("index", "on", "serves"), indexes))
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
