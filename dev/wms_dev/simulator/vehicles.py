"""The vehicles: claim moves, execute them, and report them as completed or failed."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from wms.orders.v1 import storage_pb2
from wms_dev.api_client import UNREACHABLE_STATUS_CODES, ApiClient, create_request_id, run_concurrently
from wms_dev.simulator.fault_plan import MoveOutcome
from wms_dev.simulator.incident_counter import IncidentCounter
from wms_dev.simulator.move_client import Transport

log = logging.getLogger("simulator")

MAX_CLAIMED_MOVES = 60
SHUTDOWN_TIMEOUT_SECONDS = 3.0
UNREACHABLE_STATUS_NUMBERS = frozenset(code.value[0] for code in UNREACHABLE_STATUS_CODES)


@dataclass(frozen=True)
class ClaimedMove:
    """A claimed move in progress, and its result."""

    move: storage_pb2.Move
    outcome: MoveOutcome
    travel_task: asyncio.Task[None]

    @property
    def is_failing(self) -> bool:
        """Whether the load carrier stays in place."""
        return self.outcome in (MoveOutcome.BREAKS_DOWN, MoveOutcome.LOST)


class MoveWorker:
    """Claims moves always under the same name, which identifies its claims."""

    def __init__(
        self,
        client: ApiClient,
        warehouse_id: str,
        name: str,
        transport: Transport,
        incident_counter: IncidentCounter,
    ) -> None:
        self._client = client
        self._warehouse_id = warehouse_id
        self._name = name
        self._transport = transport
        self._incident_counter = incident_counter
        self._moves_in_progress: dict[str, ClaimedMove] = {}
        self._move_counts: Counter[tuple[str, int]] = Counter()
        self._unanswered_claim: storage_pb2.ClaimMovesRequest | None = None
        self._claimed_moves: list[storage_pb2.Move] = []

    async def claim_moves(self) -> bool:
        """Claim moves up to the free capacity, and start them. Return whether there is work."""
        free_capacity = MAX_CLAIMED_MOVES - len(self._moves_in_progress) - len(self._claimed_moves)
        if free_capacity and not self._unanswered_claim:
            self._unanswered_claim = self._claim_request(free_capacity)
        return await self._start_claimed_moves() or not free_capacity

    async def report_moves(self) -> bool:
        """Report the moves that have finished. Return whether moves are in progress."""
        finished_moves = [
            claimed_move
            for claimed_move in self._moves_in_progress.values()
            if claimed_move.travel_task.done()
        ]
        for claimed_move in finished_moves:
            # Raises a programming error instead of reporting an arrival.
            claimed_move.travel_task.result()
        await self._report_results(finished_moves)
        return bool(self._moves_in_progress)

    async def report_all_claimed(self) -> None:
        """Report all claimed moves with their results immediately, within `SHUTDOWN_TIMEOUT_SECONDS`."""
        with contextlib.suppress(grpc.aio.AioRpcError, TimeoutError):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT_SECONDS):
                try:
                    # The last claim may have been granted although its response was lost.
                    await self._start_claimed_moves()
                finally:
                    for claimed_move in self._moves_in_progress.values():
                        claimed_move.travel_task.cancel()
                await self._report_results(list(self._moves_in_progress.values()))

    async def _start_claimed_moves(self) -> bool:
        """Start the claimed moves, also of a claim without a response. Return whether there were any."""
        if self._unanswered_claim:
            # Repeated with the same request id; otherwise its moves would stay claimed until their deadline.
            try:
                response = await self._client.call(self._client.storage.ClaimMoves, self._unanswered_claim)
            except grpc.aio.AioRpcError as error:
                if error.code() not in UNREACHABLE_STATUS_CODES:
                    self._unanswered_claim = None
                raise
            self._unanswered_claim = None
            self._claimed_moves += response.moves
        new_moves = list(self._claimed_moves)
        await self._transport.load_lanes(self._client, self._warehouse_id, new_moves)
        self._claimed_moves.clear()
        for move in new_moves:
            self._moves_in_progress[move.move_id] = self._start_move(move)
        return bool(new_moves)

    def _claim_request(self, free_capacity: int) -> storage_pb2.ClaimMovesRequest:
        return storage_pb2.ClaimMovesRequest(
            warehouse_id=self._warehouse_id,
            max=free_capacity,
            claimed_by=self._name,
            request_id=create_request_id("claim"),
        )

    def _start_move(self, move: storage_pb2.Move) -> ClaimedMove:
        self._move_counts[move.carrier_id, move.kind] += 1
        number = self._move_counts[move.carrier_id, move.kind]
        outcome = self._incident_counter.fault_plan.choose_move_outcome(move.carrier_id, move.kind, number)
        return ClaimedMove(move, outcome, asyncio.create_task(self._transport.move_carrier(move, outcome)))

    async def _report_results(self, claimed_moves: Sequence[ClaimedMove]) -> None:
        await run_concurrently(
            self._report_failed(claimed_move) for claimed_move in claimed_moves if claimed_move.is_failing
        )
        if completed_moves := [claimed_move for claimed_move in claimed_moves if not claimed_move.is_failing]:
            await self._report_completed(completed_moves)

    async def _report_failed(self, claimed_move: ClaimedMove) -> None:
        request = storage_pb2.FailMoveRequest(
            move_id=claimed_move.move.move_id,
            reason=self._failure_reason(claimed_move),
            claimed_by=self._name,
            request_id=f"fail-{claimed_move.move.move_id}",
        )
        try:
            await self._client.call(self._client.storage.FailMove, request)
            self._incident_counter.record_move(claimed_move.move, claimed_move.outcome)
        except grpc.aio.AioRpcError as error:
            if error.code() in UNREACHABLE_STATUS_CODES:
                raise
            log.warning("move %s: %s", claimed_move.move.move_id, error.details())
        del self._moves_in_progress[claimed_move.move.move_id]

    async def _report_completed(self, claimed_moves: Sequence[ClaimedMove]) -> None:
        request = storage_pb2.BatchCompleteMovesRequest(
            move_ids=[claimed_move.move.move_id for claimed_move in claimed_moves],
            claimed_by=self._name,
            request_id=create_request_id("complete"),
        )
        response = await self._client.call(self._client.storage.BatchCompleteMoves, request)
        for claimed_move, result in zip(claimed_moves, response.results, strict=True):
            if result.HasField("status") and result.status.code in UNREACHABLE_STATUS_NUMBERS:
                continue
            del self._moves_in_progress[claimed_move.move.move_id]
            if result.HasField("status"):
                log.warning("move %s: %s", claimed_move.move.move_id, result.status.message)
            else:
                self._incident_counter.record_move(claimed_move.move, claimed_move.outcome)

    def _failure_reason(self, claimed_move: ClaimedMove) -> str:
        # The kind precedes the colon, so that reasons can be counted by kind.
        if claimed_move.outcome is MoveOutcome.LOST:
            return f"carrier not found: {claimed_move.move.carrier_id} in {claimed_move.move.from_lane_id}"
        lane_id = claimed_move.move.from_lane_id or claimed_move.move.to_lane_id
        return f"crane broke down: {self._transport.zone_of_lane(lane_id)}"
