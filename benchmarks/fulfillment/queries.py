"""The statements of this benchmark, from the .sql files beside it."""

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
    text = Path(__file__).with_name(f"{file}.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
