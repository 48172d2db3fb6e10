"""What `demo` and `dev` have in common: a stack, something to do with it, and an exit code."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import grpc
from rich.console import Console

from wms_dev.embedded_postgres import EmbeddedPostgresError
from wms_dev.problem import Problem
from wms_dev.stack.interruption import Interrupted, Interruption
from wms_dev.stack.plan import Plan
from wms_dev.stack.stack import Stack

#: `wms-orders` of this environment; it need not be on the path of the shell.
COMMAND = Path(sys.executable).with_name("wms-orders")
PLAIN_WIDTH = 110


def new_console() -> Console:
    """The console of standard output: plain text of a fixed width unless that is a terminal."""
    terminal = sys.stdout.isatty()
    return Console(
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        width=None if terminal else PLAIN_WIDTH,
        markup=False,
        highlight=False,
    )


def launch(
    console: Console,
    make_plan: Callable[[Mapping[str, str]], Plan],
    use: Callable[[Stack], int],
) -> int:
    """Start a stack, use it, stop it; gives the exit code.

    1 after an error that is known, which is explained; 128 and the signal's number after a signal.
    """
    with Interruption() as interruption:
        try:
            with Stack(make_plan(os.environ), interruption, console.print) as stack:
                return use(stack)
        except Interrupted as reason:
            console.print(f"Stopped by {reason}.")
            return reason.exit_code
        except (Problem, EmbeddedPostgresError) as error:
            console.print(f"\n{error}", soft_wrap=True)
        except grpc.aio.AioRpcError as error:
            console.print(
                f"\nThe service refused a call: {error.code().name} {error.details()}", soft_wrap=True
            )
        return 1
