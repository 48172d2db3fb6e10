"""The common part of `demo` and `dev`: run a stack and return an exit code."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import grpc
from rich.console import Console

from wms_dev.embedded.postgres import EmbeddedPostgresError
from wms_dev.errors import UserError
from wms_dev.local_stack.config import StackConfig
from wms_dev.local_stack.interrupts import InterruptedBySignal, InterruptHandler
from wms_dev.local_stack.stack import LocalStack

# `wms-orders` of this environment, which may not be on the PATH of the shell.
WMS_ORDERS_COMMAND = Path(sys.executable).with_name("wms-orders")
PLAIN_WIDTH = 110


def create_console() -> Console:
    """Create the console of standard output, with plain text of a fixed width unless it is a terminal."""
    terminal = sys.stdout.isatty()
    return Console(
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        width=None if terminal else PLAIN_WIDTH,
        markup=False,
        highlight=False,
    )


def run_stack(
    console: Console,
    make_config: Callable[[Mapping[str, str]], StackConfig],
    use_stack: Callable[[LocalStack], int],
) -> int:
    """Start a stack, run `use_stack` with it, stop it, and return the exit code.

    The exit code is 1 after a known error, which is printed, and 128 plus the signal number after a signal.
    """
    with InterruptHandler() as interruption:
        try:
            with LocalStack(make_config(os.environ), interruption, console.print) as stack:
                return use_stack(stack)
        except InterruptedBySignal as reason:
            console.print(f"Stopped by {reason}.")
            return reason.exit_code
        except (UserError, EmbeddedPostgresError) as error:
            console.print(f"\n{error}", soft_wrap=True)
        except grpc.aio.AioRpcError as error:
            console.print(
                f"\nThe service rejected a call: {error.code().name} {error.details()}", soft_wrap=True
            )
        return 1
