"""The root command `wms-orders`; every part of the house adds its subcommands by an entry point."""

import os
import sys
from importlib.metadata import EntryPoint, entry_points

import typer

from wms_core.terminal import replace_unprintable

NAME = "wms-orders"
GROUP = "wms_orders.commands"


def application(arguments: list[str]) -> typer.Typer:
    """Put the command together from the installed entry points.

    When the first argument names a subcommand only that one is imported: a server need not load the demo.
    """
    root = typer.Typer(
        name=NAME,
        help="Order fulfillment for warehouses: the server, the worker, and what operates them.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
    )
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    named = found.get(arguments[0]) if arguments else None
    for entry in [named] if named else sorted(found.values()):
        _add(root, entry)
    if named:
        # Typer runs the only command of an application without its name.
        root.callback()(_keep_names)
    return root


def _add(root: typer.Typer, entry: EntryPoint) -> None:
    command = entry.load()
    if isinstance(command, typer.Typer):
        root.add_typer(command, name=entry.name)
    else:
        root.command(entry.name)(command)


def _keep_names() -> None:
    """Order fulfillment for warehouses."""


def main() -> None:
    """Run the command."""
    replace_unprintable()
    # While the shell completes, what has been typed is there, and is to be answered quickly.
    typed = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    # The name also when it is started as a module: completion goes by it.
    application(sys.argv[1:] or typed.split()[1:])(prog_name=NAME)


if __name__ == "__main__":
    main()
