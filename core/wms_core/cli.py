"""The root command `wms-orders`; each package adds its subcommands by an entry point."""

import asyncio
import os
import sys
from importlib.metadata import EntryPoint, entry_points

import typer

from wms_core.config.settings import CoreSettings, read_settings
from wms_core.postgres.errors import DRIVER_ERRORS
from wms_core.postgres.migrate import MigrationError
from wms_core.postgres.migrate import migrate as apply_migrations
from wms_core.runtime.logging_setup import describe_error
from wms_core.runtime.terminal_encoding import replace_unprintable

COMMAND_NAME = "wms-orders"
COMMAND_ENTRY_POINT_GROUP = "wms_orders.commands"


def build_application(cli_arguments: list[str]) -> typer.Typer:
    """Return the command, assembled from the installed entry points.

    If the first argument names a subcommand, only this one is imported: a server need not load the demo.
    """
    root_command = typer.Typer(
        name=COMMAND_NAME,
        help="Order fulfillment for warehouses: the server, the worker, and their operation.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
    )
    entry_points_by_name = {entry.name: entry for entry in entry_points(group=COMMAND_ENTRY_POINT_GROUP)}
    requested_entry_point = entry_points_by_name.get(cli_arguments[0]) if cli_arguments else None
    for entry in [requested_entry_point] if requested_entry_point else sorted(entry_points_by_name.values()):
        _add_command(root_command, entry)
    if requested_entry_point:
        # Typer runs the only command of an application without its name, unless there is a callback.
        root_command.callback()(_keep_names)
    return root_command


def _add_command(root_command: typer.Typer, entry: EntryPoint) -> None:
    command = entry.load()
    if isinstance(command, typer.Typer):
        root_command.add_typer(command, name=entry.name)
    else:
        root_command.command(entry.name)(command)


def _keep_names() -> None:
    """Order fulfillment for warehouses."""


def main() -> None:
    """Run the command."""
    replace_unprintable()
    # During shell completion the typed line is in the environment; importing only one command answers
    # quickly.
    completion_line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    # Completion depends on this name, also when the command is started as a module.
    build_application(sys.argv[1:] or completion_line.split()[1:])(prog_name=COMMAND_NAME)


if __name__ == "__main__":
    main()


def migrate() -> None:
    """Migrate the schema of DATABASE_URL to the current version; safe at any time, also concurrently."""
    settings = read_settings(CoreSettings)
    try:
        applied_migrations = asyncio.run(apply_migrations(settings.database_url.get_secret_value()))
    except MigrationError as error:
        raise SystemExit(f"The schema cannot be migrated: {error}") from None
    except DRIVER_ERRORS as error:
        reason = describe_error(error)
        raise SystemExit(f"The database of DATABASE_URL can't be used ({reason}).") from None
    for applied_migration in applied_migrations:
        typer.echo(f"applied {applied_migration.name}")
    typer.echo("The schema is up to date.")
