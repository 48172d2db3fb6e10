"""The simulated warehouse against a service that the test plays: what it asks, and what it never does."""
# ruff: noqa: N802, ARG002 - the names and arguments of servicers are the contract's

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc.status_pb2 import Status

from tests.support.ports import free_port
from tests.support.waiting import eventually
from wms.orders.v1 import order_pb2, orders_pb2, orders_pb2_grpc, storage_pb2, storage_pb2_grpc
from wms_dev import client as client_module
from wms_dev.client import dice
from wms_dev.simulator import SimulatorFailed, Site, Tally, simulate
from wms_dev.simulator.driving import VEHICLES
from wms_dev.simulator.pace import Pace

PACKING, SHIPPED = order_pb2.ORDER_STATUS_PACKING, order_pb2.ORDER_STATUS_SHIPPED
COMPLETED, CANCELLED = order_pb2.ORDER_STATUS_COMPLETED, order_pb2.ORDER_STATUS_CANCELLED
Refusal = tuple[grpc.StatusCode, str]


@dataclass
class House:
    """What the service knows: moves and orders by id, and every changing call it was sent.

    `refusals` are the answers to the next calls of a name; `lost` those that are carried out first.
    """

    requested: list[str] = field(default_factory=list)
    claimed: dict[str, str] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    orders: dict[str, order_pb2.Order] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    claims: dict[str, list[str]] = field(default_factory=dict)
    refusals: dict[str, list[Refusal]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)

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
        """Have the answer get lost on its way, if that is planned."""
        if self.lost.get(name, 0) > 0:
            self.lost[name] -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")

    def add_orders(self, status: order_pb2.OrderStatus.ValueType, *order_ids: str) -> None:
        """Put orders in."""
        for order_id in order_ids:
            self.orders[order_id] = order_pb2.Order(order_id=order_id, status=status)


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
        return storage_pb2.ClaimMovesResponse(moves=[storage_pb2.Move(move_id=move) for move in given])

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
            order.shipments.add(carrier_code=request.carrier_code, tracking_number=request.tracking_number)
        order.status = status
        return order


@pytest.fixture
def house() -> House:
    """An empty house."""
    return House()


@pytest.fixture
async def server(house: House) -> AsyncIterator[str]:
    """Where the house can be called."""
    running = grpc.aio.server()
    storage_pb2_grpc.add_StorageServiceServicer_to_server(Storage(house), running)
    orders_pb2_grpc.add_OrderServiceServicer_to_server(Orders(house), running)
    address = f"127.0.0.1:{free_port()}"
    running.add_insecure_port(address)
    await running.start()
    yield address
    await running.stop(None)


@asynccontextmanager
async def playing(server: str, **options: Any) -> AsyncIterator[Tally]:
    """A simulator at work, twenty times as fast as life; it is cancelled at the end and must obey."""
    tally = Tally()
    site = Site(server, "WH-01", **{"speed": 20.0, **options})
    task = asyncio.create_task(simulate(site, tally))
    try:
        yield tally
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)


async def until(condition: Callable[[], Any]) -> None:
    """Wait until it holds."""

    async def holds() -> bool:
        return bool(condition())

    await eventually(holds)


async def test_moves_are_claimed_driven_and_reported(house: House, server: str) -> None:
    """Every requested move is claimed under one name and completed once."""
    house.requested = [f"MOV-{number}" for number in range(150)]
    async with playing(server, name="crane-1") as tally:
        await until(lambda: tally.moves_completed == 150)
    assert set(house.finished.values()) == {"completed"}
    assert set(house.claimed.values()) == {"crane-1"}
    reported = Counter(move for call in house.requests("BatchCompleteMoves") for move in call.move_ids)
    assert set(reported.values()) == {1}


async def test_no_more_is_claimed_than_there_are_vehicles(house: House, server: str) -> None:
    """A claim asks for as many moves as there are free vehicles, so others get their share."""
    house.requested = [f"MOV-{number}" for number in range(200)]
    async with playing(server, speed=0.01):
        await until(lambda: len(house.claimed) == VEHICLES)
    assert len(house.requested) == 200 - VEHICLES


async def test_an_order_in_packing_is_shipped_and_later_delivered(house: House, server: str) -> None:
    """All pages of PACKING orders are shipped, each once, with a company and a tracking number."""
    house.add_orders(PACKING, *(f"ORD-{number}" for number in range(7)))
    async with playing(server) as tally:
        await until(lambda: tally.orders_delivered == 7)
    assert {order.status for order in house.orders.values()} == {COMPLETED}
    assert len(house.requests("ShipOrder")) == 7
    numbers = {order.shipments[0].tracking_number for order in house.orders.values()}
    assert len(numbers) == 7
    assert all(order.shipments[0].carrier_code for order in house.orders.values())


