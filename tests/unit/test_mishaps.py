"""What goes wrong in the simulated warehouse, and who reports it: drivers, pickers, the inspector."""

from pathlib import Path

import pytest

from tests.support.house import COMPLETED, PACKING, House, playing, until
from wms.orders.v1 import order_pb2, storage_pb2
from wms_dev import client as client_module
from wms_dev.simulator import Rates
from wms_dev.simulator.journal import DAMAGED, HELD, LOST, SHORT_PICK, read_journal

AVAILABLE, ON_HOLD = storage_pb2.CARRIER_STATUS_AVAILABLE, storage_pb2.CARRIER_STATUS_ON_HOLD


@pytest.fixture
def house() -> House:
    """An empty house."""
    return House()


@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        (Rates(breakdown=1), "crane broke down: NORTH"),
        (Rates(lost=1), "carrier not found: CAR-MOV-1 in LANE-1"),
    ],
)
async def test_a_trip_that_fails_is_reported_with_its_reason(house: House, rates: Rates, reason: str) -> None:
    """The move fails under the name that claimed it, and is never reported done."""
    house.requested = ["MOV-1"]
    async with playing(house, rates=rates):
        await until(lambda: house.finished)
    assert house.finished == {"MOV-1": reason}
    assert not house.requests("BatchCompleteMoves")


async def test_a_short_pick_is_reported_before_the_rest_is_shipped(house: House) -> None:
    """A miscounted line loses some of its units, once; the order goes out with the others."""
    house.add_orders(PACKING, "ORD-1")
    async with playing(house, rates=Rates(mismatch=1)) as tally:
        await until(lambda: tally.orders_delivered == 1)
    [report] = house.requests("ReportShortPick")
    assert report.reason == storage_pb2.SHORT_PICK_REASON_QUANTITY_MISMATCH
    assert 1 <= report.missing_quantity <= 5
    called = [name for name, _ in house.calls if name in {"ReportShortPick", "ShipOrder"}]
    assert called == ["ReportShortPick", "ShipOrder"]
    assert (tally.short_picks, tally.units_short) == (1, report.missing_quantity)


async def test_an_order_of_which_nothing_was_found_is_not_shipped(house: House) -> None:
    """The service counts a failure; the order is packed when it comes again, and its fate has struck."""
    house.add_orders(PACKING, "ORD-1")
    order = house.orders["ORD-1"]
    async with playing(house, rates=Rates(not_found=1)) as tally:
        await until(lambda: order.status == order_pb2.ORDER_STATUS_PENDING_RETRY)
        assert not house.requests("ShipOrder")
        order.items[0].quantity_delivered = 10
        order.status = PACKING
        await until(lambda: order.status == COMPLETED)
    assert tally.units_short == 10
    assert len(house.requests("ReportShortPick")) == 1


async def test_a_short_pick_whose_answer_was_lost_is_counted_once(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The very same report is made until it is answered, though the order has fewer units by then."""
    monkeypatch.setattr(client_module, "ATTEMPTS", 2)
    house.add_orders(PACKING, "ORD-1")
    house.lost = {"ReportShortPick": 5}
    journal = tmp_path / "journal"
    async with playing(house, rates=Rates(mismatch=1), journal=journal) as tally:
        await until(lambda: tally.orders_delivered == 1)
    reports = house.requests("ReportShortPick")
    assert len(reports) == 6
    assert all(report == reports[0] for report in reports)
    assert [one.units for one in read_journal(journal)] == [reports[0].missing_quantity]


async def test_damage_is_seen_by_the_picker_and_kept_by_the_inspector(house: House, tmp_path: Path) -> None:
    """What came on a damaged carrier is missed as damaged; the rest of the carrier is held, with a reason."""
    house.requested = ["MOV-1"]
    house.carriers["CAR-MOV-1"] = storage_pb2.Carrier(carrier_id="CAR-MOV-1", status=AVAILABLE)
    journal = tmp_path / "journal"
    async with playing(house, rates=Rates(damaged=1), journal=journal) as tally:
        await until(lambda: tally.carriers_damaged == 1)
        house.add_orders(PACKING, "ORD-1")
        await until(lambda: tally.carriers_held == 1 and tally.orders_delivered == 1)
    [report] = house.requests("ReportShortPick")
    assert report.reason == storage_pb2.SHORT_PICK_REASON_DAMAGED
    assert house.carriers["CAR-MOV-1"].status == ON_HOLD
    assert house.carriers["CAR-MOV-1"].status_reason == "damaged: CAR-MOV-1"
    assert [one.kind for one in read_journal(journal)] == [DAMAGED, SHORT_PICK, HELD]


async def test_the_inspector_lets_go_what_only_a_crane_failed_to_bring(house: House) -> None:
    """A carrier with nothing wrong is available again."""
    house.add_carrier("CAR-1", "Move failed: crane broke down: NORTH")
    async with playing(house) as tally:
        await until(lambda: tally.carriers_released == 1)
    assert house.carriers["CAR-1"].status == AVAILABLE


@pytest.mark.parametrize(("rate", "status"), [(0.0, ON_HOLD), (1.0, AVAILABLE)])
async def test_a_lost_carrier_is_held_unless_it_is_found(
    house: House, rate: float, status: storage_pb2.CarrierStatus.ValueType
) -> None:
    """The inspector looks for it; also one that was lost before this simulator began."""
    house.add_carrier("CAR-1", "Move failed: carrier not found: CAR-1 in LANE-1")
    async with playing(house, rates=Rates(found=rate)) as tally:
        await until(lambda: tally.carriers_held + tally.carriers_released == 1)
    assert house.carriers["CAR-1"].status == status


async def test_what_is_held_once_is_held_again(house: House) -> None:
    """A crane that fails to relocate a held carrier does not set it free."""
    house.add_carrier("CAR-1", "goods damaged: CAR-1")
    async with playing(house) as tally:
        await until(lambda: tally.carriers_held == 1)
        house.add_carrier("CAR-1", "Move failed: crane broke down: NORTH")
        await until(lambda: tally.carriers_held == 2)
    assert house.carriers["CAR-1"].status_reason == "damaged: CAR-1"


async def test_the_same_seed_befalls_the_same_carriers(house: House, tmp_path: Path) -> None:
    """Two runs at different speeds lose the same carriers, in whatever order; another seed loses others."""

    async def lost(name: str, seed: int, speed: float) -> set[str]:
        house = House(requested=[f"MOV-{number}" for number in range(100)])
        site = {"seed": seed, "speed": speed, "rates": Rates(lost=0.3), "journal": tmp_path / name}
        async with playing(house, **site):
            await until(lambda: len(house.finished) == 100)
        return {one.carrier_id for one in read_journal(tmp_path / name) if one.kind == LOST}

    first = await lost("one", seed=1, speed=1000)
    assert first == await lost("same", seed=1, speed=3000)
    assert first != await lost("other", seed=2, speed=1000)
