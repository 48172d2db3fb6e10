"""A warehouse control system whose cranes take no time: what is asked for is done at once."""

import asyncio

from benchmarks.fulfillment.scale import WAREHOUSE
from wms.orders.v1 import storage_pb2
from wms_dev.client import Client

NAME = "bench"
MOST = 500
IDLE_SECONDS = 0.05


class Cranes:
    """Claims moves and completes them in batches until it is cancelled; counts them by kind."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.done: dict[str, int] = {}

    async def run(self) -> None:
        """Work for ever."""
        while True:
            if not await self._batch():
                await asyncio.sleep(IDLE_SECONDS)

    async def _batch(self) -> int:
        storage = self._client.storage
        claim = storage_pb2.ClaimMovesRequest(warehouse_id=WAREHOUSE, max=MOST, claimed_by=NAME)
        moves = (await self._client.call(storage.ClaimMoves, claim)).moves
        if moves:
            report = storage_pb2.BatchCompleteMovesRequest(
                move_ids=[move.move_id for move in moves], claimed_by=NAME
            )
            answer = await self._client.call(storage.BatchCompleteMoves, report)
            self._count(answer)
        return len(moves)

    def _count(self, answer: storage_pb2.BatchCompleteMovesResponse) -> None:
        for result in answer.results:
            kind = storage_pb2.MoveKind.Name(result.move.kind).removeprefix("MOVE_KIND_").lower()
            kind = kind if result.HasField("move") else "refused"
            self.done[kind] = self.done.get(kind, 0) + 1
