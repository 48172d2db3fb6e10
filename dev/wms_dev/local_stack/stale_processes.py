"""The processes that belong to a run, for checks that no process is left. Linux only."""

import os
from collections.abc import Iterator
from pathlib import Path


def find_processes(environment_marker: str, folder: Path) -> dict[int, str]:
    """Return the command lines of running processes by process id.

    Selects processes with `environment_marker` in their environment or `folder` in their command line. Only
    root sees processes of other users.
    """
    return {
        pid: command
        for pid, command, environment in _list_processes()
        if environment_marker in environment or str(folder) in command
    }


def _list_processes() -> Iterator[tuple[int, str, str]]:
    for entry in Path("/proc").glob("[0-9]*"):
        # A process that has exited, reaped or not, has an empty command line.
        command = _read_text(entry / "cmdline")
        if command and int(entry.name) != os.getpid():
            yield int(entry.name), command, _read_text(entry / "environ")


def _read_text(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
