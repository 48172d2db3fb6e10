"""`wms-orders` as an operator types it: a process of its own."""

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

from tests.support.waiting import bounded
from wms_core.tether import tethered

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it printed."""

    code: int
    text: str
    complaint: str

    @property
    def json(self) -> Any:
        """What it printed, read."""
        return json.loads(self.text)

    @property
    def lines(self) -> list[Any]:
        """What it printed, read line by line."""
        return [json.loads(line) for line in self.text.splitlines()]


def command(*arguments: str) -> list[str]:
    """Give the words that start it."""
    return [sys.executable, "-m", "wms_core.command", *arguments]


def environment(address: str, **variables: str) -> dict[str, str]:
    """Give what it sees: where the server is, and nothing of this process's own settings of it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SERVER_")}
    return {**own, "SERVER_ADDR": address, **variables}


async def start(address: str, *arguments: str, cwd: Path | None = None) -> asyncio.subprocess.Process:
    """Start it and leave it running."""
    return await asyncio.create_subprocess_exec(
        *tethered(command(*arguments)),
        env=environment(address),
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finished(process: asyncio.subprocess.Process, within: float = 60.0) -> Done:
    """Wait for its end."""
    out, err = await bounded(process.communicate(), within)
    assert process.returncode is not None
    return Done(process.returncode, (out or b"").decode(), err.decode())


async def run(
    address: str, *arguments: str, given: str | None = None, encoding: str = "utf-8", **variables: str
) -> Done:
    """Run it to its end, with what is given on standard input, where its output has an encoding."""
    variables = {"PYTHONIOENCODING": encoding, **variables}
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        env=environment(address, **variables),
        stdin=asyncio.subprocess.PIPE if given is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    data = given.encode() if given is not None else None
    out, err = await bounded(process.communicate(data), 60)
    assert process.returncode is not None
    return Done(process.returncode, out.decode(encoding), err.decode(encoding))


async def done(address: str, *arguments: str, **variables: str) -> Any:
    """Run it for JSON, see that it succeeded, and give what it printed, read."""
    ended = await run(address, *arguments, "--output", "json", **variables)
    assert ended.code == 0, ended
    return ended.json


async def on_a_terminal(columns: int, address: str, *arguments: str, encoding: str = "utf-8") -> str:
    """Run it on a terminal of so many columns and give what is seen there, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    terminal = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        env={
            **terminal,
            "SERVER_ADDR": address,
            "TERM": "xterm-256color",
            "PYTHONIOENCODING": encoding,
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = (await asyncio.to_thread(_all_of, ours)).decode(encoding)
    assert await bounded(process.wait(), 30) == 0, seen
    # What is drawn again over itself is a line each time.
    return _ESCAPES.sub("", seen).replace("\r\n", "\n").replace("\r", "\n")


def _all_of(terminal: int) -> bytes:
    """Read until the other side is closed, which is an error on a terminal."""
    seen = b""
    with os.fdopen(terminal, "rb", buffering=0) as reader:
        while True:
            try:
                data = reader.read(65_536)
            except OSError:
                break
            if not data:
                break
            seen += data
    return seen
