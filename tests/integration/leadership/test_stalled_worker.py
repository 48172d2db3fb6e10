"""A worker whose cycle makes no progress although the database responds: it is replaced by another one."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.builders.orders import place_order
from tests.support.clients.grpc_api import Api
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection
from tests.support.processes.workers import open_worker
from tests.support.waiting import eventually
from wms_worker.leadership import progress, role_runner

pytestmark = pytest.mark.one_postgres

#: All writes of this worker hang, those of other workers do not.
_HANG = """
CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(3600); RETURN NEW; END $$;
CREATE TRIGGER hang BEFORE INSERT ON outbox FOR EACH ROW WHEN (NEW.actor = 'worker/first')
    EXECUTE FUNCTION hang();
"""

_HANGING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
)
_STEPPED_DOWN = {"role": "fulfillment", "cause": "no step was finished in time"}


@pytest.fixture(autouse=True)
def _short_stall_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MIN_STALL_SECONDS", 1.0)
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.1)
    monkeypatch.setattr(role_runner, "STALL_PAUSE_SECONDS", 1.5)


@pytest.mark.slow
async def test_a_worker_that_hangs_in_a_step_steps_down_and_is_replaced(
    api: Api, database_url: str, sql: SqlConnection
) -> None:
    """It reports that it is passive, holds no lock, and joins the election again later."""
    await sql.execute(_HANG)
    hour = timedelta(hours=1)
    async with open_worker(database_url, worker_id="first", database_statement_timeout=hour) as first:
        await eventually(first.is_active)
        async with open_worker(database_url, worker_id="second") as second:
            order = await place_order(api)
            await eventually(lambda: _has_status(sql, order.order_id, "validated"))
            assert await second.is_active()
            assert not await first.is_active()
            assert await first.read_metric("wms_worker_role_changes_total", **_STEPPED_DOWN) == 1
            _, page = await first.get_json("/ready")
            assert [part["active"] for part in page["roles"]] == [False]
    assert await sql.fetchval(_HANGING) == 0


@pytest.mark.slow
async def test_a_worker_without_work_stays_active(database_url: str) -> None:
    """Steps without work count as progress."""
    async with open_worker(database_url) as worker:
        await eventually(worker.is_active)
        await asyncio.sleep(2)
        assert await worker.read_metric("wms_worker_role_changes_total", role="fulfillment", cause="won") == 1
        assert await worker.is_active()


@pytest.mark.slow
async def test_a_worker_without_its_database_is_not_stalled(database_url: str) -> None:
    """No other worker could make progress either. The lease decides."""
    async with open_proxy(database_url) as proxy:
        lease = timedelta(seconds=30)
        async with open_worker(proxy.url, standalone_lease=lease) as worker:
            await eventually(worker.is_active)
            await proxy.cut()
            await asyncio.sleep(3)
            await proxy.heal()
            assert await worker.read_metric("wms_worker_role_changes_total", **_STEPPED_DOWN) is None
            assert await worker.is_active()


async def _has_status(sql: SqlConnection, order_id: str, status: str) -> bool:
    return bool(await sql.fetchval("SELECT status = $2 FROM orders WHERE order_id = $1", order_id, status))
