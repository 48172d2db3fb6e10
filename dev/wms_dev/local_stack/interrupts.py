"""Handling of Ctrl-C and other termination signals as one exception."""

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
HANDLED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedBySignal(BaseException):
    """A termination signal arrived."""

    def __init__(self, number: int) -> None:
        self.received_signal = signal.Signals(number)
        super().__init__(self.received_signal.name)

    @property
    def exit_code(self) -> int:
        """The exit code by the convention of shells: 130 after Ctrl-C."""
        return 128 + self.received_signal


class InterruptHandler:
    """Signal handling, as a context manager.

    The first signal raises `InterruptedBySignal` in the main thread, or cancels the coroutine of `run`. Later
    signals, and all signals after `ignore`, do nothing, because the shutdown has its own timeouts.
    """

    def __init__(self) -> None:
        self._previous_handlers: dict[signal.Signals, Any] = {}
        self._received: int | None = None
        self._is_ignoring = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        for number in HANDLED_SIGNALS:
            # Under nohup, SIGHUP must stay ignored.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._previous_handlers[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def ignore(self) -> None:
        """Ignore all signals from now on."""
        self._is_ignoring = True

    def run(self, task_body: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and return its result.

        Raises:
            InterruptedBySignal: A signal cancelled the coroutine.
        """
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            try:
                return runner.run(self._run_cancellable(task_body))
            except asyncio.CancelledError:
                if self._received is not None:
                    raise InterruptedBySignal(self._received) from None
                raise
            finally:
                self._loop = self._task = None

    async def _run_cancellable(self, task_body: Coroutine[Any, Any, T]) -> T:
        self._task = asyncio.current_task()
        return await task_body

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._is_ignoring or self._received is not None:
            return
        self._received = number
        if self._loop and self._task:
            self._loop.call_soon_threadsafe(self._task.cancel)
        else:
            raise InterruptedBySignal(number)
