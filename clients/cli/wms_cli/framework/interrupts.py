"""Keep an effect and its record consistent when Ctrl-C arrives between them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def defer_interrupt() -> Iterator[None]:
    """Defer a KeyboardInterrupt to the end of the block. Main thread only.

    A second interrupt is raised at once: a blocked output must not block Ctrl-C.
    """
    is_pending = False

    def handle_interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_pending
        if is_pending:
            raise KeyboardInterrupt
        is_pending = True

    previous = signal.signal(signal.SIGINT, handle_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if is_pending:
        raise KeyboardInterrupt
