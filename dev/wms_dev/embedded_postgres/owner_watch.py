"""The owner as the keeper sees it: a pipe that ends with it, and its process id."""

import contextlib
import os
import select
import signal
from types import FrameType

LOOK_SECONDS = 0.5


class OwnerLeft(Exception):
    """The owner ended or wants the server to stop."""


class OwnerWatch:
    """Wakes up when the owner ends or says so on the pipe, when we are told to end, and when a child ends."""

    def __init__(self, owner_pid: int, pipe: int) -> None:
        self._owner_pid = owner_pid
        self._pipe = pipe
        self._wake, signalled = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(signalled, False)
        signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
        self._told = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._tell)
        signal.signal(signal.SIGCHLD, _only_wake)

    def pause(self, seconds: float) -> None:
        """Wait so long or until something happens; raises `OwnerLeft` when it is that."""
        readable, _, _ = select.select([self._pipe, self._wake], [], [], min(seconds, LOOK_SECONDS))
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)
        # A child that the owner forked may hold the pipe open, but can't be our parent.
        if self._told or self._pipe in readable or os.getppid() != self._owner_pid:
            raise OwnerLeft

    def _tell(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """Without a handler the signal would not reach the wake-up pipe."""
