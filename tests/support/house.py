"""A service that a test plays for the simulated warehouse: what it is asked, and what it answers."""
# ruff: noqa: N802, ARG002 - the names and arguments of servicers are the contract's

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc.status_pb2 import Status

from tests.support.waiting import bounded, eventually
from wms.orders.v1 import order_pb2, orders_pb2, orders_pb2_grpc, storage_pb2, storage_pb2_grpc
from wms_dev.ports import free_port
from wms_dev.simulator import Site, Tally, simulate

PACKING, SHIPPED = order_pb2.ORDER_STATUS_PACKING, order_pb2.ORDER_STATUS_SHIPPED
COMPLETED, CANCELLED = order_pb2.ORDER_STATUS_COMPLETED, order_pb2.ORDER_STATUS_CANCELLED
Refusal = tuple[grpc.StatusCode, str]


@dataclass
class House:
    """What the service knows: moves and orders by id, and every changing call it was sent.

    `refusals` are the answers to the next calls of a name; `lost` those that are carried out first, and those
    in `held` are never answered.
    """

    requested: list[str] = field(default_factory=list)
    claimed: dict[str, str] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    orders: dict[str, order_pb2.Order] = field(default_factory=dict)
    carriers: dict[str, storage_pb2.Carrier] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    claims: dict[str, list[str]] = field(default_factory=dict)
    refusals: dict[str, list[Refusal]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    short_picks: set[str] = field(default_factory=set)

    def requests(self, name: str) -> list[Any]:
        """The requests of one changing call, in the order they came."""
        return [request for called, request in self.calls if called == name]

    async def called(self, name: str, request: Any, context: Any) -> None:
        """Note a changing call and refuse it if that is planned."""
        self.calls.append((name, request))
        if self.refusals.get(name):
            code, text = self.refusals[name].pop(0)
            await context.abort(code, text)

    async def lose(self, name: str, context: Any) -> None:
        """Have the answer get lost on its way, or not come, if that is planned."""
        if self.held.get(name, 0) > 0:
            self.held[name] -= 1
            await asyncio.get_running_loop().create_future()
        if self.lost.get(name, 0) > 0:
            self.lost[name] -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")

    def add_orders(self, status: order_pb2.OrderStatus.ValueType, *order_ids: str) -> None:
        """Put orders in, each of ten units that have been delivered to PACK-1."""
        for order_id in order_ids:
            items = [order_pb2.OrderItem(sku="TEA", quantity=10, line_number=1, quantity_delivered=10)]
            self.orders[order_id] = order_pb2.Order(
                order_id=order_id, status=status, destination_id="PACK-1", items=items
            )

    def add_carrier(self, carrier_id: str, reason: str) -> None:
        """Put in a carrier that is to be inspected."""
        self.carriers[carrier_id] = storage_pb2.Carrier(
            carrier_id=carrier_id, status=storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED, status_reason=reason
        )

    def move(self, move_id: str) -> storage_pb2.Move:
        """The trip of a carrier with twenty units from the only lane to PACK-1."""
        return storage_pb2.Move(
            move_id=move_id,
            carrier_id=f"CAR-{move_id}",
            sku="TEA",
            quantity=20,
            kind=storage_pb2.MOVE_KIND_RETRIEVE,
            from_lane_id="LANE-1",
            destination_id="PACK-1",
        )


class Storage(storage_pb2_grpc.StorageServiceServicer):
    """The part of the storage that the simulator uses."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def ClaimMoves(self, request: Any, context: Any) -> storage_pb2.ClaimMovesResponse:
        """Give the oldest requested moves; the same request id gets the same."""
        await self.house.called("ClaimMoves", request, context)
        if request.request_id not in self.house.claims:
            given = [self.house.requested.pop(0) for _ in range(min(request.max, len(self.house.requested)))]
            self.house.claims[request.request_id] = given
            for move_id in given:
                self.house.claimed[move_id] = str(request.claimed_by)
        await self.house.lose("ClaimMoves", context)
        given = self.house.claims[request.request_id]
        return storage_pb2.ClaimMovesResponse(moves=[self.house.move(move_id) for move_id in given])

    async def BatchCompleteMoves(self, request: Any, context: Any) -> storage_pb2.BatchCompleteMovesResponse:
        """Complete what was claimed; "overdue" in a move's name makes it fail."""
        await self.house.called("BatchCompleteMoves", request, context)
        return storage_pb2.BatchCompleteMovesResponse(
            results=[self._complete(move_id) for move_id in request.move_ids]
        )

    def _complete(self, move_id: str) -> storage_pb2.CompleteMoveResult:
        if "overdue" in move_id:
            return storage_pb2.CompleteMoveResult(status=Status(code=9, message="it has failed"))
        assert move_id in self.house.claimed
        self.house.finished[move_id] = "completed"
        return storage_pb2.CompleteMoveResult(move=storage_pb2.Move(move_id=move_id))

    async def FailMove(self, request: Any, context: Any) -> storage_pb2.FailMoveResponse:
        """Note the failure."""
        await self.house.called("FailMove", request, context)
        self.house.finished[request.move_id] = request.reason
        return storage_pb2.FailMoveResponse()

    async def ListLanes(self, request: Any, context: Any) -> storage_pb2.ListLanesResponse:
        """Give the only lane."""
        return storage_pb2.ListLanesResponse(lanes=[storage_pb2.Lane(lane_id="LANE-1", zone="NORTH")])

    async def ListCarriers(self, request: Any, context: Any) -> storage_pb2.ListCarriersResponse:
        """Give the carriers in these statuses."""
        found = [one for one in self.house.carriers.values() if one.status in request.statuses]
        return storage_pb2.ListCarriersResponse(carriers=found)

    async def SetCarrierStatus(self, request: Any, context: Any) -> storage_pb2.SetCarrierStatusResponse:
        """Change it; a carrier that isn't there is empty and gone."""
        await self.house.called("SetCarrierStatus", request, context)
        if request.carrier_id not in self.house.carriers:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "it has left")
        carrier = self.house.carriers[request.carrier_id]
        carrier.status, carrier.status_reason = request.status, request.reason
        return storage_pb2.SetCarrierStatusResponse(carrier=carrier)

    async def ReportShortPick(self, request: Any, context: Any) -> storage_pb2.ReportShortPickResponse:
        """Take the units off; an order of which nothing is left fails. The same request id gets the same."""
        await self.house.called("ReportShortPick", request, context)
        order = self.house.orders[request.order_id]
        if request.request_id not in self.house.short_picks:
            self.house.short_picks.add(request.request_id)
            order.items[0].quantity_delivered -= request.missing_quantity
            if not order.items[0].quantity_delivered:
                order.status = order_pb2.ORDER_STATUS_PENDING_RETRY
        await self.house.lose("ReportShortPick", context)
        return storage_pb2.ReportShortPickResponse(order=order)


