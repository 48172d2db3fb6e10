"""`wms-orders config`: all environment variables with their value and its source."""

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

from wms_core.config.secret_files import get_file_variable, is_secret
from wms_core.config.settings import CoreSettings, try_settings
from wms_core.postgres.database_url import parse_database_url
from wms_core.postgres.errors import DRIVER_ERRORS
from wms_core.postgres.migrate import MigrationError, check_database

#: The group of entry points under which each process registers its settings class.
SETTINGS_ENTRY_POINT_GROUP = "wms_orders.settings"
_SECRET_MASK = "********"  # noqa: S105 # a mask, no secret
_DATABASE_TIMEOUT_SECONDS = 2.0
_UNIT_SECONDS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """One variable as a process would read it now."""

    variable: str
    value: str  # stars for a secret; empty without a value
    source: str  # default, environment, or the path of its file
    fault: str  # why it is invalid; empty when it is valid
    meaning: str


def show_config(
    process: Annotated[
        str, typer.Argument(metavar="[PROCESS]", help="server or worker; default: both.")
    ] = "",
    only_changed: Annotated[
        bool, typer.Option("--changed", help="Show only variables that differ from their default.")
    ] = False,
    output_format: Annotated[str, typer.Option("--output", "-o", help="Format: table or json.")] = "table",
) -> None:
    """Show all variables of server and worker as they would read them here, with their value and its source.

    Secrets are shown as stars. Exit code 1 when a variable is invalid or missing, or when its database
    answers and cannot be used. A database that is unreachable from here is not an error.
    """
    entry_points_by_process = {
        entry.name: entry for entry in sorted(entry_points(group=SETTINGS_ENTRY_POINT_GROUP))
    }
    if process and process not in entry_points_by_process:
        raise typer.BadParameter(
            f"unknown process {process!r}; choose from: {', '.join(entry_points_by_process)}"
        )
    if output_format not in ("table", "json"):
        raise typer.BadParameter(f"unknown format {output_format!r}; choose from: table, json")
    process_names = [process] if process else list(entry_points_by_process)
    variables_by_process = {
        name: list(list_variables(entry_points_by_process[name].load(), os.environ)) for name in process_names
    }
    selected_by_process = {
        name: [
            env_variable
            for env_variable in process_variables
            if not only_changed or env_variable.source != "default" or env_variable.fault
        ]
        for name, process_variables in variables_by_process.items()
    }
    if output_format == "json":
        typer.echo(
            json.dumps(
                {
                    name: [asdict(env_variable) for env_variable in selected_variables]
                    for name, selected_variables in selected_by_process.items()
                },
                indent=2,
            )
        )
    else:
        _print_tables(selected_by_process)
    if any(
        env_variable.fault
        for process_variables in variables_by_process.values()
        for env_variable in process_variables
    ):
        raise typer.Exit(1)


def list_variables(
    settings_class: type[CoreSettings], env_variables: Mapping[str, str]
) -> Iterator[EnvironmentVariable]:
    """Yield all variables of a process in the order of its settings, then the errors that concern several.

    The environment is that of this process.
    """
    settings, errors_by_setting = try_settings(settings_class)
    if settings and (
        error_message := asyncio.run(_find_database_error(settings.database_url.get_secret_value()))
    ):
        errors_by_setting["database_url"] = error_message
    env_by_upper_name = {name.upper(): value for name, value in env_variables.items()}
    for name, field in settings_class.model_fields.items():
        variable_name = name.upper()
        given_text = env_by_upper_name.get(variable_name, format_default(field))
        value = given_text if settings is None else format_setting(getattr(settings, name))
        source = _describe_source(name, env_by_upper_name, is_secret_setting=is_secret(field))
        yield EnvironmentVariable(
            variable_name,
            _SECRET_MASK if is_secret(field) and (value or source != "default") else value,
            source,
            errors_by_setting.pop(name, "").removeprefix(f"{variable_name}: "),
            field.description or "",
        )
    for error_message in errors_by_setting.values():
        yield EnvironmentVariable("", "", "", error_message, "")


async def _find_database_error(url: str) -> str:
    """Return why a database cannot be used; empty if it can, or if it does not answer."""
    try:
        connection = await parse_database_url(url).open_connection(
            _DATABASE_TIMEOUT_SECONDS, statement_cache_size=0
        )
    except DRIVER_ERRORS:
        return ""
    try:
        await check_database(connection)
    except MigrationError as error:
        return str(error)
    finally:
        await connection.close(timeout=_DATABASE_TIMEOUT_SECONDS)
    return ""


def _describe_source(name: str, env_by_upper_name: Mapping[str, str], *, is_secret_setting: bool) -> str:
    if name.upper() in env_by_upper_name:
        return "environment"
    if is_secret_setting and (file_path := env_by_upper_name.get(get_file_variable(name))):
        return f"file {file_path}"
    return "default"


def format_setting(value: Any) -> str:
    """Return a value in the form of the environment; empty for None."""
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return format_duration(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def format_default(field: FieldInfo) -> str:
    """Return a default in the form of the environment; empty if there is none or it is set at the start."""
    value = field.default
    return "" if value is PydanticUndefined or isinstance(value, SecretStr) else format_setting(value)


def format_duration(value: timedelta) -> str:
    """Return a duration in the largest unit of which it is a whole number."""
    total_seconds = value.total_seconds()
    for unit_suffix, unit_seconds in _UNIT_SECONDS:
        if total_seconds and total_seconds % unit_seconds == 0:
            return f"{int(total_seconds // unit_seconds)}{unit_suffix}"
    return f"{total_seconds * 1000:g}ms" if total_seconds else "0"


def _print_tables(variables_by_process: Mapping[str, list[EnvironmentVariable]]) -> None:
    """Print a table for each process, as wide as the terminal; without a terminal, as wide as needed."""
    output_console = Console(markup=False, emoji=False, highlight=False)
    if not output_console.is_terminal:
        output_console.width = 10_000
    for process, process_variables in variables_by_process.items():
        output_console.print(Text(process, "bold underline"))
        variable_table = Table("variable", "value", "from", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        variable_table.columns[0].no_wrap, variable_table.columns[1].overflow = True, "fold"
        for env_variable in process_variables:
            variable_table.add_row(
                env_variable.variable,
                env_variable.value,
                Text(env_variable.source, "" if env_variable.source == "default" else "bold"),
            )
            if env_variable.fault:
                variable_table.add_row("", Text(env_variable.fault, "red"), "")
        output_console.print(variable_table)
        output_console.print()
