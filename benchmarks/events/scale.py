"""Size of a measurement."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of a measurement; numbers of events and callers, durations in seconds.

    `log` events are in the log at the start.
    """

    log: int = 1_000_000
    backlog: int = 1_000_000
    events: int = 200_000
    delay_rate: int = 500
    delay: float = 20.0
    simple: float = 5.0
    highest: float = 5.0
    placing: float = 8.0
    rounds: int = 3
    callers: int = 64

    @property
    def backlog_there(self) -> int:
        """The number of unpublished events at the first start of the relay."""
        return min(self.log, self.backlog)
