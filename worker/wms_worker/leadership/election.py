"""The port of a leader election, implemented with ZooKeeper and with Postgres."""

from typing import Protocol

from wms_core.application.database import Fence


class RoleElection(Protocol):
    """The candidacy of this replica for one role.

    A tenure begins when `acquire` returns. It ends when `wait_until_lost` returns or with `release`; then
    `acquire` may be called again. The fence from `acquire` makes Postgres reject the writes of a replica
    whose tenure has ended.
    """

    async def acquire(self) -> Fence:
        """Wait until this replica has the role, and return its fence.

        A lost election is not an error: the wait continues. The wait also continues while the database or the
        ensemble is unreachable, which is logged once.
        """
        ...

    async def wait_until_lost(self) -> str:
        """Wait until this replica may have lost the role; return the cause."""
        ...

    async def release(self) -> None:
        """Release the role so that another replica can acquire it immediately; return within seconds."""
        ...
