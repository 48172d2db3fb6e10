"""The statements of the benchmarks, from the .sql files beside them, whose names differ."""

import re
from functools import cache
from pathlib import Path


@cache
def query(name: str) -> str:
    """Give the statement `file.name`."""
    file, _, wanted = name.partition(".")
    return _statements(file)[wanted]


@cache
def _statements(file: str) -> dict[str, str]:
    (place,) = Path(__file__).parent.glob(f"*/{file}.sql")
    text = place.read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
