"""Which processes belong to a run, for whoever wants to know that nothing is left of it. Linux only."""

import os
from collections.abc import Iterator
from pathlib import Path


def processes_of(mark: str, folder: Path) -> dict[int, str]:
    """Living processes, by id with their command lines, that have `mark` in their environment or `folder`
    in their command line. Those of other users are seen by root only.
    """
    return {
        pid: command
        for pid, command, environment in _all_processes()
        if mark in environment or str(folder) in command
    }


def _all_processes() -> Iterator[tuple[int, str, str]]:
    for entry in Path("/proc").glob("[0-9]*"):
        # A process that has ended, reaped or not, has no command line.
        command = _read(entry / "cmdline")
        if command and int(entry.name) != os.getpid():
            yield int(entry.name), command, _read(entry / "environ")


def _read(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
