"""Bounded waits."""

import time
from collections.abc import Callable

Wait = Callable[[float], None]


def wait_until(condition: Callable[[], bool], timeout_seconds: float, wait: Wait = time.sleep) -> bool:
    """Wait until the condition is true. Return False after the timeout.

    `wait` pauses between two checks and may raise to abort.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        wait(0.01)
    return True
