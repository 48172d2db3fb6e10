"""Program that the kernel ends together with its parent: `parent_death.py PARENT_PID PROGRAM [ARGUMENT ...]`.

It is a program because a function must not run after fork in a parent with threads. It uses only the standard
library, so it starts without site-packages. Linux sends SIGTERM to the program when its parent ends; other
systems do not.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def with_parent_death_signal(command: Sequence[str]) -> list[str]:
    """Return the command that starts `command` as a child of this process; start it in the main thread."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main() -> None:
    """Request the signal, then execute the program, which inherits the setting."""
    parent_pid, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent_pid):  # the parent ended before the request
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - starting a program is the purpose


if __name__ == "__main__":
    main()
