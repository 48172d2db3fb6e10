"""A fake service for the simulated warehouse, with recorded calls and planned errors."""
# ruff: noqa: N802, ARG002 - the contract defines the names and arguments of servicers

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc.status_pb2 import Status

from tests.support.waiting import eventually, with_timeout
from wms.orders.v1 import order_pb2, orders_pb2, orders_pb2_grpc, storage_pb2, storage_pb2_grpc
from wms_dev.free_port import find_free_port
from wms_dev.simulator import Counters, Simulation, simulate_warehouse

PACKING, SHIPPED = order_pb2.ORDER_STATUS_PACKING, order_pb2.ORDER_STATUS_SHIPPED
COMPLETED, CANCELLED = order_pb2.ORDER_STATUS_COMPLETED, order_pb2.ORDER_STATUS_CANCELLED
PlannedError = tuple[grpc.StatusCode, str]


@dataclass
class FakeOrderService:
    """State of the service: moves and orders by id, and all received changing calls.

    By the name of a call: `planned_errors` are the errors of the next calls, `lost_responses` the number of
    calls that take effect and then fail, `unanswered_calls` the number of calls without a response.
    """

    requested: list[str] = field(default_factory=list)
    claimed: dict[str, str] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    orders: dict[str, order_pb2.Order] = field(default_factory=dict)
    carriers: dict[str, storage_pb2.Carrier] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    claims: dict[str, list[str]] = field(default_factory=dict)
    planned_errors: dict[str, list[PlannedError]] = field(default_factory=dict)
    lost_responses: dict[str, int] = field(default_factory=dict)
    unanswered_calls: dict[str, int] = field(default_factory=dict)
    short_picks: set[str] = field(default_factory=set)

    def list_requests(self, name: str) -> list[Any]:
        """Return the requests of a changing call, in the order of arrival."""
        return [request for call_name, request in self.calls if call_name == name]

    async def record_call(self, name: str, request: Any, context: Any) -> None:
        """Record a changing call, and abort it if an error is planned."""
        self.calls.append((name, request))
        if self.planned_errors.get(name):
            code, text = self.planned_errors[name].pop(0)
            await context.abort(code, text)

    async def lose_response_if_planned(self, name: str, context: Any) -> None:
        """Abort the call after its effect, or never answer it, if that is planned."""
        if self.unanswered_calls.get(name, 0) > 0:
            self.unanswered_calls[name] -= 1
            await asyncio.get_running_loop().create_future()
        if self.lost_responses.get(name, 0) > 0:
            self.lost_responses[name] -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")

    def add_orders(self, status: order_pb2.OrderStatus.ValueType, *order_ids: str) -> None:
        """Add orders, each of ten units that have been delivered to PACK-1."""
        for order_id in order_ids:
            items = [order_pb2.OrderItem(sku="TEA", quantity=10, line_number=1, quantity_delivered=10)]
            self.orders[order_id] = order_pb2.Order(
                order_id=order_id, status=status, destination_id="PACK-1", items=items
            )

    def add_carrier(self, carrier_id: str, reason: str) -> None:
        """Add a load carrier that is to be inspected."""
        self.carriers[carrier_id] = storage_pb2.Carrier(
            carrier_id=carrier_id, status=storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED, status_reason=reason
        )

    def build_move(self, move_id: str) -> storage_pb2.Move:
        """Return a move of a load carrier with twenty units from the only lane to PACK-1."""
        return storage_pb2.Move(
            move_id=move_id,
            carrier_id=f"CAR-{move_id}",
            sku="TEA",
            quantity=20,
            kind=storage_pb2.MOVE_KIND_RETRIEVE,
            from_lane_id="LANE-1",
            destination_id="PACK-1",
        )


