"""Incidents in the simulated warehouse, and their reports by drivers, pickers and the inspector."""

from pathlib import Path

import pytest
from tests.support.fakes.order_service import COMPLETED, PACKING, FakeOrderService, run_simulator, wait_until

from wms.orders.v1 import order_pb2, storage_pb2
from wms_dev import api_client as client_module
from wms_dev.simulator import FaultRates
from wms_dev.simulator.incident_log import DAMAGED, HELD, LOST, SHORT_PICK, read_incident_log

AVAILABLE, ON_HOLD = storage_pb2.CARRIER_STATUS_AVAILABLE, storage_pb2.CARRIER_STATUS_ON_HOLD


@pytest.fixture
def service() -> FakeOrderService:
    """Return an order service without orders and moves."""
    return FakeOrderService()


@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        (FaultRates(breakdown=1), "crane broke down: NORTH"),
        (FaultRates(lost=1), "carrier not found: CAR-MOV-1 in LANE-1"),
    ],
)
async def test_failed_move_is_reported_with_its_reason(
    service: FakeOrderService, rates: FaultRates, reason: str
) -> None:
    """The move fails under the name that claimed it, and is never reported as done."""
    service.requested = ["MOV-1"]
    async with run_simulator(service, rates=rates):
        await wait_until(lambda: service.finished)
    assert service.finished == {"MOV-1": reason}
    assert not service.list_requests("BatchCompleteMoves")


async def test_short_pick_is_reported_before_the_shipment(service: FakeOrderService) -> None:
    """A miscounted line loses some units once. The order is shipped with the others."""
    service.add_orders(PACKING, "ORD-1")
    async with run_simulator(service, rates=FaultRates(mismatch=1)) as counters:
        await wait_until(lambda: counters.orders_delivered == 1)
    [report] = service.list_requests("ReportShortPick")
    assert report.reason == storage_pb2.SHORT_PICK_REASON_QUANTITY_MISMATCH
    assert 1 <= report.missing_quantity <= 5
    call_names = [name for name, _ in service.calls if name in {"ReportShortPick", "ShipOrder"}]
    assert call_names == ["ReportShortPick", "ShipOrder"]
    assert (counters.short_picks, counters.units_short) == (1, report.missing_quantity)


async def test_order_without_picked_units_is_not_shipped(service: FakeOrderService) -> None:
    """The service counts a failure.

    At the next attempt the order is shipped, because the fault occurs once.
    """
    service.add_orders(PACKING, "ORD-1")
    order = service.orders["ORD-1"]
    async with run_simulator(service, rates=FaultRates(not_found=1)) as counters:
        await wait_until(lambda: order.status == order_pb2.ORDER_STATUS_PENDING_RETRY)
        assert not service.list_requests("ShipOrder")
        order.items[0].quantity_delivered = 10
        order.status = PACKING
        await wait_until(lambda: order.status == COMPLETED)
    assert counters.units_short == 10
    assert len(service.list_requests("ReportShortPick")) == 1


async def test_short_pick_with_a_lost_response_is_counted_once(
    service: FakeOrderService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same report is repeated until it is answered, although the order then has fewer units."""
    monkeypatch.setattr(client_module, "MAX_ATTEMPTS", 2)
    service.add_orders(PACKING, "ORD-1")
    service.lost_responses = {"ReportShortPick": 5}
    incident_log = tmp_path / "journal"
    async with run_simulator(
        service, rates=FaultRates(mismatch=1), incident_log_path=incident_log
    ) as counters:
        await wait_until(lambda: counters.orders_delivered == 1)
    reports = service.list_requests("ReportShortPick")
    assert len(reports) == 6
    assert all(report == reports[0] for report in reports)
    assert [incident.units for incident in read_incident_log(incident_log)] == [reports[0].missing_quantity]


async def test_picker_reports_damage_and_inspector_holds_the_carrier(
    service: FakeOrderService, tmp_path: Path
) -> None:
    """The damaged units are a short pick. The rest of the carrier is put on hold with a reason."""
    service.requested = ["MOV-1"]
    service.carriers["CAR-MOV-1"] = storage_pb2.Carrier(carrier_id="CAR-MOV-1", status=AVAILABLE)
    incident_log = tmp_path / "journal"
    async with run_simulator(
        service, rates=FaultRates(damaged=1), incident_log_path=incident_log
    ) as counters:
        await wait_until(lambda: counters.carriers_damaged == 1)
        service.add_orders(PACKING, "ORD-1")
        await wait_until(lambda: counters.carriers_held == 1 and counters.orders_delivered == 1)
    [report] = service.list_requests("ReportShortPick")
    assert report.reason == storage_pb2.SHORT_PICK_REASON_DAMAGED
    assert service.carriers["CAR-MOV-1"].status == ON_HOLD
    assert service.carriers["CAR-MOV-1"].status_reason == "damaged: CAR-MOV-1"
    assert [incident.kind for incident in read_incident_log(incident_log)] == [DAMAGED, SHORT_PICK, HELD]


async def test_inspector_releases_an_intact_carrier(service: FakeOrderService) -> None:
    """Only its move failed, so it becomes available again."""
    service.add_carrier("CAR-1", "Move failed: crane broke down: NORTH")
    async with run_simulator(service) as counters:
        await wait_until(lambda: counters.carriers_released == 1)
    assert service.carriers["CAR-1"].status == AVAILABLE


@pytest.mark.parametrize(("rate", "status"), [(0.0, ON_HOLD), (1.0, AVAILABLE)])
async def test_lost_carrier_is_put_on_hold_unless_found(
    service: FakeOrderService, rate: float, status: storage_pb2.CarrierStatus.ValueType
) -> None:
    """The inspector searches for it, also if it was lost before the simulator started."""
    service.add_carrier("CAR-1", "Move failed: carrier not found: CAR-1 in LANE-1")
    async with run_simulator(service, rates=FaultRates(found=rate)) as counters:
        await wait_until(lambda: counters.carriers_held + counters.carriers_released == 1)
    assert service.carriers["CAR-1"].status == status


async def test_carrier_on_hold_is_held_again(service: FakeOrderService) -> None:
    """A failed relocation does not release it."""
    service.add_carrier("CAR-1", "goods damaged: CAR-1")
    async with run_simulator(service) as counters:
        await wait_until(lambda: counters.carriers_held == 1)
        service.add_carrier("CAR-1", "Move failed: crane broke down: NORTH")
        await wait_until(lambda: counters.carriers_held == 2)
    assert service.carriers["CAR-1"].status_reason == "damaged: CAR-1"


async def test_same_seed_affects_the_same_carriers(service: FakeOrderService, tmp_path: Path) -> None:
    """Runs at different speeds lose the same carriers, in any order. Another seed loses others."""

    async def run_and_list_lost(name: str, seed: int, speed: float) -> set[str]:
        service = FakeOrderService(requested=[f"MOV-{number}" for number in range(100)])
        options = {
            "seed": seed,
            "speed": speed,
            "rates": FaultRates(lost=0.3),
            "incident_log_path": tmp_path / name,
        }
        async with run_simulator(service, **options):
            await wait_until(lambda: len(service.finished) == 100)
        return {
            incident.carrier_id for incident in read_incident_log(tmp_path / name) if incident.kind == LOST
        }

    first = await run_and_list_lost("one", seed=1, speed=1000)
    assert first == await run_and_list_lost("same", seed=1, speed=3000)
    assert first != await run_and_list_lost("other", seed=2, speed=1000)
