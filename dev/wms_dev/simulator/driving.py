"""The cranes and conveyors: claims moves, drives them, reports them done or failed."""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass

import grpc

from wms.orders.v1 import storage_pb2
from wms_dev.client import UNREACHABLE, Client, new_request_id
from wms_dev.simulator.pace import Pace
from wms_dev.simulator.tally import Tally

log = logging.getLogger("simulator")

VEHICLES = 60
BRING_HOME_SECONDS = 3.0
UNREACHABLE_NUMBERS = frozenset(code.value[0] for code in UNREACHABLE)


@dataclass(frozen=True)
class Trip:
    """A claimed move under way; `arrives_at` on the monotonic clock."""

    move_id: str
    arrives_at: float
    breaks_down: bool


class Driving:
    """A fleet that is always under the same name, so that its claims can be told from others'."""

    def __init__(
        self,
        client: Client,
        warehouse_id: str,
        name: str,
        pace: Pace,
        tally: Tally,
        *,
        fail_rate: float = 0.0,
    ) -> None:
        self._client = client
        self._warehouse_id = warehouse_id
        self._name = name
        self._pace = pace
        self._tally = tally
        self._fail_rate = fail_rate
        self._trips: dict[str, Trip] = {}
        self._unanswered: storage_pb2.ClaimMovesRequest | None = None

    async def claim(self) -> bool:
        """A round: claim as many moves as there are free vehicles and send them off."""
        free = VEHICLES - len(self._trips)
        if not free and not self._unanswered:
            return True
        # A claim whose answer was lost is sent again as it was, or its moves would stay claimed for nobody.
        self._unanswered = self._unanswered or self._new_claim(free)
        answer = await self._client.call(self._client.storage.ClaimMoves, self._unanswered)
        self._unanswered = None
        for move in answer.moves:
            self._trips[move.move_id] = self._trip(move.move_id)
        return bool(answer.moves)

    async def report(self) -> bool:
        """A round: report the moves that have come to their end."""
        now = time.monotonic()
        arrived = [trip for trip in self._trips.values() if trip.arrives_at <= now]
        await self._report(arrived)
        return bool(self._trips)

    async def bring_home(self) -> None:
        """Report all that is under way as done, so that nobody waits for a fleet that is gone; bounded."""
        with contextlib.suppress(grpc.aio.AioRpcError, TimeoutError):
            async with asyncio.timeout(BRING_HOME_SECONDS):
                await self._report(list(self._trips.values()))

    def _new_claim(self, free: int) -> storage_pb2.ClaimMovesRequest:
        return storage_pb2.ClaimMovesRequest(
            warehouse_id=self._warehouse_id,
            max=free,
            claimed_by=self._name,
            request_id=new_request_id("claim"),
        )

    def _trip(self, move_id: str) -> Trip:
        arrives_at = time.monotonic() + self._pace.drive()
        return Trip(move_id, arrives_at, breaks_down=self._pace.rng.random() < self._fail_rate)

    async def _report(self, trips: list[Trip]) -> None:
        for trip in (trip for trip in trips if trip.breaks_down):
            await self._fail(trip)
        if done := [trip.move_id for trip in trips if not trip.breaks_down]:
            await self._complete(done)

    async def _fail(self, trip: Trip) -> None:
        request = storage_pb2.FailMoveRequest(
            move_id=trip.move_id,
            reason="vehicle broke down",
            claimed_by=self._name,
            request_id=f"fail-{trip.move_id}",
        )
        try:
            await self._client.call(self._client.storage.FailMove, request)
            self._tally.moves_failed += 1
        except grpc.aio.AioRpcError as error:
            if error.code() in UNREACHABLE:
                raise
            log.warning("move %s: %s", trip.move_id, error.details())
        del self._trips[trip.move_id]

    async def _complete(self, move_ids: list[str]) -> None:
        request = storage_pb2.BatchCompleteMovesRequest(
            move_ids=move_ids, claimed_by=self._name, request_id=new_request_id("complete")
        )
        answer = await self._client.call(self._client.storage.BatchCompleteMoves, request)
        for move_id, result in zip(move_ids, answer.results, strict=True):
            if result.HasField("status") and result.status.code in UNREACHABLE_NUMBERS:
                continue
            del self._trips[move_id]
            if result.HasField("status"):
                log.warning("move %s: %s", move_id, result.status.message)
            else:
                self._tally.moves_completed += 1
