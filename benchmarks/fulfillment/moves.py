"""A warehouse control system without delays: requested moves are completed at once."""

import asyncio

from benchmarks.fulfillment.scale import WAREHOUSE
from wms.orders.v1 import storage_pb2
from wms_dev.api_client import ApiClient

CONTROL_SYSTEM_NAME = "bench"
MAX_CLAIMED_MOVES = 500
IDLE_SECONDS = 0.05


class InstantControlSystem:
    """Claims moves and completes them in batches until it is cancelled; counts them by kind."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self.completed_by_kind: dict[str, int] = {}

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            if not await self._complete_batch():
                await asyncio.sleep(IDLE_SECONDS)

    async def _complete_batch(self) -> int:
        storage = self._client.storage
        claim = storage_pb2.ClaimMovesRequest(
            warehouse_id=WAREHOUSE, max=MAX_CLAIMED_MOVES, claimed_by=CONTROL_SYSTEM_NAME
        )
        moves = (await self._client.call(storage.ClaimMoves, claim)).moves
        if moves:
            report = storage_pb2.BatchCompleteMovesRequest(
                move_ids=[move.move_id for move in moves], claimed_by=CONTROL_SYSTEM_NAME
            )
            response = await self._client.call(storage.BatchCompleteMoves, report)
            self._count_by_kind(response)
        return len(moves)

    def _count_by_kind(self, batch_response: storage_pb2.BatchCompleteMovesResponse) -> None:
        for result in batch_response.results:
            kind = storage_pb2.MoveKind.Name(result.move.kind).removeprefix("MOVE_KIND_").lower()
            kind = kind if result.HasField("move") else "refused"
            self.completed_by_kind[kind] = self.completed_by_kind.get(kind, 0) + 1
