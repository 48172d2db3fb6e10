"""docs/guides/scaling.md names all schema objects and statements that a distributed Postgres rejects."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from tests.integration.server_process.test_several_servers import ROUND_ROBIN
from tests.support.invariants.database import SqlConnection

pytestmark = pytest.mark.one_postgres

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "scaling.md").read_text(encoding="utf-8")
_PROSE = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
#: All words in code spans.
NAMES_IN_GUIDE = set(re.findall(r"[\w.]+", " ".join(re.findall(r"`([^`]+)`", _PROSE))))

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
#: Patterns of the features in statements. Statements with LATERAL are listed by their other features.
_FEATURES = {
    "several tables in one statement": r"\(\s*(UPDATE|INSERT|DELETE)\b",
    "skipped locked rows": r"SKIP LOCKED",
    "locked rows": r"FOR (UPDATE|SHARE)",
    "conflict clauses": r"ON CONFLICT",
    "advisory locks": r"advisory",
    "rows by their physical place": r"\bctid\b",
    "locked or truncated tables": r"LOCK TABLE|TRUNCATE|pg_total_relation_size",
}


@pytest.mark.parametrize("kind", _OBJECTS)
async def test_guide_names_every_schema_object(sql: SqlConnection, kind: str) -> None:
    """A new table, key, trigger or function needs an assessment in the guide."""
    object_names = {row[0] for row in await sql.fetch(_OBJECTS[kind])}
    assert object_names
    assert object_names - NAMES_IN_GUIDE == set()


@pytest.mark.parametrize("feature", _FEATURES)
def test_guide_names_every_statement_with_a_feature(feature: str) -> None:
    """A new statement that locks, or changes several tables, needs an assessment, too."""
    statement_names = set()
    for file in files("wms_core.postgres").joinpath("sql").iterdir():
        file_stem = file.name.removesuffix(".sql")
        for statement in file.read_text(encoding="utf-8").split("-- name: ")[1:]:
            name, _, text = statement.partition("\n")
            code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
            if re.search(_FEATURES[feature], code):
                statement_names.add(f"{file_stem}.{name}")
    assert statement_names
    assert statement_names - NAMES_IN_GUIDE == set()


def test_guide_has_the_tested_service_config() -> None:
    """It equals the one in the test of two servers."""
    (service_config,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert json.loads(service_config) == ROUND_ROBIN
