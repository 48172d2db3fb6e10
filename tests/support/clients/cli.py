"""Run `wms-orders` commands as processes."""

import asyncio
import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.waiting import with_timeout

from wms_core.runtime.parent_death import with_parent_death_signal

_TERMINAL_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Exit code and output of a command."""

    exit_code: int
    stdout_text: str
    stderr_text: str

    @property
    def stdout_json(self) -> Any:
        """The standard output, parsed as JSON."""
        return json.loads(self.stdout_text)

    @property
    def stdout_json_lines(self) -> list[Any]:
        """The standard output, parsed as JSON lines."""
        return [json.loads(line) for line in self.stdout_text.splitlines()]


def build_command(*arguments: str) -> list[str]:
    """Return the command line of `wms-orders` with these arguments."""
    return [sys.executable, "-m", "wms_core.cli", *arguments]


def build_environment(address: str, **variables: str) -> dict[str, str]:
    """Return an environment with the server's address, without the SERVER_ variables of this process."""
    inherited_variables = {
        name: value for name, value in os.environ.items() if not name.startswith("SERVER_")
    }
    return {**inherited_variables, "SERVER_ADDR": address, **variables}


async def start_command(address: str, *arguments: str, cwd: Path | None = None) -> asyncio.subprocess.Process:
    """Start a command. Return the running process."""
    return await asyncio.create_subprocess_exec(
        *with_parent_death_signal(build_command(*arguments)),
        env=build_environment(address),
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def wait_for_result(process: asyncio.subprocess.Process, within: float = 60.0) -> CommandResult:
    """Wait until a command ends. Return its result."""
    out, err = await with_timeout(process.communicate(), within)
    assert process.returncode is not None
    return CommandResult(process.returncode, (out or b"").decode(), err.decode())


async def run_command(
    address: str, *arguments: str, stdin_text: str | None = None, encoding: str = "utf-8", **variables: str
) -> CommandResult:
    """Run a command to its end, with `stdin_text` as input and an output in `encoding`. Return its result."""
    variables = {"PYTHONIOENCODING": encoding, **variables}
    process = await asyncio.create_subprocess_exec(
        *build_command(*arguments),
        env=build_environment(address, **variables),
        stdin=asyncio.subprocess.PIPE if stdin_text is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    data = stdin_text.encode() if stdin_text is not None else None
    out, err = await with_timeout(process.communicate(data), 60)
    assert process.returncode is not None
    return CommandResult(process.returncode, out.decode(encoding), err.decode(encoding))


async def run_json_command(address: str, *arguments: str, **variables: str) -> Any:
    """Run a command with --output json, assert that it succeeds, and return the parsed output."""
    command_result = await run_command(address, *arguments, "--output", "json", **variables)
    assert command_result.exit_code == 0, command_result
    return command_result.stdout_json


async def run_on_terminal(columns: int, address: str, *arguments: str, encoding: str = "utf-8") -> str:
    """Run a command on a terminal of `columns` columns. Return the visible text without colors."""
    controlling_side, terminal_side = pty.openpty()
    fcntl.ioctl(terminal_side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    inherited_variables = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")
    }
    process = await asyncio.create_subprocess_exec(
        *build_command(*arguments),
        env={
            **inherited_variables,
            "SERVER_ADDR": address,
            "TERM": "xterm-256color",
            "PYTHONIOENCODING": encoding,
        },
        stdin=terminal_side,
        stdout=terminal_side,
        stderr=terminal_side,
    )
    os.close(terminal_side)
    shown_text = (await asyncio.to_thread(_read_until_closed, controlling_side)).decode(encoding)
    assert await with_timeout(process.wait(), 30) == 0, shown_text
    # A carriage return redraws the line; each version becomes a line of its own.
    return _TERMINAL_ESCAPES.sub("", shown_text).replace("\r\n", "\n").replace("\r", "\n")


def _read_until_closed(terminal_descriptor: int) -> bytes:
    """Read until the other side is closed, which a terminal reports as OSError."""
    output = b""
    with os.fdopen(terminal_descriptor, "rb", buffering=0) as reader:
        while True:
            try:
                data = reader.read(65_536)
            except OSError:
                break
            if not data:
                break
            output += data
    return output
