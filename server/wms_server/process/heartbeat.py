"""Heartbeats: a byte per second from the event loop of a process to its supervisor (docs/adr/0018)."""

import asyncio
import faulthandler
import os
import signal
from contextlib import suppress
from types import TracebackType
from typing import Self

#: Consecutive polls (one per second) without a byte, after which a process counts as hanging. It counts polls
#: instead of seconds: if the whole machine stalls, the supervisor does not poll either.
MISSED_BEATS_LIMIT = 20
_BEAT_INTERVAL_SECONDS = 1.0
#: Makes a process write the stacks of its threads to standard error, even while it hangs.
DUMP_STACKS_SIGNAL = signal.SIGUSR2


async def send_heartbeats(pipe_descriptor: int) -> None:
    """Send heartbeats until cancelled; a missing listener is ignored."""
    faulthandler.register(DUMP_STACKS_SIGNAL)
    os.set_blocking(pipe_descriptor, False)
    while True:
        with suppress(OSError):
            os.write(pipe_descriptor, b".")
        await asyncio.sleep(_BEAT_INTERVAL_SECONDS)


class HeartbeatPipe:
    """The pipe for heartbeats of one process, which inherits `sender_descriptor`."""

    def __enter__(self) -> Self:
        """Create the pipe."""
        self._listener_descriptor, self.sender_descriptor = os.pipe()
        os.set_blocking(self._listener_descriptor, False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        error_traceback: TracebackType | None,
    ) -> None:
        """Close both ends."""
        os.close(self._listener_descriptor)
        os.close(self.sender_descriptor)

    async def wait_until_missed(self) -> None:
        """Wait until heartbeats have begun and then stopped for `MISSED_BEATS_LIMIT` polls."""
        was_heard, missed_beats = False, 0
        while missed_beats < MISSED_BEATS_LIMIT:
            await asyncio.sleep(_BEAT_INTERVAL_SECONDS)
            if self._has_beat():
                was_heard, missed_beats = True, 0
            elif was_heard:
                missed_beats += 1

    def _has_beat(self) -> bool:
        try:
            return bool(os.read(self._listener_descriptor, 65_536))
        except BlockingIOError:
            return False
