"""Worker processes: the active one, takeover, and shutdown."""

import asyncio
import signal
import socket

import pytest

from tests.support.builders.load import run_order_load
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import (
    SqlConnection,
    find_all_violations,
    find_violations,
    record_epochs,
)
from tests.support.processes.processes import FULFILLMENT_HEALTH, Process, Processes, start_active_and_passive
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]


#: Long enough to keep the role on a busy machine.
_LEASE = "3s"


async def test_one_of_two_workers_is_active(processes: Processes, database_url: str) -> None:
    """The other one is healthy and passive. Each worker logs its role."""
    first, second = await start_active_and_passive(processes, database_url, standalone_lease="60s")
    assert await first.is_serving()
    assert await first.is_serving(FULFILLMENT_HEALTH)
    await eventually(lambda: _has_logged(second, "passive"))
    assert [entry["worker_id"] for entry in first.find_log_entries("active")] == ["first"]
    assert second.find_log_entries("active") == []
    assert await second.terminate_and_wait(within=5) == 0
    assert await first.is_serving(FULFILLMENT_HEALTH)


async def test_a_stopped_active_worker_hands_over_immediately(
    site: WarehouseDriver, processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """Its successor does not wait for the lease. No order is lost or served twice."""
    await record_epochs(sql)
    async with run_order_load(site):
        first, second = await start_active_and_passive(processes, database_url, standalone_lease="30s")
        assert await first.terminate_and_wait() == 0
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=3)
    assert await find_all_violations(sql) == []


async def test_a_killed_active_worker_is_replaced_after_its_lease(
    site: WarehouseDriver, processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """Its open transaction is rolled back, and its successor continues from the state in the database."""
    await record_epochs(sql)
    async with run_order_load(site):
        first, second = await start_active_and_passive(processes, database_url, standalone_lease=_LEASE)
        first.send_signal(signal.SIGKILL)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=6)
    assert await find_all_violations(sql) == []


async def test_a_worker_frozen_longer_than_its_lease_writes_nothing(
    site: WarehouseDriver, processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """When it runs again, it detects its deposition, logs it and becomes passive.

    Later it can take over again.
    """
    await record_epochs(sql)
    async with run_order_load(site):
        first, second = await start_active_and_passive(processes, database_url, standalone_lease=_LEASE)
        first.send_signal(signal.SIGSTOP)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=10)
        first.send_signal(signal.SIGCONT)
        await first.wait_until_not_serving(FULFILLMENT_HEALTH, within=3)
        await eventually(lambda: _has_logged(first, "stepped_down"))
        assert await second.is_serving(FULFILLMENT_HEALTH)
        assert await second.terminate_and_wait() == 0
        await first.wait_until_serving(FULFILLMENT_HEALTH, within=4)
    assert await find_all_violations(sql) == []
    assert await sql.fetchval("SELECT count(DISTINCT epoch) FROM recorded_writes") == 3


async def test_a_worker_frozen_within_a_transaction_is_replaced(
    site: WarehouseDriver, processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """Its successor terminates its session. Its orders are served."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 10))
    first, second = await start_active_and_passive(processes, database_url, standalone_lease=_LEASE)
    await sql.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.status = 'validated')
            EXECUTE FUNCTION slow();
    """)
    order_id = await site.place_order()

    async def is_in_transaction() -> bool:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        return bool(await sql.fetchval(sleeping))

    await eventually(is_in_transaction)
    first.send_signal(signal.SIGSTOP)
    await second.wait_until_serving(FULFILLMENT_HEALTH, within=8)
    await sql.execute("DROP TRIGGER slow ON orders")
    first.send_signal(signal.SIGCONT)

    async def is_picking() -> bool:
        return await site.read_status(order_id) == "PICKING"

    await eventually(is_picking)
    await eventually(lambda: _has_logged(first, "stepped_down"))
    assert await find_violations(sql) == []


async def test_a_stopped_worker_finishes_its_step(
    site: WarehouseDriver, processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """The step is committed, the role is free, and the exit code is 0."""
    await site.open()
    worker = processes.worker(database_url, standalone_lease="30s")
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    await sql.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(0.7); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.status = 'validated')
            EXECUTE FUNCTION slow();
    """)
    order_id = await site.place_order()

    async def is_in_step() -> bool:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        return bool(await sql.fetchval(sleeping))

    await eventually(is_in_step)
    assert await worker.terminate_and_wait() == 0
    assert await site.read_status(order_id) == "VALIDATED"
    assert await sql.fetchval("SELECT worker_id FROM worker_roles WHERE role = 'fulfillment'") is None


async def test_a_worker_starts_before_its_database_and_its_schema(
    processes: Processes, empty_database_url: str
) -> None:
    """It is live and passive while it waits. Then it runs the migrations and becomes active."""
    async with open_proxy(empty_database_url) as proxy:
        await proxy.cut()
        worker = processes.worker(proxy.url)
        await worker.wait_until_serving("liveness")
        assert not await worker.is_serving()
        await eventually(lambda: _has_logged(worker, "waiting_for_database"))
        assert not await worker.is_serving(FULFILLMENT_HEALTH)
        await proxy.heal()
        await worker.wait_until_serving(FULFILLMENT_HEALTH)
        assert await worker.terminate_and_wait() == 0


async def test_a_worker_that_waits_for_its_database_can_be_stopped(processes: Processes) -> None:
    """It does not hang without a database connection."""
    worker = processes.worker("postgresql://user@127.0.0.1:1/none")
    await worker.wait_until_serving("liveness")
    assert await worker.terminate_and_wait(within=5) == 0


@pytest.mark.parametrize("role", ["active", "passive"])
async def test_a_worker_whose_database_does_not_respond_can_be_stopped(
    processes: Processes, database_url: str, role: str
) -> None:
    """In whichever call it is, it shuts down."""
    async with open_proxy(database_url) as proxy:
        if role == "passive":
            await processes.worker(database_url).wait_until_serving(FULFILLMENT_HEALTH)
        worker = processes.worker(proxy.url, database_statement_timeout="1s", drain_grace="1s")
        await eventually(lambda: _has_logged(worker, role))
        proxy.freeze()
        await asyncio.sleep(0.5)  # The next claim or heartbeat gets no response.
        assert await worker.terminate_and_wait(within=15) == 0


async def test_a_worker_reports_a_port_in_use(processes: Processes, database_url: str) -> None:
    """It logs the variable, and exits."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        worker = processes.worker(database_url, f"127.0.0.1:{listener.getsockname()[1]}")
        assert await worker.wait_for_exit() == 1
    assert "WORKER_ADDR" in worker.output_text
    assert "Traceback" not in worker.output_text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://somewhere"),
        ("WORKER_ADDR", "nowhere"),
        ("STANDALONE_LEASE", "0"),
        ("WORKER_ID", "not an id"),
    ],
)
async def test_an_invalid_variable_is_reported(
    processes: Processes, database_url: str, variable: str, value: str
) -> None:
    """One line has its name, without a traceback."""
    settings = {"DATABASE_URL": database_url, variable: value}
    address = settings.pop("WORKER_ADDR", "")
    worker = processes.worker(
        settings.pop("DATABASE_URL"), address, **{name.lower(): setting for name, setting in settings.items()}
    )
    assert await worker.wait_for_exit() == 1
    assert variable in worker.output_text
    assert "Traceback" not in worker.output_text


async def _has_logged(process: Process, event: str) -> bool:
    return bool(process.find_log_entries(event))
