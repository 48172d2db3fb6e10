"""Detection of the parent's exit by the supervisor: the end of a pipe, or a new parent process id."""

import contextlib
import os
import select
import signal
from types import FrameType

POLL_SECONDS = 0.5


class ParentExited(Exception):
    """The parent exited or requested a stop."""


class ParentWatch:
    """Waits that end when the parent exits or writes to the pipe, on a signal, and when a child exits."""

    def __init__(self, parent_pid: int, pipe: int) -> None:
        self._parent_pid = parent_pid
        self._pipe = pipe
        self._wakeup_read_fd, wakeup_write_fd = os.pipe()
        os.set_blocking(self._wakeup_read_fd, False)
        os.set_blocking(wakeup_write_fd, False)
        signal.set_wakeup_fd(wakeup_write_fd, warn_on_full_buffer=False)
        self._has_signal = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, _wake_only)

    def wait(self, seconds: float) -> None:
        """Wait at most `seconds`, or until an event.

        Raises:
            ParentExited: The parent exited or requested a stop, or a termination signal arrived.
        """
        readable_fds, _, _ = select.select(
            [self._pipe, self._wakeup_read_fd], [], [], min(seconds, POLL_SECONDS)
        )
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup_read_fd, 4096)
        # A process forked by the parent may keep the pipe open, but the parent process id changes.
        if self._has_signal or self._pipe in readable_fds or os.getppid() != self._parent_pid:
            raise ParentExited

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._has_signal = True


def _wake_only(_number: int, _frame: FrameType | None) -> None:
    """Do nothing. Without a handler the signal would not be written to the wake-up pipe."""
