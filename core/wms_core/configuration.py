"""`wms-orders config`: every variable of the environment, its value, and where that came from."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wms_core.postgres.address import parse_database_url
from wms_core.postgres.errors import DRIVER
from wms_core.postgres.migrate import MigrationError, check_database
from wms_core.secret_files import file_variable, is_secret
from wms_core.settings import CoreSettings, try_settings

#: Each process names its settings under this group of entry points, as it does its command.
GROUP = "wms_orders.settings"
_HIDDEN = "********"
_DATABASE_SECONDS = 2.0
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable as a process would read it now."""

    variable: str
    value: str  # stars for a secret; empty when there is none
    source: str  # default, environment, or the file that it was read from
    fault: str  # why it can't be used; empty when it can
    meaning: str


def config(
    process: Annotated[str, typer.Argument(metavar="[PROCESS]", help="server or worker; else both.")] = "",
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not as by default.")] = False,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """Show every variable of server and worker as they would read it here: its value and where it came from.

    Secrets are shown as stars. Exit code 1 when a variable is wrong or missing, or when its database answers
    and can't be used; one that can't be reached from here is no fault.
    """
    kinds = {entry.name: entry for entry in sorted(entry_points(group=GROUP))}
    if process and process not in kinds:
        raise typer.BadParameter(f"{process!r} is none. There are {', '.join(kinds)}.")
    if output not in ("table", "json"):
        raise typer.BadParameter(f"{output!r} is none. There are table, json.")
    named = [process] if process else list(kinds)
    found = {name: list(variables(kinds[name].load(), os.environ)) for name in named}
    shown = {
        name: [one for one in listed if not changed or one.source != "default" or one.fault]
        for name, listed in found.items()
    }
    if output == "json":
        typer.echo(
            json.dumps({name: [asdict(one) for one in some] for name, some in shown.items()}, indent=2)
        )
    else:
        _print(shown)
    if any(one.fault for listed in found.values() for one in listed):
        raise typer.Exit(1)


def variables(kind: type[CoreSettings], environment: Mapping[str, str]) -> Iterator[Variable]:
    """Give every variable of a process, in the order of its settings, then what is wrong with several.

    The environment is that of this process.
    """
    settings, faults = try_settings(kind)
    if settings and (fault := asyncio.run(_fault_of_database(settings.database_url.get_secret_value()))):
        faults["database_url"] = fault
    given = {name.upper(): value for name, value in environment.items()}
    for name, field in kind.model_fields.items():
        variable = name.upper()
        as_given = given.get(variable, default_of(field))
        value = as_given if settings is None else written(getattr(settings, name))
        source = _source(name, given, secret=is_secret(field))
        yield Variable(
            variable,
            _HIDDEN if is_secret(field) and (value or source != "default") else value,
            source,
            faults.pop(name, "").removeprefix(f"{variable}: "),
            field.description or "",
        )
    for fault in faults.values():
        yield Variable("", "", "", fault, "")


async def _fault_of_database(url: str) -> str:
    """Say why a database can't be used; nothing of one that can, or that does not answer."""
    try:
        connection = await parse_database_url(url).connect(_DATABASE_SECONDS, statement_cache_size=0)
    except DRIVER:
        return ""
    try:
        await check_database(connection)
    except MigrationError as error:
        return str(error)
    finally:
        await connection.close(timeout=_DATABASE_SECONDS)
    return ""


def _source(name: str, given: Mapping[str, str], *, secret: bool) -> str:
    if name.upper() in given:
        return "environment"
    if secret and (file := given.get(file_variable(name))):
        return f"file {file}"
    return "default"


def written(value: Any) -> str:
    """Write a value as the environment would; empty for none."""
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return duration_text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def default_of(field: FieldInfo) -> str:
    """Write a default as the environment would; empty when there is none or it is made at the start."""
    value = field.default
    return "" if value is PydanticUndefined or isinstance(value, SecretStr) else written(value)


def duration_text(value: timedelta) -> str:
    """Write a duration in the largest unit that it is a whole number of."""
    seconds = value.total_seconds()
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds * 1000:g}ms" if seconds else "0"


def _print(found: Mapping[str, list[Variable]]) -> None:
    """Print a table for each process, as wide as the terminal, or as wide as needed where there is none."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    for process, listed in found.items():
        console.print(Text(process, "bold underline"))
        table = Table("variable", "value", "from", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.columns[0].no_wrap, table.columns[1].overflow = True, "fold"
        for one in listed:
            table.add_row(
                one.variable, one.value, Text(one.source, "" if one.source == "default" else "bold")
            )
            if one.fault:
                table.add_row("", Text(one.fault, "red"), "")
        console.print(table)
        console.print()