class FakeStorageServicer(storage_pb2_grpc.StorageServiceServicer):
    """The storage calls that the simulator uses."""

    def __init__(self, fake_service: FakeOrderService) -> None:
        self.fake_service = fake_service

    async def ClaimMoves(self, request: Any, context: Any) -> storage_pb2.ClaimMovesResponse:
        """Claim the oldest requested moves; the same request id gets the same moves."""
        await self.fake_service.record_call("ClaimMoves", request, context)
        if request.request_id not in self.fake_service.claims:
            move_ids = [
                self.fake_service.requested.pop(0)
                for _ in range(min(request.max, len(self.fake_service.requested)))
            ]
            self.fake_service.claims[request.request_id] = move_ids
            for move_id in move_ids:
                self.fake_service.claimed[move_id] = str(request.claimed_by)
        await self.fake_service.lose_response_if_planned("ClaimMoves", context)
        move_ids = self.fake_service.claims[request.request_id]
        return storage_pb2.ClaimMovesResponse(
            moves=[self.fake_service.build_move(move_id) for move_id in move_ids]
        )

    async def BatchCompleteMoves(self, request: Any, context: Any) -> storage_pb2.BatchCompleteMovesResponse:
        """Complete claimed moves; those with "overdue" in their ids fail."""
        await self.fake_service.record_call("BatchCompleteMoves", request, context)
        return storage_pb2.BatchCompleteMovesResponse(
            results=[self._complete(move_id) for move_id in request.move_ids]
        )

    def _complete(self, move_id: str) -> storage_pb2.CompleteMoveResult:
        if "overdue" in move_id:
            return storage_pb2.CompleteMoveResult(status=Status(code=9, message="it has failed"))
        assert move_id in self.fake_service.claimed
        self.fake_service.finished[move_id] = "completed"
        return storage_pb2.CompleteMoveResult(move=storage_pb2.Move(move_id=move_id))

    async def FailMove(self, request: Any, context: Any) -> storage_pb2.FailMoveResponse:
        """Record the failure."""
        await self.fake_service.record_call("FailMove", request, context)
        self.fake_service.finished[request.move_id] = request.reason
        return storage_pb2.FailMoveResponse()

    async def ListLanes(self, request: Any, context: Any) -> storage_pb2.ListLanesResponse:
        """Return the only lane."""
        return storage_pb2.ListLanesResponse(lanes=[storage_pb2.Lane(lane_id="LANE-1", zone="NORTH")])

    async def ListCarriers(self, request: Any, context: Any) -> storage_pb2.ListCarriersResponse:
        """Return the load carriers in these statuses."""
        matching_carriers = [
            carrier for carrier in self.fake_service.carriers.values() if carrier.status in request.statuses
        ]
        return storage_pb2.ListCarriersResponse(carriers=matching_carriers)

    async def SetCarrierStatus(self, request: Any, context: Any) -> storage_pb2.SetCarrierStatusResponse:
        """Change a load carrier's status; unknown ones are empty and have left."""
        await self.fake_service.record_call("SetCarrierStatus", request, context)
        if request.carrier_id not in self.fake_service.carriers:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "it has left")
        carrier = self.fake_service.carriers[request.carrier_id]
        carrier.status, carrier.status_reason = request.status, request.reason
        return storage_pb2.SetCarrierStatusResponse(carrier=carrier)

    async def ReportShortPick(self, request: Any, context: Any) -> storage_pb2.ReportShortPickResponse:
        """Remove units; an order without units fails. The same request id has its effect once."""
        await self.fake_service.record_call("ReportShortPick", request, context)
        order = self.fake_service.orders[request.order_id]
        if request.request_id not in self.fake_service.short_picks:
            self.fake_service.short_picks.add(request.request_id)
            order.items[0].quantity_delivered -= request.missing_quantity
            if not order.items[0].quantity_delivered:
                order.status = order_pb2.ORDER_STATUS_PENDING_RETRY
        await self.fake_service.lose_response_if_planned("ReportShortPick", context)
        return storage_pb2.ReportShortPickResponse(order=order)


class FakeOrderServicer(orders_pb2_grpc.OrderServiceServicer):
    """The order calls that the simulator uses."""

    def __init__(self, fake_service: FakeOrderService) -> None:
        self.fake_service = fake_service

    async def ListOrders(self, request: Any, context: Any) -> orders_pb2.ListOrdersResponse:
        """Return the orders in these statuses, two a page."""
        matching_orders = [
            order for order in self.fake_service.orders.values() if order.status in request.statuses
        ]
        start = int(request.page_token or 0)
        next_page_token = str(start + 2) if len(matching_orders) > start + 2 else ""
        return orders_pb2.ListOrdersResponse(
            orders=matching_orders[start : start + 2], next_page_token=next_page_token
        )

    async def ShipOrder(self, request: Any, context: Any) -> orders_pb2.ShipOrderResponse:
        """Ship an order in PACKING."""
        return orders_pb2.ShipOrderResponse(
            order=await self._change_status("ShipOrder", request, context, SHIPPED)
        )

    async def CompleteOrder(self, request: Any, context: Any) -> orders_pb2.CompleteOrderResponse:
        """Complete a shipped order."""
        order = await self._change_status("CompleteOrder", request, context, COMPLETED)
        return orders_pb2.CompleteOrderResponse(order=order)

    async def _change_status(
        self, name: str, request: Any, context: Any, status: order_pb2.OrderStatus.ValueType
    ) -> order_pb2.Order:
        await self.fake_service.record_call(name, request, context)
        order = self.fake_service.orders[request.order_id]
        if name == "ShipOrder":
            assert order.status == PACKING
            order.items[0].quantity_shipped = order.items[0].quantity_delivered
            order.shipments.add(carrier_code=request.carrier_code, tracking_number=request.tracking_number)
        order.status = status
        return order


@asynccontextmanager
async def serve_fake_service(fake_service: FakeOrderService, address: str = "") -> AsyncIterator[str]:
    """Serve a fake service at this address or a free one during the block. Yield the address."""
    address = address or f"127.0.0.1:{find_free_port()}"
    grpc_server = grpc.aio.server()
    storage_pb2_grpc.add_StorageServiceServicer_to_server(FakeStorageServicer(fake_service), grpc_server)
    orders_pb2_grpc.add_OrderServiceServicer_to_server(FakeOrderServicer(fake_service), grpc_server)
    grpc_server.add_insecure_port(address)
    await grpc_server.start()
    yield address
    await grpc_server.stop(None)


@asynccontextmanager
async def run_simulator_at(address: str, **options: Any) -> AsyncIterator[Counters]:
    """Run a simulator at 1000 times real speed during the block; at the end it is cancelled and must stop."""
    simulator_counters = Counters()
    simulation = Simulation(address, "WH-01", **{"speed": 1000.0, **options})
    task = asyncio.create_task(simulate_warehouse(simulation, simulator_counters))
    try:
        yield simulator_counters
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await with_timeout(task, 10)


@asynccontextmanager
async def run_simulator(fake_service: FakeOrderService, **options: Any) -> AsyncIterator[Counters]:
    """Run a simulator against a fake service during the block."""
    async with (
        serve_fake_service(fake_service) as address,
        run_simulator_at(address, **options) as simulator_counters,
    ):
        yield simulator_counters


async def wait_until(condition: Callable[[], Any]) -> None:
    """Wait until a condition is true."""

    async def check_condition() -> bool:
        return bool(condition())

    await eventually(check_condition)
