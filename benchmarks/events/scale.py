"""How much is written, sent and placed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """One measurement; seconds where nothing else is said. `log` events are there before all else begins."""

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
        """The events that the relay finds when it is first started."""
        return min(self.log, self.backlog)
