"""Named queries of the files in `sql/`, each read once."""

import re
from functools import cache
from importlib.resources import files

_NAME_PATTERN = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def query(name: str) -> str:
    """Return the query with the name `file.name`.

    Raises:
        KeyError: the file has no query of that name.
    """
    file_name, _, query_name = name.partition(".")
    return read_queries(file_name)[query_name]


@cache
def read_queries(file_name: str) -> dict[str, str]:
    """Return all queries of one file of `sql/`, by name."""
    text = files("wms_core.postgres").joinpath("sql", f"{file_name}.sql").read_text(encoding="utf-8")
    _, *query_parts = _NAME_PATTERN.split(text)
    return {name: body.strip() for name, body in zip(query_parts[::2], query_parts[1::2], strict=True)}
