"""Ctrl-C and its relatives, turned into one exception at a place where it can be handled."""

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants us to end."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(self.signal.name)

    @property
    def exit_code(self) -> int:
        """What a shell would say: 130 after Ctrl-C."""
        return 128 + self.signal


class Interruption:
    """While entered, the first signal raises `Interrupted` in the main thread, or cancels what `run` runs.

    After the first one, and after `ignore`, signals do nothing: the way down is bounded already.
    """

    def __init__(self) -> None:
        self._former: dict[signal.Signals, Any] = {}
        self._received: int | None = None
        self._deaf = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        for number in SIGNALS:
            # Under nohup a hangup is none of our business.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def ignore(self) -> None:
        """Let nothing interrupt from now on."""
        self._deaf = True

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; raises `Interrupted` when a signal cancelled it."""
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            try:
                return runner.run(self._noting_its_task(work))
            except asyncio.CancelledError:
                if self._received is not None:
                    raise Interrupted(self._received) from None
                raise
            finally:
                self._loop = self._task = None

    async def _noting_its_task(self, work: Coroutine[Any, Any, T]) -> T:
        self._task = asyncio.current_task()
        return await work

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._deaf or self._received is not None:
            return
        self._received = number
        if self._loop and self._task:
            self._loop.call_soon_threadsafe(self._task.cancel)
        else:
            raise Interrupted(number)
