"""The drivers: claim moves, have them carried out, report them done or failed."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from wms.orders.v1 import storage_pb2
from wms_dev.client import UNREACHABLE, Client, at_once, new_request_id
from wms_dev.simulator.chronicle import Chronicle
from wms_dev.simulator.fates import Fate
from wms_dev.simulator.transport import Transport

log = logging.getLogger("simulator")

CLAIMED_AT_ONCE = 60
BRING_HOME_SECONDS = 3.0
UNREACHABLE_NUMBERS = frozenset(code.value[0] for code in UNREACHABLE)


@dataclass(frozen=True)
class Trip:
    """A claimed move under way, and how it will end."""

    move: storage_pb2.Move
    fate: Fate
    way: asyncio.Task[None]

    @property
    def fails(self) -> bool:
        """Whether the carrier stays where it was."""
        return self.fate in (Fate.BREAKS_DOWN, Fate.LOST)


class Driving:
    """Drives always under the same name, so that its claims can be told from others'."""

    def __init__(
        self,
        client: Client,
        warehouse_id: str,
        name: str,
        transport: Transport,
        chronicle: Chronicle,
    ) -> None:
        self._client = client
        self._warehouse_id = warehouse_id
        self._name = name
        self._transport = transport
        self._chronicle = chronicle
        self._trips: dict[str, Trip] = {}
        self._made: Counter[tuple[str, int]] = Counter()
        self._unanswered: storage_pb2.ClaimMovesRequest | None = None
        self._claimed: list[storage_pb2.Move] = []

    async def claim(self) -> bool:
        """A round: claim as many moves as there is room for and send them off."""
        free = CLAIMED_AT_ONCE - len(self._trips) - len(self._claimed)
        if free and not self._unanswered:
            self._unanswered = self._new_claim(free)
        return await self._send_off() or not free

    async def report(self) -> bool:
        """A round: report the moves that have come to their end."""
        ended = [trip for trip in self._trips.values() if trip.way.done()]
        for trip in ended:
            # An error of ours is no arrival.
            trip.way.result()
        await self._report(ended)
        return bool(self._trips)

    async def bring_home(self) -> None:
        """Report all that is claimed as it would end, so that nobody waits for it; bounded in time."""
        with contextlib.suppress(grpc.aio.AioRpcError, TimeoutError):
            async with asyncio.timeout(BRING_HOME_SECONDS):
                try:
                    # The claim that was on its way may have been granted.
                    await self._send_off()
                finally:
                    for trip in self._trips.values():
                        trip.way.cancel()
                await self._report(list(self._trips.values()))

    async def _send_off(self) -> bool:
        """Send claimed moves off, also those of a claim that has no answer yet; whether there were any."""
        if self._unanswered:
            # What was lost is sent again as it was, or its moves would stay claimed.
            try:
                answer = await self._client.call(self._client.storage.ClaimMoves, self._unanswered)
            except grpc.aio.AioRpcError as error:
                if error.code() not in UNREACHABLE:
                    self._unanswered = None
                raise
            self._unanswered = None
            self._claimed += answer.moves
        claimed = list(self._claimed)
        await self._transport.learn(self._client, self._warehouse_id, claimed)
        self._claimed.clear()
        for move in claimed:
            self._trips[move.move_id] = self._trip(move)
        return bool(claimed)

    def _new_claim(self, free: int) -> storage_pb2.ClaimMovesRequest:
        return storage_pb2.ClaimMovesRequest(
            warehouse_id=self._warehouse_id,
            max=free,
            claimed_by=self._name,
            request_id=new_request_id("claim"),
        )

    def _trip(self, move: storage_pb2.Move) -> Trip:
        self._made[move.carrier_id, move.kind] += 1
        number = self._made[move.carrier_id, move.kind]
        fate = self._chronicle.fates.of_trip(move.carrier_id, move.kind, number)
        return Trip(move, fate, asyncio.create_task(self._transport.carry(move, fate)))

    async def _report(self, trips: Sequence[Trip]) -> None:
        await at_once(self._fail(trip) for trip in trips if trip.fails)
        if done := [trip for trip in trips if not trip.fails]:
            await self._complete(done)

    async def _fail(self, trip: Trip) -> None:
        request = storage_pb2.FailMoveRequest(
            move_id=trip.move.move_id,
            reason=self._reason(trip),
            claimed_by=self._name,
            request_id=f"fail-{trip.move.move_id}",
        )
        try:
            await self._client.call(self._client.storage.FailMove, request)
            self._chronicle.trip_ended(trip.move, trip.fate)
        except grpc.aio.AioRpcError as error:
            if error.code() in UNREACHABLE:
                raise
            log.warning("move %s: %s", trip.move.move_id, error.details())
        del self._trips[trip.move.move_id]

    async def _complete(self, trips: Sequence[Trip]) -> None:
        request = storage_pb2.BatchCompleteMovesRequest(
            move_ids=[trip.move.move_id for trip in trips],
            claimed_by=self._name,
            request_id=new_request_id("complete"),
        )
        answer = await self._client.call(self._client.storage.BatchCompleteMoves, request)
        for trip, result in zip(trips, answer.results, strict=True):
            if result.HasField("status") and result.status.code in UNREACHABLE_NUMBERS:
                continue
            del self._trips[trip.move.move_id]
            if result.HasField("status"):
                log.warning("move %s: %s", trip.move.move_id, result.status.message)
            else:
                self._chronicle.trip_ended(trip.move, trip.fate)

    def _reason(self, trip: Trip) -> str:
        # The kind before the colon, the names after it: whoever counts reasons can count kinds.
        if trip.fate is Fate.LOST:
            return f"carrier not found: {trip.move.carrier_id} in {trip.move.from_lane_id}"
        lane_id = trip.move.from_lane_id or trip.move.to_lane_id
        return f"crane broke down: {self._transport.zone(lane_id)}"
