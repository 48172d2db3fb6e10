"""Readiness: state of the database and of Kafka, identical over gRPC, HTTP and the CLI."""

import asyncio
import json
import signal
from typing import Any

import pytest

from tests.support.builders.requests import create_order, item
from tests.support.clients.cli import run_command
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.faults.small_disk import open_small_disk
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import open_connection
from tests.support.processes.admin_endpoints import get_page
from tests.support.processes.processes import (
    FULFILLMENT_HEALTH,
    RELAY_HEALTH,
    UNREACHABLE_KAFKA,
    Processes,
    open_client,
)
from tests.support.waiting import eventually
from wms_core.postgres.availability import AvailabilityProbe, DatabaseState
from wms_core.postgres.database import PoolOptions, open_database
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.one_postgres

READ_ONLY = "ALTER DATABASE {name} SET default_transaction_read_only = on"
READ_WRITE = "ALTER DATABASE {name} RESET default_transaction_read_only"
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def _alter(database_url: str, statement: str) -> None:
    async with open_connection(database_url) as sql:
        name = database_url.rpartition("/")[2].partition("?")[0]
        await sql.execute("SET default_transaction_read_only = off")
        await sql.execute(statement.format(name=f'"{name}"'))


async def _read_report(port: int) -> dict[str, Any]:
    """Return the page `/ready` with its HTTP status."""
    status, body = await get_page(port, "/ready")
    return {"http": status, **json.loads(body)}


async def _find_report(port: int, state: str) -> dict[str, Any] | None:
    """Return the page if it has this state of the database, else None.

    A busy database is unavailable for a moment.
    """
    report = await _read_report(port)
    return report if report["database"]["state"] == state else None


async def _wait_for_state(probe: AvailabilityProbe) -> DatabaseState:
    """Return the state of the database, once the probe gets a response in time."""

    async def find_state() -> DatabaseState | None:
        state = (await probe.check()).database_state
        return None if state is DatabaseState.UNAVAILABLE else state

    database_state = await eventually(find_state)
    assert database_state is not None
    return database_state


# The probe


async def test_a_read_only_session_is_not_a_read_only_database(database_url: str) -> None:
    """A new session decides. One of the pool may be from a time before a change."""
    async with open_database(database_url, PoolOptions(max_connections=1)) as database:
        await database.pool.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        assert await _wait_for_state(AvailabilityProbe(database, database_url)) is DatabaseState.WRITABLE


async def test_a_busy_pool_is_not_an_unavailable_database(database_url: str) -> None:
    """The probe opens its own session when the pool has none free."""
    async with (
        open_database(database_url, PoolOptions(max_connections=1)) as database,
        database.pool.acquire(),
    ):
        assert await _wait_for_state(AvailabilityProbe(database, database_url)) is DatabaseState.WRITABLE


async def test_an_unavailable_database_is_reported_without_its_address(database_url: str) -> None:
    """The page is public."""
    nowhere = f"postgresql://orders:secret@127.0.0.1:{find_free_port()}/orders_db"
    async with open_database(nowhere, PoolOptions()) as database:
        report = await AvailabilityProbe(database, nowhere).check()
    assert (report.database_state, report.reason) == (
        DatabaseState.UNAVAILABLE,
        "it cannot be queried (ConnectionRefusedError)",
    )


# Read-only databases


async def test_a_read_only_database_is_not_ready(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """Server and worker report it over gRPC, HTTP and the CLI, and are ready within two seconds after the
    repair.
    """
    port, worker_port = find_free_port(), find_free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}")
    worker = processes.worker(database_url, worker_http_addr=f"127.0.0.1:{worker_port}")
    await server.wait_until_serving()
    await worker.wait_until_serving()
    await _alter(database_url, READ_ONLY)
    await sql.execute(END_SESSIONS)
    await server.wait_until_not_serving(within=5)
    await worker.wait_until_not_serving(within=5)
    for page in (port, worker_port):
        report = await eventually(lambda page=page: _find_report(page, "read_only"))  # type: ignore[misc]
        assert report is not None
        assert (report["http"], report["status"]) == (503, "not ready")
        assert report["reason"] == "the database can't be written to: it is read-only"
    health = await run_command(server.address, "health")
    assert health.exit_code == 1
    assert ["database", "read_only"] in [line.split()[:2] for line in health.stdout_text.splitlines()]
    await _alter(database_url, READ_WRITE)
    await server.wait_until_serving(within=2.5)
    await worker.wait_until_serving(within=2.5)
    assert await eventually(lambda: _find_report(port, "writable"))


async def test_a_rejected_write_detects_a_database_that_became_read_only(
    database_url: str,
) -> None:
    """Existing sessions can write, so it stays ready. The first rejected write triggers a new probe."""
    async with open_database(database_url, PoolOptions(max_connections=2)) as database:
        probe = AvailabilityProbe(database, database_url)
        assert await _wait_for_state(probe) is DatabaseState.WRITABLE
        await _alter(database_url, READ_ONLY)
        assert await _wait_for_state(probe) is DatabaseState.WRITABLE
        database.has_rejected_write = True
        assert await _wait_for_state(probe) is DatabaseState.READ_ONLY
        await _alter(database_url, READ_WRITE)
        assert await _wait_for_state(probe) is DatabaseState.WRITABLE
        assert not database.has_rejected_write


