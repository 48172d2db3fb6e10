"""Fulfillment cycles run by a test, and a warehouse that completes moves at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from tests.support.waiting import eventually
from wms.orders.v1 import storage_pb2
from wms_core.application.cycle.batch_runner import CycleRules
from wms_core.application.cycle.cycle import FulfillmentCycle
from wms_core.application.database import Fence
from wms_core.domain.call_context import Caller
from wms_core.domain.workers import ReplicaReport
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.role_leases import PostgresRoleLeases


class Fulfillment:
    """Runs cycles under a claimed fence; create it by `open_fulfillment`."""

    def __init__(self, database: PostgresDatabase, fence: Fence) -> None:
        self.database = database
        self.fence = fence

    def cycle(self, **rules: Any) -> FulfillmentCycle:
        """Return a cycle with these rules."""
        return FulfillmentCycle(
            self.database, self.fence, CycleRules(**rules), Caller(actor_name="worker/test")
        )

    async def run(self, **rules: Any) -> dict[str, int]:
        """Run one cycle. Return the counts by step."""
        cycle_run = await self.cycle(**rules).run_steps()
        assert not cycle_run.step_errors, cycle_run.step_errors
        return {step.cycle_step.value: step.count for step in cycle_run.step_outcomes}

    async def deliver_all(self, api: Api, warehouse_id: str = "WH-01", **rules: Any) -> None:
        """Run cycles and complete their moves until a cycle has no effect."""
        for _ in range(50):
            counts_by_step = await self.run(**rules)
            claim_response = await api.storage.ClaimMoves(
                storage_pb2.ClaimMovesRequest(warehouse_id=warehouse_id, max=500, claimed_by="test")
            )
            if claim_response.moves:
                await api.storage.BatchCompleteMoves(
                    storage_pb2.BatchCompleteMovesRequest(
                        move_ids=[move.move_id for move in claim_response.moves], claimed_by="test"
                    )
                )
            elif not any(counts_by_step.values()):
                return
        raise AssertionError("the warehouse still has moves after 50 cycles")


@asynccontextmanager
async def open_fulfillment(database: PostgresDatabase) -> AsyncIterator[Fulfillment]:
    """Claim the role, and release it at the end."""
    report = ReplicaReport("test", "host", "0", datetime.now(UTC), "fulfillment", ("fulfillment",))
    await database.run_in_transaction(lambda transaction: transaction.workers.save_report(report))
    roles = PostgresRoleLeases(database)
    epoch = await roles.claim("fulfillment", "test", timedelta(seconds=30))
    assert epoch is not None
    fence = Fence("fulfillment", epoch)
    yield Fulfillment(database, fence)
    await roles.release(fence)


_INSTALL_VALIDATION_GATE = """
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7399); RETURN NEW; END $$;
    CREATE TRIGGER gate BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.status = 'validated')
        EXECUTE FUNCTION gate();
"""
_IS_CALLER_AT_GATE = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7399 AND NOT granted)"
)


class ValidationGate:
    """Blocks transactions that validate an order, by an advisory lock of the connection `sql`."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    async def wait_until_reached(self) -> None:
        """Wait until a transaction waits for the gate."""
        await eventually(self._is_reached)

    async def open(self) -> None:
        """Let the waiting transaction continue."""
        await self._sql.execute("SELECT pg_advisory_unlock_all()")

    async def _is_reached(self) -> bool:
        return bool(await self._sql.fetchval(_IS_CALLER_AT_GATE))


@asynccontextmanager
async def hold_back_validation(sql: SqlConnection) -> AsyncIterator[ValidationGate]:
    """Close the gate for the block; an order that is placed inside it reaches the gate."""
    await sql.execute("SELECT pg_advisory_lock(7399)")
    await sql.execute(_INSTALL_VALIDATION_GATE)
    validation_gate = ValidationGate(sql)
    try:
        yield validation_gate
    finally:
        await validation_gate.open()