class Orders(orders_pb2_grpc.OrderServiceServicer):
    """The part of the orders that the simulator uses."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def ListOrders(self, request: Any, context: Any) -> orders_pb2.ListOrdersResponse:
        """Give the orders in these statuses, two a page."""
        found = [order for order in self.house.orders.values() if order.status in request.statuses]
        start = int(request.page_token or 0)
        rest = str(start + 2) if len(found) > start + 2 else ""
        return orders_pb2.ListOrdersResponse(orders=found[start : start + 2], next_page_token=rest)

    async def ShipOrder(self, request: Any, context: Any) -> orders_pb2.ShipOrderResponse:
        """Ship an order in PACKING."""
        return orders_pb2.ShipOrderResponse(order=await self._move("ShipOrder", request, context, SHIPPED))

    async def CompleteOrder(self, request: Any, context: Any) -> orders_pb2.CompleteOrderResponse:
        """Complete a shipped order."""
        order = await self._move("CompleteOrder", request, context, COMPLETED)
        return orders_pb2.CompleteOrderResponse(order=order)

    async def _move(
        self, name: str, request: Any, context: Any, status: order_pb2.OrderStatus.ValueType
    ) -> order_pb2.Order:
        await self.house.called(name, request, context)
        order = self.house.orders[request.order_id]
        if name == "ShipOrder":
            assert order.status == PACKING
            order.items[0].quantity_shipped = order.items[0].quantity_delivered
            order.shipments.add(carrier_code=request.carrier_code, tracking_number=request.tracking_number)
        order.status = status
        return order


@asynccontextmanager
async def serving(house: House, address: str = "") -> AsyncIterator[str]:
    """A house that answers calls, at this address or a free one."""
    address = address or f"127.0.0.1:{free_port()}"
    running = grpc.aio.server()
    storage_pb2_grpc.add_StorageServiceServicer_to_server(Storage(house), running)
    orders_pb2_grpc.add_OrderServiceServicer_to_server(Orders(house), running)
    running.add_insecure_port(address)
    await running.start()
    yield address
    await running.stop(None)


@asynccontextmanager
async def playing_at(address: str, **options: Any) -> AsyncIterator[Tally]:
    """A simulator at work, a thousand times as fast as life; it is cancelled at the end and must obey."""
    tally = Tally()
    site = Site(address, "WH-01", **{"speed": 1000.0, **options})
    task = asyncio.create_task(simulate(site, tally))
    try:
        yield tally
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await bounded(task, 10)


@asynccontextmanager
async def playing(house: House, **options: Any) -> AsyncIterator[Tally]:
    """A simulator at work for a house that answers."""
    async with serving(house) as address, playing_at(address, **options) as tally:
        yield tally


async def until(condition: Callable[[], Any]) -> None:
    """Wait until it holds."""

    async def holds() -> bool:
        return bool(condition())

    await eventually(holds)
