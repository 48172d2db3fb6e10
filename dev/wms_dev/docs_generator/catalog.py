"""The catalog of a database in a form that can be compared."""

from dataclasses import dataclass

import asyncpg

from wms_core.postgres.migrate import migrate

_COLUMNS = """
SELECT c.relname AS "table", a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS required, coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS "default",
       a.attidentity::text AS identity, a.attgenerated <> '' AS generated,
       coalesce(n.collname, '') AS collation
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  LEFT JOIN pg_collation n ON n.oid = a.attcollation
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
 ORDER BY c.relname, a.attnum
"""
# NOT NULL is part of the column; only newer versions of Postgres also list it as a constraint.
_CONSTRAINTS = """
SELECT conrelid::regclass::text AS "table", conname AS name, contype::text AS kind,
       pg_get_constraintdef(oid) || CASE WHEN convalidated THEN '' ELSE ' NOT VALID' END AS definition
  FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
   AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = conrelid AND c.relispartition)
   AND conparentid = 0
 ORDER BY 1, CASE contype WHEN 'p' THEN 1 WHEN 'u' THEN 2 WHEN 'f' THEN 3 ELSE 4 END, 2
"""
_INDEXES = """
SELECT t.relname AS "table", c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition,
       EXISTS (SELECT FROM pg_constraint k
                WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')) AS of_key
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
 WHERE c.relnamespace = 'public'::regnamespace AND NOT t.relispartition
 ORDER BY 1, 2
"""
_OTHERS = """
SELECT 'table ' || relname || ' ' || relkind::text || ' ' || coalesce(array_to_string(reloptions, ','), '')
  FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition
UNION ALL
SELECT 'partition ' || relname || ' ' || pg_get_expr(relpartbound, oid)
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relispartition
UNION ALL
SELECT 'index that is not valid ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
UNION ALL
SELECT 'view ' || viewname || ' ' || definition FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT format('sequence %s %s %s %s %s', sequencename, data_type, start_value, increment_by, cache_size)
  FROM pg_sequences WHERE schemaname = 'public'
 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or view."""

    table: str
    name: str
    type: str
    required: bool
    default: str
    identity: str
    generated: bool
    collation: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint. `kind` is p, u, f or c."""

    table: str
    name: str
    kind: str
    definition: str


@dataclass(frozen=True, slots=True)
class Index:
    """An index. `of_key` is true for the index of a primary key or a unique constraint."""

    table: str
    name: str
    definition: str
    of_key: bool


@dataclass(frozen=True, slots=True)
class Catalog:
    """A complete schema, equal for identical databases. `others` are the remaining objects as text."""

    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    indexes: tuple[Index, ...]
    others: tuple[str, ...]


async def read_catalog(connection: "asyncpg.Connection[asyncpg.Record]") -> Catalog:
    """Read the catalog of the schema `public`."""
    return Catalog(
        columns=tuple(Column(**row) for row in await connection.fetch(_COLUMNS)),
        constraints=tuple(Constraint(**row) for row in await connection.fetch(_CONSTRAINTS)),
        indexes=tuple(Index(**row) for row in await connection.fetch(_INDEXES)),
        others=tuple(row[0] for row in await connection.fetch(_OTHERS)),
    )


async def catalog_of(url: str) -> Catalog:
    """Apply the migrations and read the resulting catalog."""
    await migrate(url)
    connection = await asyncpg.connect(url)
    try:
        return await read_catalog(connection)
    finally:
        await connection.close()
