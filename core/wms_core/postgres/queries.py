"""The named queries of the `.sql` files, read once."""

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def query(name: str) -> str:
    """Give a query by `file.name`; KeyError when there is none."""
    file, _, wanted = name.partition(".")
    return queries(file)[wanted]


@cache
def queries(file: str) -> dict[str, str]:
    """Give all queries of one file of `sql/`, by name."""
    text = files("wms_core.postgres").joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
