"""Processes whose wall clock is wrong or is set: an interval stays one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.faketime import FakeClock
from tests.support.pages import clock_of
from tests.support.processes import FULFILLMENT, Processes
from tests.support.site import Site
from tests.support.waiting import eventually
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres

_RIGHT = timedelta(0)
_STEPS = {
    "two minutes": timedelta(minutes=2),
    "an hour": timedelta(hours=1),
    "three days": timedelta(days=3),
    "forty days": timedelta(days=40),
}
#: Seconds within which a cycle follows an order, however the clock was set.
_SOON = 5.0


def _ahead_and_back(step: timedelta) -> list[timedelta]:
    """Return what a clock is set to, one after the other: ahead, right, behind, right."""
    return [step, _RIGHT, -step, _RIGHT]


_QUICK = [pytest.param(_STEPS["three days"], id="three days")]
_SLOW = [
    pytest.param(step, id=name, marks=pytest.mark.slow)
    for name, step in _STEPS.items()
    if name != "three days"
]


@pytest.fixture
def clock(tmp_path: Path) -> FakeClock:
    """Give the clock of the processes that a test starts with it."""
    return FakeClock(tmp_path)


@pytest.mark.parametrize("step", [*_QUICK, *_SLOW])
async def test_cycles_go_on_when_the_clock_of_the_worker_is_set(
    site: Site, processes: Processes, database_url: str, clock: FakeClock, step: timedelta
) -> None:
    """The active replica keeps its interval by a monotonic clock: it steps at once and keeps its role."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 1000))
    pages = free_port()
    worker = processes.worker(database_url, worker_http_addr=f"127.0.0.1:{pages}", **clock.environment)
    await worker.serving(FULFILLMENT)
    await _is_worked_on(site)
    for ahead in _ahead_and_back(step):
        clock.set(ahead)
        await _clock_is(pages, ahead)
        await _is_worked_on(site)
    assert not worker.said("stepped_down")
    assert len(worker.said("active")) == 1


async def _clock_is(port: int, ahead: timedelta) -> None:
    """Wait until a process goes by the time that was set."""

    async def is_set() -> bool:
        off = await clock_of(port) - datetime.now(UTC) - ahead
        return abs(off) < timedelta(seconds=10)

    await eventually(is_set)


async def _is_worked_on(site: Site) -> None:
    order_id = await site.order()

    async def picking() -> bool:
        return await site.status(order_id) == "PICKING"

    await eventually(picking, within=_SOON)
