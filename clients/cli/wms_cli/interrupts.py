"""Keep an effect and the record of it together when Ctrl-C arrives between them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Raise a KeyboardInterrupt of the block only at its end. Main thread only.

    A second interrupt is raised at once: an output that nobody reads must not hold the command.
    """
    pending = False

    def defer(_number: int, _frame: FrameType | None) -> None:
        nonlocal pending
        if pending:
            raise KeyboardInterrupt
        pending = True

    previous = signal.signal(signal.SIGINT, defer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if pending:
        raise KeyboardInterrupt
