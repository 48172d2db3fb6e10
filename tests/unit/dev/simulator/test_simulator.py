"""The simulated warehouse against a fake service: its calls, and the calls that it never makes."""

from collections import Counter

import grpc
import pytest
from tests.support.fakes.order_service import (
    COMPLETED,
    PACKING,
    FakeOrderService,
    run_simulator,
    run_simulator_at,
    serve_fake_service,
    wait_until,
)
from tests.support.waiting import with_timeout

from wms_dev import api_client as client_module
from wms_dev.free_port import find_free_port
from wms_dev.simulator import Counters, FaultRates, Simulation, SimulatorFailed, simulate_warehouse
from wms_dev.simulator.vehicles import MAX_CLAIMED_MOVES


@pytest.fixture
def service() -> FakeOrderService:
    """Return an order service without orders and moves."""
    return FakeOrderService()


async def test_moves_are_claimed_and_completed(service: FakeOrderService) -> None:
    """Every requested move is claimed under one name and completed once."""
    service.requested = [f"MOV-{number}" for number in range(150)]
    async with run_simulator(service, name="crane-1") as counters:
        await wait_until(lambda: counters.moves_completed == 150)
    assert set(service.finished.values()) == {"completed"}
    assert set(service.claimed.values()) == {"crane-1"}
    reported = Counter(move for call in service.list_requests("BatchCompleteMoves") for move in call.move_ids)
    assert set(reported.values()) == {1}


async def test_claims_are_limited_to_free_vehicles(service: FakeOrderService) -> None:
    """A claim requests one move for each free vehicle, so that other systems get their share."""
    service.requested = [f"MOV-{number}" for number in range(200)]
    async with run_simulator(service, speed=0.01):
        await wait_until(lambda: len(service.claimed) == MAX_CLAIMED_MOVES)
    assert len(service.requested) == 200 - MAX_CLAIMED_MOVES


async def test_packed_order_is_shipped_and_delivered(service: FakeOrderService) -> None:
    """All pages of PACKING orders are shipped once, with a parcel carrier and a tracking number."""
    service.add_orders(PACKING, *(f"ORD-{number}" for number in range(7)))
    async with run_simulator(service) as counters:
        await wait_until(lambda: counters.orders_delivered == 7)
    assert {order.status for order in service.orders.values()} == {COMPLETED}
    assert len(service.list_requests("ShipOrder")) == 7
    numbers = {order.shipments[0].tracking_number for order in service.orders.values()}
    assert len(numbers) == 7
    assert all(order.shipments[0].carrier_code for order in service.orders.values())


async def test_every_change_has_its_own_request_id(service: FakeOrderService) -> None:
    """The ids are valid by the contract."""
    service.requested = ["MOV-1", "MOV-2"]
    service.add_orders(PACKING, "ORD-1", "O" * 128)
    async with run_simulator(service, rates=FaultRates(breakdown=0.5, mismatch=0.5), seed=3) as counters:
        await wait_until(lambda: counters.orders_delivered == 2 and len(service.finished) == 2)
    ids = [request.request_id for _, request in service.calls]
    assert len(ids) == len(set(ids))
    assert all(1 <= len(name) <= 128 and name.isascii() and name.isprintable() for name in ids)


@pytest.mark.parametrize("code", sorted(client_module.RETRYABLE_STATUS_CODES, key=str))
async def test_temporary_error_is_retried_with_the_same_request(
    service: FakeOrderService, code: grpc.StatusCode
) -> None:
    """Temporary errors are UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED and CANCELLED."""
    service.add_orders(PACKING, "ORD-1")
    service.planned_errors = {"ShipOrder": [(code, "not now")] * 3}
    async with run_simulator(service) as counters:
        await wait_until(lambda: counters.orders_shipped == 1)
    requests = service.list_requests("ShipOrder")
    assert len(requests) == 4
    assert all(request == requests[0] for request in requests)


