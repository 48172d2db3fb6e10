"""Readiness: whether the database takes writes and how Kafka is, alike over gRPC, HTTP and by the CLI."""

import asyncio
import json
import signal
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.cli import run
from tests.support.event_log import connected
from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.pages import get
from tests.support.processes import FULFILLMENT, NO_KAFKA, RELAY, Processes, open_client
from tests.support.requests import create_order, item
from tests.support.small_disk import open_small_disk
from tests.support.waiting import eventually
from wms_core.postgres.availability import AvailabilityProbe, DatabaseState
from wms_core.postgres.database import PoolOptions, open_database
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres

READ_ONLY = "ALTER DATABASE {name} SET default_transaction_read_only = on"
READ_WRITE = "ALTER DATABASE {name} RESET default_transaction_read_only"
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def _alter(database_url: str, statement: str) -> None:
    async with connected(database_url) as sql:
        name = database_url.rpartition("/")[2].partition("?")[0]
        await sql.execute("SET default_transaction_read_only = off")
        await sql.execute(statement.format(name=f'"{name}"'))


async def _report(port: int) -> dict[str, Any]:
    """Return the page `/ready`, with the number of its status."""
    status, body = await get(port, "/ready")
    return {"http": status, **json.loads(body)}


async def _report_of(port: int, state: str) -> dict[str, Any] | None:
    """Return the page once it has this state of the database; a busy database is away for a moment."""
    report = await _report(port)
    return report if report["database"]["state"] == state else None


async def _state(probe: AvailabilityProbe) -> DatabaseState:
    """Return what the database can do, once it has answered in time."""

    async def answered() -> DatabaseState | None:
        state = (await probe.check()).database
        return None if state is DatabaseState.UNAVAILABLE else state

    found = await eventually(answered)
    assert found is not None
    return found


# The probe


async def test_a_session_that_is_read_only_by_itself_is_no_read_only_database(database_url: str) -> None:
    """A new session decides: one of the pool may be from a time that is over."""
    async with open_database(database_url, PoolOptions(max_size=1)) as database:
        await database.pool.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        assert await _state(AvailabilityProbe(database, database_url)) is DatabaseState.WRITABLE


async def test_a_pool_that_is_busy_is_no_database_that_is_away(database_url: str) -> None:
    """The probe asks by a session of its own when the pool has none to spare."""
    async with open_database(database_url, PoolOptions(max_size=1)) as database, database.pool.acquire():
        assert await _state(AvailabilityProbe(database, database_url)) is DatabaseState.WRITABLE


async def test_a_database_that_is_away_is_named_without_its_address(database_url: str) -> None:
    """The page is read by strangers, too."""
    nowhere = f"postgresql://orders:secret@127.0.0.1:{free_port()}/orders_db"
    async with open_database(nowhere, PoolOptions()) as database:
        found = await AvailabilityProbe(database, nowhere).check()
    assert (found.database, found.reason) == (
        DatabaseState.UNAVAILABLE,
        "it can't be asked (ConnectionRefusedError)",
    )


# Databases that take no writes


async def test_a_read_only_database_is_not_ready(processes: Processes, database_url: str, sql: Sql) -> None:
    """Server and worker say so, over gRPC, HTTP and the CLI, and are ready within two seconds of the cure."""
    port, worker_port = free_port(), free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}")
    worker = processes.worker(database_url, worker_http_addr=f"127.0.0.1:{worker_port}")
    await server.serving()
    await worker.serving()
    await _alter(database_url, READ_ONLY)
    await sql.execute(END_SESSIONS)
    await server.not_serving(within=5)
    await worker.not_serving(within=5)
    for page in (port, worker_port):
        report = await eventually(lambda page=page: _report_of(page, "read_only"))  # type: ignore[misc]
        assert report is not None
        assert (report["http"], report["status"]) == (503, "not ready")
        assert report["reason"] == "the database can't be written to: it is read-only"
    shown = await run(server.address, "health")
    assert shown.code == 1
    assert ["database", "read_only"] in [line.split()[:2] for line in shown.text.splitlines()]
    await _alter(database_url, READ_WRITE)
    await server.serving(within=2.5)
    await worker.serving(within=2.5)
    assert await eventually(lambda: _report_of(port, "writable"))


async def test_a_database_that_turns_read_only_for_new_sessions_is_noticed_by_a_refused_write(
    database_url: str,
) -> None:
    """Sessions of before go on writing, so it is ready; the first refused write has the probe look closer."""
    async with open_database(database_url, PoolOptions(max_size=2)) as database:
        probe = AvailabilityProbe(database, database_url)
        assert await _state(probe) is DatabaseState.WRITABLE
        await _alter(database_url, READ_ONLY)
        assert await _state(probe) is DatabaseState.WRITABLE
        database.write_was_refused = True
        assert await _state(probe) is DatabaseState.READ_ONLY
        await _alter(database_url, READ_WRITE)
        assert await _state(probe) is DatabaseState.WRITABLE
        assert not database.write_was_refused


