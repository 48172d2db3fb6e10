"""A client that watches moves, and moves by the hundred."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from tests.support.api import Api, client
from tests.support.invariants import Sql
from tests.support.waiting import bounded
from wms.orders.v1 import storage_pb2

#: A client that takes only what it reads: its window for what it has not read stays at 64 KiB.
UNWILLING = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535))

Told = tuple[str, str]  # a carrier, and the short name of the status of its move

_MAKE = """
WITH made AS (
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
  FROM made
"""


class Watching:
    """One open stream."""

    def __init__(self, call: Any) -> None:
        """Use `watching` instead."""
        self.call = call

    async def next(self) -> Told | None:
        """Give what is told next; None for a heartbeat. Raises the error that ends the stream."""
        message = await bounded(self.call.read(), 20)
        assert isinstance(message, storage_pb2.WatchMovesResponse), message
        return told(message.move) if message.HasField("move") else None

    async def take(self, count: int) -> list[Told]:
        """Give what so many moves are told to be, next."""
        found: list[Told] = []
        while len(found) < count:
            if (one := await self.next()) is not None:
                found.append(one)
        return found

    async def first_part(self) -> list[Told]:
        """Give what there is at the beginning."""
        found: list[Told] = []
        while (one := await self.next()) is not None:
            found.append(one)
        return found

    async def until_end(self) -> None:
        """Read until the error that ends the stream, and raise it."""
        while True:
            await self.next()


@asynccontextmanager
async def watching(
    api: Api, *statuses: str, warehouse_id: str = "WH-01", **options: Any
) -> AsyncIterator[Watching]:
    """Watch the moves of a warehouse, by short names of statuses; at the end the client leaves."""
    request = storage_pb2.WatchMovesRequest(
        warehouse_id=warehouse_id,
        statuses=[storage_pb2.MoveStatus.Value(f"MOVE_STATUS_{status}") for status in statuses],
    )
    call = api.storage.WatchMoves(request, **options)
    try:
        yield Watching(call)
    finally:
        call.cancel()


@asynccontextmanager
async def unwilling(api: Api) -> AsyncIterator[Api]:
    """Give a second client of a server, of the kind that takes only what it reads."""
    async with grpc.aio.insecure_channel(api.address, options=UNWILLING) as channel:
        yield client(channel, api.address)


async def make_moves(sql: Sql, prefix: str, count: int, warehouse_id: str = "WH-01") -> list[Told]:
    """Request so many moves, of carriers that nobody knew before; gives what is to be told of them."""
    await sql.execute(_MAKE, prefix, warehouse_id, count)
    return [(f"{prefix}{number}", "REQUESTED") for number in range(1, count + 1)]


def told(move: storage_pb2.Move) -> Told:
    """Give the carrier and the short name of the status of a move."""
    return move.carrier_id, storage_pb2.MoveStatus.Name(move.status).removeprefix("MOVE_STATUS_")