async def test_claim_with_a_lost_response_is_repeated(
    service: FakeOrderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request id stays the same until the claim is answered."""
    monkeypatch.setattr(client_module, "MAX_ATTEMPTS", 2)
    service.requested = ["MOV-1"]
    service.lost_responses = {"ClaimMoves": 5}
    async with run_simulator(service) as counters:
        await wait_until(lambda: counters.moves_completed == 1)
    assert counters.rounds_lost >= 2
    assert len({request.request_id for request in service.list_requests("ClaimMoves")[:6]}) == 1


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.PERMISSION_DENIED]
)
async def test_permanent_error_ends_the_simulator(service: FakeOrderService, code: grpc.StatusCode) -> None:
    """The call is not repeated. The error has the message of the service."""
    service.planned_errors = {"ClaimMoves": [(code, "there is no such warehouse")]}
    with pytest.raises(SimulatorFailed, match=rf"{code.name}: there is no such warehouse"):
        async with serve_fake_service(service) as address:
            await with_timeout(simulate_warehouse(Simulation(address, "WH-99", speed=1000), Counters()), 10)
    assert len(service.list_requests("ClaimMoves")) == 1


async def test_order_cancelled_meanwhile_is_skipped(service: FakeOrderService) -> None:
    """A cancellation between list and call does not stop the other orders."""
    service.add_orders(PACKING, "ORD-1", "ORD-2", "ORD-3")
    service.planned_errors = {"ShipOrder": [(grpc.StatusCode.FAILED_PRECONDITION, "the order is CANCELLED")]}
    async with run_simulator(service) as counters:
        await wait_until(lambda: counters.orders_shipped == 3)
    assert counters.rounds_lost == 0


async def test_move_that_failed_meanwhile_is_dropped(service: FakeOrderService) -> None:
    """A permanently rejected report is not repeated."""
    service.requested = ["MOV-overdue", "MOV-1"]
    async with run_simulator(service) as counters:
        await wait_until(lambda: counters.moves_completed == 1)
        service.requested = ["MOV-2"]
        await wait_until(lambda: counters.moves_completed == 2)
    reported = [move for call in service.list_requests("BatchCompleteMoves") for move in call.move_ids]
    assert reported.count("MOV-overdue") == 1


async def test_cancelled_simulator_finishes_its_moves(service: FakeOrderService) -> None:
    """No move stays claimed after its drivers are gone."""
    service.requested = [f"MOV-{number}" for number in range(10)]
    async with run_simulator(service, speed=0.01):
        await wait_until(lambda: len(service.claimed) == 10)
        assert not service.finished
    assert service.finished.keys() == service.claimed.keys()


async def test_cancelled_simulator_finishes_an_unanswered_claim(service: FakeOrderService) -> None:
    """The service may have granted the claim before the cancellation."""
    service.requested = ["MOV-1", "MOV-2"]
    service.unanswered_calls["ClaimMoves"] = 1
    async with run_simulator(service):
        await wait_until(lambda: len(service.claimed) == 2)
        assert not service.finished
    assert service.finished.keys() == service.claimed.keys()


async def test_call_ended_by_a_server_shutdown_is_retried(service: FakeOrderService) -> None:
    """Its status is CANCELLED or UNAVAILABLE, and neither is a rejection."""
    service.requested = ["MOV-1"]
    service.planned_errors = {"ClaimMoves": [(grpc.StatusCode.CANCELLED, "CANCELLED")]}
    async with run_simulator(service):
        await wait_until(lambda: service.finished)
    first, second = service.list_requests("ClaimMoves")[:2]
    assert first == second


async def test_simulator_reconnects_to_a_late_or_restarted_server(service: FakeOrderService) -> None:
    """The simulator may start first, and continues after a restart of the service."""
    address = f"127.0.0.1:{find_free_port()}"
    async with run_simulator_at(address) as counters:
        await wait_until(lambda: counters.rounds_lost > 0)
        for move_id in ("MOV-1", "MOV-2"):
            service.requested = [move_id]
            async with serve_fake_service(service, address):
                await wait_until(
                    lambda: not service.requested and len(service.finished) == len(service.claimed)
                )
    assert service.finished == {"MOV-1": "completed", "MOV-2": "completed"}