@pytest.mark.slow
async def test_a_full_disk_is_not_ready_until_there_is_room(processes: Processes, postgres: str) -> None:
    """From the first write that is refused; then it is ready by itself, though nobody calls."""
    port = free_port()
    async with open_small_disk(postgres) as disk:
        server = processes.server(disk.database_url, http_addr=f"127.0.0.1:{port}")
        await server.serving()
        async with open_client(server.address) as api:
            await api.orders.CreateOrder(create_order())
            disk.fill()
            await eventually(lambda: _is_refused(api))
            await server.not_serving(within=3)
            report = await eventually(lambda: _report_of(port, "full"))
            assert report is not None
            assert report["http"] == 503
            disk.clear()
            await server.serving(within=3)
            await api.orders.CreateOrder(create_order())
        await server.stopped()


async def _is_refused(api: Api) -> bool:
    lines = [item(f"SKU-{number}") for number in range(500)]
    calls = (failing_or_none(api, create_order(items=lines)) for _ in range(20))
    return any(await asyncio.gather(*calls))


async def failing_or_none(api: Api, request: Any) -> bool:
    """Say whether an order is refused because the database is unavailable."""
    try:
        await api.orders.CreateOrder(request)
    except Exception:
        return (await failing(api.orders.CreateOrder(request))).reason == "DATABASE_UNAVAILABLE"
    return False


# While it drains


async def test_a_draining_server_is_not_ready_until_its_end(processes: Processes, database_url: str) -> None:
    """By HTTP as by gRPC, in every answer for as long as there is one."""
    port = free_port()
    settings = {"drain_delay": "1500ms", "readiness_interval": "50ms"}
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}", **settings)
    await server.serving()
    server.signal(signal.SIGTERM)
    await server.not_serving()
    answers = 0
    while (report := await _report_or_none(port)) is not None:
        assert (report["http"], report["reason"]) == (503, "this process is shutting down")
        answers += 1
    assert answers > 10
    assert await server.ended() == 0


@pytest.mark.slow
async def test_a_draining_worker_is_not_ready_until_its_end(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """While it finishes its step; it is alive."""
    port = free_port()
    worker = processes.worker(database_url, worker_http_addr=f"127.0.0.1:{port}")
    await worker.serving(FULFILLMENT)
    await sql.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON outbox FOR EACH ROW WHEN (NEW.actor LIKE 'worker/%')
            EXECUTE FUNCTION slow();
    """)
    server = processes.server(database_url)
    await server.serving()
    async with open_client(server.address) as api:
        await api.orders.CreateOrder(create_order())

    async def is_in_a_step() -> bool:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event = 'PgSleep'"
        return bool(await sql.fetchval(sleeping, database_url.rpartition("/")[2]))

    await eventually(is_in_a_step)
    worker.signal(signal.SIGTERM)
    await worker.not_serving()
    report = await _report(port)
    assert (report["http"], report["reason"]) == (503, "this process is shutting down")
    assert await worker.is_serving("liveness")
    assert await worker.ended() == 0


async def _report_or_none(port: int) -> dict[str, Any] | None:
    try:
        return await _report(port)
    except OSError:
        return None


# Kafka


async def test_kafka_is_told_of_as_the_relay_has_reported_it(processes: Processes, database_url: str) -> None:
    """By all processes; it is fatal only where READINESS_REQUIRES_KAFKA says so."""
    port, strict_port, worker_port = free_port(), free_port(), free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}")
    await server.serving()
    assert (await _report(port))["kafka"] == {"state": "no_relay"}
    settings = {"http_addr": f"127.0.0.1:{strict_port}", "readiness_requires_kafka": "true"}
    strict = processes.server(database_url, **settings)
    settings = {"worker_roles": "fulfillment,relay", "worker_http_addr": f"127.0.0.1:{worker_port}"}
    worker = processes.worker(database_url, kafka_brokers=NO_KAFKA, **settings)
    await worker.serving(RELAY)

    await eventually(lambda: _kafka_is(port, "failing"))
    report = await _report(port)
    assert report["http"] == 200
    assert report["kafka"]["since"].endswith("Z")
    await eventually(lambda: _kafka_is(worker_port, "failing"))

    async def strict_says_why() -> bool:
        report = await _report(strict_port)
        return report["http"] == 503 and "events do not reach Kafka" in report["reason"]

    await eventually(strict_says_why)
    assert not await strict.is_serving()


async def _kafka_is(port: int, state: str) -> bool:
    return bool((await _report(port))["kafka"]["state"] == state)


async def test_a_relay_that_reports_no_more_leaves_kafka_unknown(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """Since its last report, with the events that it has left behind."""
    port = free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}", readiness_interval="50ms")
    await server.serving()
    await sql.execute("""
        INSERT INTO relay_reports VALUES ('kafka', 'gone', 'publishing', now() - interval '1 h',
                                          now() - interval '11 s')""")
    await sql.execute("INSERT INTO relay_positions VALUES ('kafka', 0)")
    async with open_client(server.address) as api:
        for _ in range(3):
            await api.orders.CreateOrder(create_order())

    async def counted() -> bool:
        kafka = (await _report(port))["kafka"]
        # Positions may have gaps.
        return bool(kafka["state"] == "unknown" and kafka.get("backlog", 0) >= 3)

    await eventually(counted)
    shown = await run(server.address, "health")
    row = next(line.split() for line in shown.text.splitlines() if line.startswith("kafka"))
    assert (row[1], row[-2]) == ("unknown", "backlog")
