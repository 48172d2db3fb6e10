"""The worker's cycle run by hand, and a warehouse that does at once what it is asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.api import Api
from wms.orders.v1 import storage_pb2
from wms_core.application.fenced import CycleRules
from wms_core.application.fulfillment import Cycle
from wms_core.application.ports import Fence
from wms_core.domain.caller import Caller
from wms_core.domain.workers import Report
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.roles import PostgresRoles


class Fulfillment:
    """Runs cycles under a fence that it has claimed."""

    def __init__(self, database: PostgresDatabase, fence: Fence) -> None:
        """Use `open_fulfillment` instead."""
        self.database = database
        self.fence = fence

    def cycle(self, **rules: Any) -> Cycle:
        """Give a cycle with these rules."""
        return Cycle(self.database, self.fence, CycleRules(**rules), Caller(actor="worker/test"))

    async def run(self, **rules: Any) -> dict[str, int]:
        """Run one cycle; gives what its steps did."""
        run = await self.cycle(**rules).run()
        assert not run.errors, run.errors
        return {step.step.value: step.count for step in run.steps}

    async def deliver(self, api: Api, warehouse_id: str = "WH-01", **rules: Any) -> None:
        """Run cycles and complete all their moves until nothing moves any more."""
        for _ in range(50):
            did = await self.run(**rules)
            claimed = await api.storage.ClaimMoves(
                storage_pb2.ClaimMovesRequest(warehouse_id=warehouse_id, max=500, claimed_by="test")
            )
            if claimed.moves:
                await api.storage.BatchCompleteMoves(
                    storage_pb2.BatchCompleteMovesRequest(
                        move_ids=[move.move_id for move in claimed.moves], claimed_by="test"
                    )
                )
            elif not any(did.values()):
                return
        raise AssertionError("the warehouse does not come to rest")


@asynccontextmanager
async def open_fulfillment(database: PostgresDatabase) -> AsyncIterator[Fulfillment]:
    """Claim the role, and give it up at the end."""
    report = Report("test", "host", "0", datetime.now(UTC), "fulfillment", ("fulfillment",))
    await database.transact(lambda transaction: transaction.workers.report(report))
    roles = PostgresRoles(database)
    epoch = await roles.claim("fulfillment", "test", timedelta(seconds=30))
    assert epoch is not None
    fence = Fence("fulfillment", epoch)
    yield Fulfillment(database, fence)
    await roles.release(fence)
