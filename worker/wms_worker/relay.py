"""The role of the relay, which is to carry events to Kafka: so far it is held, and nothing is done in it."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext

from wms_core.application.ports import Fence
from wms_core.domain.workers import Role


class RelayOffice:
    """See `wms_worker.candidature.Office`."""

    role = Role.RELAY

    async def open(self, fence: Fence) -> "RelayTerm":  # noqa: ARG002 # who does nothing writes nothing
        """Begin a term without work."""
        return RelayTerm()


class RelayTerm:
    """See `wms_worker.candidature.Term`."""

    def __init__(self) -> None:
        """Without work nothing can be refused."""
        self.deposed = asyncio.Event()

    def acting(self) -> AbstractAsyncContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def stop(self) -> None:
        """Nothing has begun."""
