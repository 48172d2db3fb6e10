"""Whether a process still serves: a byte a second from its event loop, by a pipe (docs/adr/0018)."""

import asyncio
import faulthandler
import os
import signal
from contextlib import suppress
from types import TracebackType
from typing import Self

#: Looks, one a second, without a byte after which a process counts as hanging. Looks and not seconds: what
#: makes the whole machine stand still makes nobody look.
SILENCE = 20
_PERIOD = 1.0
#: Has a process write the stacks of its threads to standard error, whatever it is stuck in.
TELL = signal.SIGUSR2


async def beat(pipe: int) -> None:
    """Say again and again that the event loop turns, until cancelled; to nobody when the listener is gone."""
    faulthandler.register(TELL)
    os.set_blocking(pipe, False)
    while True:
        with suppress(OSError):
            os.write(pipe, b".")
        await asyncio.sleep(_PERIOD)


class Pulse:
    """The pulse of one process: `sender` is for it to inherit; both ends are closed at the end."""

    def __enter__(self) -> Self:
        """Make the pipe."""
        self._listener, self.sender = os.pipe()
        os.set_blocking(self._listener, False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        os.close(self._listener)
        os.close(self.sender)

    async def ceased(self) -> None:
        """Wait until it has been heard, and then not been for a while."""
        heard, silent = False, 0
        while silent < SILENCE:
            await asyncio.sleep(_PERIOD)
            if self._is_heard():
                heard, silent = True, 0
            elif heard:
                silent += 1

    def _is_heard(self) -> bool:
        try:
            return bool(os.read(self._listener, 65_536))
        except BlockingIOError:
            return False