async def test_every_changing_call_can_be_repeated(house: House, server: str) -> None:
    """Each carries a request id of its own that the contract allows."""
    house.requested = ["MOV-1", "MOV-2"]
    house.add_orders(PACKING, "ORD-1", "O" * 128)
    async with playing(server, fail_rate=0.5, seed=3) as tally:
        await until(lambda: tally.orders_delivered == 2 and len(house.finished) == 2)
    ids = [request.request_id for _, request in house.calls]
    assert len(ids) == len(set(ids))
    assert all(1 <= len(name) <= 128 and name.isascii() and name.isprintable() for name in ids)


@pytest.mark.parametrize("code", sorted(client_module.REPEATABLE, key=str))
async def test_a_passing_refusal_is_met_with_the_same_request(
    house: House, server: str, code: grpc.StatusCode
) -> None:
    """After UNAVAILABLE, ABORTED or RESOURCE_EXHAUSTED the very same request is sent again."""
    house.add_orders(PACKING, "ORD-1")
    house.refusals = {"ShipOrder": [(code, "not now")] * 3}
    async with playing(server) as tally:
        await until(lambda: tally.orders_shipped == 1)
    sent = house.requests("ShipOrder")
    assert len(sent) == 4
    assert all(request == sent[0] for request in sent)


async def test_a_claim_whose_answer_was_lost_is_not_lost(
    house: House, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request id is kept until the claim is answered, however many attempts that takes."""
    monkeypatch.setattr(client_module, "ATTEMPTS", 2)
    house.requested = ["MOV-1"]
    house.lost = {"ClaimMoves": 5}
    async with playing(server) as tally:
        await until(lambda: tally.moves_completed == 1)
    assert tally.rounds_lost >= 2
    assert len({request.request_id for request in house.requests("ClaimMoves")[:6]}) == 1


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.PERMISSION_DENIED]
)
async def test_a_lasting_refusal_ends_the_simulator(house: House, server: str, code: grpc.StatusCode) -> None:
    """What would be refused again is not repeated; the error says what the service said."""
    house.refusals = {"ClaimMoves": [(code, "there is no such warehouse")]}
    with pytest.raises(SimulatorFailed, match=rf"{code.name}: there is no such warehouse"):
        await asyncio.wait_for(simulate(Site(server, "WH-99", speed=20), Tally()), 10)
    assert len(house.requests("ClaimMoves")) == 1


async def test_an_order_that_went_another_way_is_passed_over(house: House, server: str) -> None:
    """An order cancelled between the list and the call does not stop the others."""
    house.add_orders(PACKING, "ORD-1", "ORD-2", "ORD-3")
    house.refusals = {"ShipOrder": [(grpc.StatusCode.FAILED_PRECONDITION, "the order is CANCELLED")]}
    async with playing(server) as tally:
        await until(lambda: tally.orders_shipped == 3)
    assert tally.rounds_lost == 0


async def test_a_move_that_failed_meanwhile_is_forgotten(house: House, server: str) -> None:
    """A report that the service refuses for good is not made again."""
    house.requested = ["MOV-overdue", "MOV-1"]
    async with playing(server) as tally:
        await until(lambda: tally.moves_completed == 1)
        house.requested = ["MOV-2"]
        await until(lambda: tally.moves_completed == 2)
    reported = [move for call in house.requests("BatchCompleteMoves") for move in call.move_ids]
    assert reported.count("MOV-overdue") == 1


async def test_the_fail_rate_decides_how_many_moves_fail(house: House, server: str) -> None:
    """With a rate of one every move is reported failed, with a reason, and none done."""
    house.requested = [f"MOV-{number}" for number in range(20)]
    async with playing(server, fail_rate=1.0) as tally:
        await until(lambda: tally.moves_failed == 20)
    assert set(house.finished.values()) == {"vehicle broke down"}
    assert tally.moves_completed == 0


async def test_a_cancelled_simulator_brings_its_vehicles_home(house: House, server: str) -> None:
    """No move stays claimed by a fleet that is gone."""
    house.requested = [f"MOV-{number}" for number in range(10)]
    async with playing(server, speed=0.01):
        await until(lambda: len(house.claimed) == 10)
        assert not house.finished
    assert house.finished.keys() == house.claimed.keys()


async def test_a_server_that_comes_up_late_is_found() -> None:
    """The simulator may be started first."""
    house, address = House(requested=["MOV-1"]), f"127.0.0.1:{free_port()}"
    async with playing(address) as tally:
        await until(lambda: tally.rounds_lost > 0)
        running = grpc.aio.server()
        storage_pb2_grpc.add_StorageServiceServicer_to_server(Storage(house), running)
        orders_pb2_grpc.add_OrderServiceServicer_to_server(Orders(house), running)
        running.add_insecure_port(address)
        await running.start()
        await until(lambda: tally.moves_completed == 1)
    await running.stop(None)


def test_the_same_seed_draws_the_same_times() -> None:
    """A run can be repeated, and twice the speed takes half the time."""

    def times(speed: float) -> list[float]:
        pace = Pace(dice(7), speed)
        return [pace.drive(), pace.pack(), pace.deliver()]

    assert times(1) == times(1)
    assert times(2) == pytest.approx([seconds / 2 for seconds in times(1)])
