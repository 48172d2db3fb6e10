"""Statements of the benchmarks, from their .sql files, whose names are unique."""

import re
from functools import cache
from pathlib import Path


@cache
def query(name: str) -> str:
    """Return the statement `file.name`."""
    file, _, statement_name = name.partition(".")
    return _load_statements(file)[statement_name]


@cache
def _load_statements(file: str) -> dict[str, str]:
    (sql_file,) = Path(__file__).parent.glob(f"*/{file}.sql")
    text = sql_file.read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
