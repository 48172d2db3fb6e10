"""Becomes a program that the kernel ends with its parent: `tether.py PARENT_PID PROGRAM [ARGUMENT ...]`.

A program and not a function run after fork: by then the parent may have threads. It is of the standard
library only, so it starts without site-packages. Linux ends the program by SIGTERM; others leave it alone.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def tethered(command: Sequence[str]) -> list[str]:
    """Give the command that starts `command` as a child of this process; the main thread has to start it."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main() -> None:
    """Ask for the signal, then turn into the program; the setting survives that."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # it ended before we asked
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - to start a program is what we are here for


if __name__ == "__main__":
    main()
