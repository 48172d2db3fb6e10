"""How a cycle is traced. What makes spans is outside; in here they are text beside what is written."""

from typing import Protocol


class Trace(Protocol):
    """Follows the steps of the cycle, one after the other."""

    def begin(self, step: str) -> str:
        """Begin a step; gives the `traceparent` of what it writes, empty when nobody follows."""
        ...

    def end(self, count: int, error: str = "") -> None:
        """End the step that was begun; `count` says how much it did."""
        ...


class Untraced:
    """Follows nothing."""

    def begin(self, step: str) -> str:  # noqa: ARG002 # see Trace
        """See Trace."""
        return ""

    def end(self, count: int, error: str = "") -> None:
        """See Trace."""


UNTRACED = Untraced()