@pytest.mark.slow
async def test_a_full_disk_is_not_ready_until_there_is_room(processes: Processes, postgres: str) -> None:
    """From the first rejected write on. Then it becomes ready without further calls."""
    port = find_free_port()
    async with open_small_disk(postgres) as disk:
        server = processes.server(disk.database_url, http_addr=f"127.0.0.1:{port}")
        await server.wait_until_serving()
        async with open_client(server.address) as api:
            await api.orders.CreateOrder(create_order())
            disk.fill()
            await eventually(lambda: _is_rejected(api))
            await server.wait_until_not_serving(within=3)
            report = await eventually(lambda: _find_report(port, "full"))
            assert report is not None
            assert report["http"] == 503
            disk.clear()
            await server.wait_until_serving(within=3)
            await api.orders.CreateOrder(create_order())
        await server.terminate_and_wait()


async def _is_rejected(api: Api) -> bool:
    lines = [item(f"SKU-{number}") for number in range(500)]
    calls = (is_order_rejected(api, create_order(items=lines)) for _ in range(20))
    return any(await asyncio.gather(*calls))


async def is_order_rejected(api: Api, request: Any) -> bool:
    """Return whether an order is rejected because the database is unavailable."""
    try:
        await api.orders.CreateOrder(request)
    except Exception:
        return (await expect_failure(api.orders.CreateOrder(request))).reason == "DATABASE_UNAVAILABLE"
    return False


# While it drains


async def test_a_draining_server_is_not_ready_until_its_end(processes: Processes, database_url: str) -> None:
    """Over HTTP and gRPC, in every response until it exits."""
    port = find_free_port()
    settings = {"drain_delay": "1500ms", "readiness_interval": "50ms"}
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}", **settings)
    await server.wait_until_serving()
    server.send_signal(signal.SIGTERM)
    await server.wait_until_not_serving()
    responses = 0
    while (report := await _report_or_none(port)) is not None:
        assert (report["http"], report["reason"]) == (503, "this process is shutting down")
        responses += 1
    assert responses > 10
    assert await server.wait_for_exit() == 0


@pytest.mark.slow
async def test_a_draining_worker_is_not_ready_until_its_end(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """While it finishes its step. It is live."""
    port = find_free_port()
    worker = processes.worker(database_url, worker_http_addr=f"127.0.0.1:{port}")
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    await sql.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON outbox FOR EACH ROW WHEN (NEW.actor LIKE 'worker/%')
            EXECUTE FUNCTION slow();
    """)
    server = processes.server(database_url)
    await server.wait_until_serving()
    async with open_client(server.address) as api:
        await api.orders.CreateOrder(create_order())

    async def is_in_a_step() -> bool:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'"
        return bool(await sql.fetchval(sleeping, database_url.rpartition("/")[2]))

    await eventually(is_in_a_step)
    worker.send_signal(signal.SIGTERM)
    await worker.wait_until_not_serving()
    report = await _read_report(port)
    assert (report["http"], report["reason"]) == (503, "this process is shutting down")
    assert await worker.is_serving("liveness")
    assert await worker.wait_for_exit() == 0


async def _report_or_none(port: int) -> dict[str, Any] | None:
    try:
        return await _read_report(port)
    except OSError:
        return None


# Kafka


async def test_the_state_of_kafka_is_that_of_the_last_relay_report(
    processes: Processes, database_url: str
) -> None:
    """In all processes. It affects readiness only with READINESS_REQUIRES_KAFKA."""
    port, strict_port, worker_port = find_free_port(), find_free_port(), find_free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}")
    await server.wait_until_serving()
    assert (await _read_report(port))["kafka"] == {"state": "no_relay"}
    settings = {"http_addr": f"127.0.0.1:{strict_port}", "readiness_requires_kafka": "true"}
    strict = processes.server(database_url, **settings)
    settings = {"worker_roles": "fulfillment,relay", "worker_http_addr": f"127.0.0.1:{worker_port}"}
    worker = processes.worker(database_url, kafka_brokers=UNREACHABLE_KAFKA, **settings)
    await worker.wait_until_serving(RELAY_HEALTH)

    await eventually(lambda: _has_kafka_state(port, "failing"))
    report = await _read_report(port)
    assert report["http"] == 200
    assert report["kafka"]["since"].endswith("Z")
    await eventually(lambda: _has_kafka_state(worker_port, "failing"))

    async def is_strict_server_unready() -> bool:
        report = await _read_report(strict_port)
        return report["http"] == 503 and "events do not reach Kafka" in report["reason"]

    await eventually(is_strict_server_unready)
    assert not await strict.is_serving()


async def _has_kafka_state(port: int, state: str) -> bool:
    return bool((await _read_report(port))["kafka"]["state"] == state)


async def test_kafka_is_unknown_without_reports_of_a_relay(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """Since the last report, with the number of unpublished events."""
    port = find_free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}", readiness_interval="50ms")
    await server.wait_until_serving()
    await sql.execute("""
        INSERT INTO relay_reports VALUES ('kafka', 'gone', 'publishing', now() - interval '1 h',
                                          now() - interval '11 s')""")
    await sql.execute("INSERT INTO relay_positions VALUES ('kafka', 0)")
    async with open_client(server.address) as api:
        for _ in range(3):
            await api.orders.CreateOrder(create_order())

    async def has_backlog() -> bool:
        kafka = (await _read_report(port))["kafka"]
        # Positions may have gaps.
        return bool(kafka["state"] == "unknown" and kafka.get("backlog", 0) >= 3)

    await eventually(has_backlog)
    health = await run_command(server.address, "health")
    row = next(line.split() for line in health.stdout_text.splitlines() if line.startswith("kafka"))
    assert (row[1], row[-2]) == ("unknown", "backlog")
