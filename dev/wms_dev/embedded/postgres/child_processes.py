"""Start of programs as another user; the kernel stops them when the supervisor exits."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

from wms_dev.embedded.postgres.os_user import OsUser
from wms_dev.embedded.postgres.polling import Wait, wait_until

PR_SET_PDEATHSIG = 1


def spawn_process(
    command: Sequence[str | os.PathLike[str]],
    os_user: OsUser,
    *,
    log: int,
    last_signal: signal.Signals,
) -> subprocess.Popen[bytes]:
    """Start a program as `os_user` in its own process group.

    It gets `last_signal` when this process exits.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=os_user.user,
        group=os_user.group,
        extra_groups=os_user.extra_groups,
        process_group=0,
        # Must follow the change of user, which clears it. Safe, because the supervisor has one thread.
        preexec_fn=_signal_on_parent_death(last_signal),  # noqa: PLW1509
    )


def run_to_end(
    command: Sequence[str | os.PathLike[str]],
    os_user: OsUser,
    *,
    log: int,
    seconds: float,
    wait: Wait,
    text: str = "",
) -> int | None:
    """Run a program and return its exit code, or None after the timeout.

    Its process group is killed before this function returns or raises.
    """
    child = spawn_process(command, os_user, log=log, last_signal=signal.SIGKILL)
    try:
        write_input(child, text)
        wait_until(lambda: child.poll() is not None, seconds, wait)
        return child.poll()
    finally:
        _kill_group(child)


def write_input(child: subprocess.Popen[bytes], text: str = "") -> None:
    """Write the text to the program's stdin and close it."""
    assert child.stdin
    with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
        pipe.write(text.encode())


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)


def _signal_on_parent_death(last_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    return partial(_request_death_signal, ctypes.CDLL(None), last_signal, os.getpid())


def _request_death_signal(libc: ctypes.CDLL, last_signal: int, parent_pid: int) -> None:
    libc.prctl(PR_SET_PDEATHSIG, last_signal, 0, 0, 0)
    if os.getppid() != parent_pid:  # the parent exited before prctl
        os._exit(1)
