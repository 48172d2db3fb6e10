"""The programs that the keeper starts: as the right user, and ended by the kernel when the keeper ends."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

from wms_dev.embedded_postgres.account import Account
from wms_dev.embedded_postgres.waiting import Pause, until

PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str | os.PathLike[str]],
    account: Account,
    *,
    log: int,
    last_signal: signal.Signals,
) -> subprocess.Popen[bytes]:
    """Start a program as `account`, in a process group of its own, that gets `last_signal` when we end."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=account.user,
        group=account.group,
        extra_groups=account.extra_groups,
        process_group=0,
        # After the change of user, which would clear it again. Safe: the keeper has one thread.
        preexec_fn=_tie_to_us(last_signal),  # noqa: PLW1509
    )


def run(
    command: Sequence[str | os.PathLike[str]],
    account: Account,
    *,
    log: int,
    seconds: float,
    pause: Pause,
    text: str = "",
) -> int | None:
    """Run a program to its end and return its exit code, None when it took too long.

    Neither it nor what it started is left when this returns or raises.
    """
    child = spawn(command, account, log=log, last_signal=signal.SIGKILL)
    try:
        tell(child, text)
        until(lambda: child.poll() is not None, seconds, pause)
        return child.poll()
    finally:
        _kill_group(child)


def tell(child: subprocess.Popen[bytes], text: str = "") -> None:
    """Write a few words to the program's input and close it."""
    assert child.stdin
    with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
        pipe.write(text.encode())


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)


def _tie_to_us(last_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    return partial(_ask_for_signal, ctypes.CDLL(None), last_signal, os.getpid())


def _ask_for_signal(libc: ctypes.CDLL, last_signal: int, keeper: int) -> None:
    libc.prctl(PR_SET_PDEATHSIG, last_signal, 0, 0, 0)
    if os.getppid() != keeper:  # it ended before we asked
        os._exit(1)
