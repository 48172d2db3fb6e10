"""docs/scaling.md names all that a distributed Postgres would mind in the schema and the statements."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from tests.integration.test_several_servers import ROUND_ROBIN
from tests.support.invariants import Sql

pytestmark = pytest.mark.one_postgres

GUIDE = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8")
_PROSE = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
#: Every word in code.
NAMED = set(re.findall(r"[\w.]+", " ".join(re.findall(r"`([^`]+)`", _PROSE))))

_OBJECTS = {
    "tables": """
        SELECT relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition""",
    "foreign keys and unique constraints": """
        SELECT conname FROM pg_constraint k
         WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'u') AND conparentid = 0
           AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = k.conrelid AND c.relispartition)""",
    "partial unique indexes": """
        SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND indpred IS NOT NULL""",
    "sequences": """
        SELECT sequencename FROM pg_sequences
         WHERE schemaname = 'public' AND sequencename NOT IN (
               SELECT c.relname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid WHERE d.deptype = 'i')""",
    "functions": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "triggers": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    "views": "SELECT viewname FROM pg_views WHERE schemaname = 'public'",
}
#: What to look for in our statements; those with LATERAL are named by what most of them are.
_FEATURES = {
    "several tables in one statement": r"\(\s*(UPDATE|INSERT|DELETE)\b",
    "rows that others lock are passed over": r"SKIP LOCKED",
    "rows are locked": r"FOR (UPDATE|SHARE)",
    "a conflict is an answer": r"ON CONFLICT",
    "an advisory lock": r"advisory",
    "rows by their place": r"\bctid\b",
    "a table is locked or emptied": r"LOCK TABLE|TRUNCATE|pg_total_relation_size",
}


@pytest.mark.parametrize("kind", _OBJECTS)
async def test_every_object_is_named(sql: Sql, kind: str) -> None:
    """A new table, key, trigger or function has to be thought about."""
    found = {row[0] for row in await sql.fetch(_OBJECTS[kind])}
    assert found
    assert found - NAMED == set()


@pytest.mark.parametrize("feature", _FEATURES)
def test_every_statement_of_its_kind_is_named(feature: str) -> None:
    """So has a statement that locks, or changes several tables."""
    found = set()
    for file in files("wms_core.postgres").joinpath("sql").iterdir():
        store = file.name.removesuffix(".sql")
        for statement in file.read_text(encoding="utf-8").split("-- name: ")[1:]:
            name, _, text = statement.partition("\n")
            code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
            if re.search(_FEATURES[feature], code):
                found.add(f"{store}.{name}")
    assert found
    assert found - NAMED == set()


def test_clients_are_told_the_service_config_that_was_tried() -> None:
    """The same words as in the test of two servers."""
    (told,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert json.loads(told) == ROUND_ROBIN
