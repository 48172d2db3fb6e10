"""A subscriber to moves, and moves in large numbers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from tests.support.clients.grpc_api import Api, client
from tests.support.invariants.database import SqlConnection
from tests.support.waiting import with_timeout

from wms.orders.v1 import storage_pb2

#: Options of a client with a fixed flow control window: at most 64 KiB arrive unread.
SMALL_WINDOW_OPTIONS = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535))

ReportedMove = tuple[str, str]  # id of a load carrier, short name of the status of its move

_INSERT_MOVES = """
WITH new_carriers AS (
    INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, status, location, lane_id, lane_position,
                          produced_at, received_at, updated_at)
    SELECT $1 || n, $2, 'SKU-001', 1, 'available', 'in_lane',
           (SELECT min(lane_id) FROM lanes WHERE warehouse_id = $2), nextval('lane_position'),
           now(), now(), now()
      FROM generate_series(1, $3::integer) AS n
    RETURNING carrier_id, warehouse_id
)
INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, destination_id, requested_at, deadline_at)
SELECT 'MOV-' || carrier_id, warehouse_id, carrier_id, 'retrieve', 'requested', 'PACK-1', now(),
       now() + interval '1 hour'
  FROM new_carriers
"""


class MoveSubscription:
    """One open stream; create it by `subscribe_to_moves`."""

    def __init__(self, call: Any) -> None:
        self.call = call

    async def read_next(self) -> ReportedMove | None:
        """Return the next move, None for a heartbeat. Raises the error that ends the stream."""
        message = await with_timeout(self.call.read(), 20)
        assert isinstance(message, storage_pb2.WatchMovesResponse), message
        return to_reported_move(message.move) if message.HasField("move") else None

    async def read_moves(self, count: int) -> list[ReportedMove]:
        """Return the next `count` moves."""
        reported_moves: list[ReportedMove] = []
        while len(reported_moves) < count:
            if (reported_move := await self.read_next()) is not None:
                reported_moves.append(reported_move)
        return reported_moves

    async def read_snapshot(self) -> list[ReportedMove]:
        """Return the moves of the initial snapshot."""
        reported_moves: list[ReportedMove] = []
        while (reported_move := await self.read_next()) is not None:
            reported_moves.append(reported_move)
        return reported_moves

    async def read_until_error(self) -> None:
        """Read until the error that ends the stream, and raise it."""
        while True:
            await self.read_next()


@asynccontextmanager
async def subscribe_to_moves(
    api: Api, *statuses: str, warehouse_id: str = "WH-01", **options: Any
) -> AsyncIterator[MoveSubscription]:
    """Subscribe to the moves of a warehouse with these statuses (short names) during the block."""
    request = storage_pb2.WatchMovesRequest(
        warehouse_id=warehouse_id,
        statuses=[storage_pb2.MoveStatus.Value(f"MOVE_STATUS_{status}") for status in statuses],
    )
    call = api.storage.WatchMoves(request, **options)
    try:
        yield MoveSubscription(call)
    finally:
        call.cancel()


@asynccontextmanager
async def open_small_window_client(api: Api) -> AsyncIterator[Api]:
    """Yield another client of a server, with a fixed small flow control window."""
    async with grpc.aio.insecure_channel(api.address, options=SMALL_WINDOW_OPTIONS) as channel:
        yield client(channel, api.address)


async def make_moves(
    sql: SqlConnection, prefix: str, count: int, warehouse_id: str = "WH-01"
) -> list[ReportedMove]:
    """Insert `count` requested moves of new load carriers. Return the expected reports."""
    await sql.execute(_INSERT_MOVES, prefix, warehouse_id, count)
    return [(f"{prefix}{number}", "REQUESTED") for number in range(1, count + 1)]


def to_reported_move(move: storage_pb2.Move) -> ReportedMove:
    """Return the load carrier and the short name of the status of a move."""
    return move.carrier_id, storage_pb2.MoveStatus.Name(move.status).removeprefix("MOVE_STATUS_")
