"""Who acts: the port that every way of electing fills."""

from typing import Protocol

from wms_core.application.ports import Fence


class Election(Protocol):
    """The candidature of this replica for one role.

    A term begins when `win` returns and ends with `lose` or `resign`; then `win` may be called again. The
    fence that `win` gives is what keeps a replica that believes in an old term from writing.
    """

    async def win(self) -> Fence:
        """Wait until this replica holds the role. Losing a race is no error; it goes on waiting.

        A database or an ensemble that can't be reached is waited out, and said once.
        """
        ...

    async def lose(self) -> str:
        """Wait until this replica can't be sure any more to hold the role; gives the cause."""
        ...

    async def resign(self) -> None:
        """Give the role up, so that another replica may take it at once; never blocks for long."""
        ...
