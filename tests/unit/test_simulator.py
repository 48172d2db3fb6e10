"""The simulated warehouse against a service that the test plays: what it asks, and what it never does."""

from collections import Counter

import grpc
import pytest

from tests.support.house import COMPLETED, PACKING, House, playing, playing_at, serving, until
from tests.support.waiting import bounded
from wms_dev import client as client_module
from wms_dev.ports import free_port
from wms_dev.simulator import Rates, SimulatorFailed, Site, Tally, simulate
from wms_dev.simulator.driving import CLAIMED_AT_ONCE


@pytest.fixture
def house() -> House:
    """An empty house."""
    return House()


async def test_moves_are_claimed_driven_and_reported(house: House) -> None:
    """Every requested move is claimed under one name and completed once."""
    house.requested = [f"MOV-{number}" for number in range(150)]
    async with playing(house, name="crane-1") as tally:
        await until(lambda: tally.moves_completed == 150)
    assert set(house.finished.values()) == {"completed"}
    assert set(house.claimed.values()) == {"crane-1"}
    reported = Counter(move for call in house.requests("BatchCompleteMoves") for move in call.move_ids)
    assert set(reported.values()) == {1}


async def test_no_more_is_claimed_than_there_are_vehicles(house: House) -> None:
    """A claim asks for as many moves as there are free vehicles, so others get their share."""
    house.requested = [f"MOV-{number}" for number in range(200)]
    async with playing(house, speed=0.01):
        await until(lambda: len(house.claimed) == CLAIMED_AT_ONCE)
    assert len(house.requested) == 200 - CLAIMED_AT_ONCE


async def test_an_order_in_packing_is_shipped_and_later_delivered(house: House) -> None:
    """All pages of PACKING orders are shipped, each once, with a company and a tracking number."""
    house.add_orders(PACKING, *(f"ORD-{number}" for number in range(7)))
    async with playing(house) as tally:
        await until(lambda: tally.orders_delivered == 7)
    assert {order.status for order in house.orders.values()} == {COMPLETED}
    assert len(house.requests("ShipOrder")) == 7
    numbers = {order.shipments[0].tracking_number for order in house.orders.values()}
    assert len(numbers) == 7
    assert all(order.shipments[0].carrier_code for order in house.orders.values())


async def test_every_changing_call_can_be_repeated(house: House) -> None:
    """Each carries a request id of its own that the contract allows."""
    house.requested = ["MOV-1", "MOV-2"]
    house.add_orders(PACKING, "ORD-1", "O" * 128)
    async with playing(house, rates=Rates(breakdown=0.5, mismatch=0.5), seed=3) as tally:
        await until(lambda: tally.orders_delivered == 2 and len(house.finished) == 2)
    ids = [request.request_id for _, request in house.calls]
    assert len(ids) == len(set(ids))
    assert all(1 <= len(name) <= 128 and name.isascii() and name.isprintable() for name in ids)


@pytest.mark.parametrize("code", sorted(client_module.REPEATABLE, key=str))
async def test_a_passing_refusal_is_met_with_the_same_request(house: House, code: grpc.StatusCode) -> None:
    """After UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED or CANCELLED the very same request is sent again."""
    house.add_orders(PACKING, "ORD-1")
    house.refusals = {"ShipOrder": [(code, "not now")] * 3}
    async with playing(house) as tally:
        await until(lambda: tally.orders_shipped == 1)
    sent = house.requests("ShipOrder")
    assert len(sent) == 4
    assert all(request == sent[0] for request in sent)


async def test_a_claim_whose_answer_was_lost_is_not_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request id is kept until the claim is answered, however many attempts that takes."""
    monkeypatch.setattr(client_module, "ATTEMPTS", 2)
    house.requested = ["MOV-1"]
    house.lost = {"ClaimMoves": 5}
    async with playing(house) as tally:
        await until(lambda: tally.moves_completed == 1)
    assert tally.rounds_lost >= 2
    assert len({request.request_id for request in house.requests("ClaimMoves")[:6]}) == 1


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.PERMISSION_DENIED]
)
async def test_a_lasting_refusal_ends_the_simulator(house: House, code: grpc.StatusCode) -> None:
    """What would be refused again is not repeated; the error says what the service said."""
    house.refusals = {"ClaimMoves": [(code, "there is no such warehouse")]}
    with pytest.raises(SimulatorFailed, match=rf"{code.name}: there is no such warehouse"):
        async with serving(house) as address:
            await bounded(simulate(Site(address, "WH-99", speed=1000), Tally()), 10)
    assert len(house.requests("ClaimMoves")) == 1


async def test_an_order_that_went_another_way_is_passed_over(house: House) -> None:
    """An order cancelled between the list and the call does not stop the others."""
    house.add_orders(PACKING, "ORD-1", "ORD-2", "ORD-3")
    house.refusals = {"ShipOrder": [(grpc.StatusCode.FAILED_PRECONDITION, "the order is CANCELLED")]}
    async with playing(house) as tally:
        await until(lambda: tally.orders_shipped == 3)
    assert tally.rounds_lost == 0


async def test_a_move_that_failed_meanwhile_is_forgotten(house: House) -> None:
    """A report that the service refuses for good is not made again."""
    house.requested = ["MOV-overdue", "MOV-1"]
    async with playing(house) as tally:
        await until(lambda: tally.moves_completed == 1)
        house.requested = ["MOV-2"]
        await until(lambda: tally.moves_completed == 2)
    reported = [move for call in house.requests("BatchCompleteMoves") for move in call.move_ids]
    assert reported.count("MOV-overdue") == 1


async def test_a_cancelled_simulator_brings_its_carriers_home(house: House) -> None:
    """No move stays claimed by drivers that are gone."""
    house.requested = [f"MOV-{number}" for number in range(10)]
    async with playing(house, speed=0.01):
        await until(lambda: len(house.claimed) == 10)
        assert not house.finished
    assert house.finished.keys() == house.claimed.keys()


async def test_a_claim_without_an_answer_is_brought_home_too(house: House) -> None:
    """The service may have granted it before the simulator was cancelled."""
    house.requested = ["MOV-1", "MOV-2"]
    house.held["ClaimMoves"] = 1
    async with playing(house):
        await until(lambda: len(house.claimed) == 2)
        assert not house.finished
    assert house.finished.keys() == house.claimed.keys()


async def test_a_call_that_a_server_ends_with_itself_is_asked_again(house: House) -> None:
    """It says CANCELLED then, or UNAVAILABLE; neither is a refusal."""
    house.requested = ["MOV-1"]
    house.refusals = {"ClaimMoves": [(grpc.StatusCode.CANCELLED, "CANCELLED")]}
    async with playing(house):
        await until(lambda: house.finished)
    first, second = house.requests("ClaimMoves")[:2]
    assert first == second


async def test_a_server_that_comes_up_late_or_again_is_found(house: House) -> None:
    """The simulator may be started first, and goes on where it was after a restart of the service."""
    address = f"127.0.0.1:{free_port()}"
    async with playing_at(address) as tally:
        await until(lambda: tally.rounds_lost > 0)
        for move_id in ("MOV-1", "MOV-2"):
            house.requested = [move_id]
            async with serving(house, address):
                await until(lambda: not house.requested and len(house.finished) == len(house.claimed))
    assert house.finished == {"MOV-1": "completed", "MOV-2": "completed"}
