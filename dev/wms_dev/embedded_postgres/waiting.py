"""Bounded waits."""

import time
from collections.abc import Callable

Pause = Callable[[float], None]


def until(condition: Callable[[], bool], seconds: float, pause: Pause = time.sleep) -> bool:
    """Wait for the condition for at most so many seconds; False when it never came true.

    `pause` waits between two looks and may raise to give up early.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause(0.01)
    return True
