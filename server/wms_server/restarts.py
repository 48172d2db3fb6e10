"""When a process that has ended is started again."""

import random

#: Seconds: the first pause after the restart at once, the longest, and the life after which all is forgiven.
SHORTEST, LONGEST, SETTLED = 0.5, 30.0, 60.0


class Restarts:
    """The ends of one of the processes: at once the first time, later the longer the more often it ends."""

    def __init__(self) -> None:
        """Start with none."""
        self._ends = 0

    def pause(self, lived: float) -> float:
        """Give the seconds to wait before a process that has lived for so many seconds is started again."""
        if lived >= SETTLED:
            self._ends = 0
        self._ends += 1
        if self._ends == 1:
            return 0.0
        longest = min(LONGEST, SHORTEST * 2.0 ** min(self._ends - 2, 10))
        return longest * random.uniform(0.5, 1)  # noqa: S311 # jitter, no secret
