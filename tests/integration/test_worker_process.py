"""Workers as processes of their own: who is active, who takes over, how they end."""

import asyncio
import signal
import socket

import pytest

from tests.support.invariants import Sql, breaches, broken_promises, record_epochs
from tests.support.processes import FULFILLMENT, Process, Processes, start_active_and_passive
from tests.support.proxy import open_proxy
from tests.support.site import Site
from tests.support.traffic import traffic
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]


#: Long enough that a busy machine does not end a term.
_LEASE = "3s"


async def test_of_two_workers_one_is_active(processes: Processes, database_url: str) -> None:
    """The other one is healthy and passive, and each says in its log what it is."""
    first, second = await start_active_and_passive(processes, database_url, standalone_lease="60s")
    assert await first.is_serving()
    assert await first.is_serving(FULFILLMENT)
    await eventually(lambda: _said(second, "passive"))
    assert [entry["worker_id"] for entry in first.said("active")] == ["first"]
    assert second.said("active") == []
    assert await second.stopped(within=5) == 0
    assert await first.is_serving(FULFILLMENT)


async def test_an_active_worker_that_is_stopped_hands_over_at_once(
    site: Site, processes: Processes, database_url: str, sql: Sql
) -> None:
    """The next one does not wait for the lease, and no order is lost or served twice."""
    await record_epochs(sql)
    async with traffic(site):
        first, second = await start_active_and_passive(processes, database_url, standalone_lease="60s")
        assert await first.stopped() == 0
        await second.serving(FULFILLMENT, within=3)
    assert await broken_promises(sql) == []


async def test_an_active_worker_that_is_killed_is_replaced_after_its_lease(
    site: Site, processes: Processes, database_url: str, sql: Sql
) -> None:
    """What it had begun is rolled back, and the next one goes on from what is in the database."""
    await record_epochs(sql)
    async with traffic(site):
        first, second = await start_active_and_passive(processes, database_url, standalone_lease=_LEASE)
        first.signal(signal.SIGKILL)
        await second.serving(FULFILLMENT, within=6)
    assert await broken_promises(sql) == []


async def test_a_worker_that_was_frozen_longer_than_its_lease_writes_nothing_more(
    site: Site, processes: Processes, database_url: str, sql: Sql
) -> None:
    """Thawed, it finds itself deposed, says so, is passive, and takes over again when it is its turn."""
    await record_epochs(sql)
    async with traffic(site):
        first, second = await start_active_and_passive(processes, database_url, standalone_lease=_LEASE)
        first.signal(signal.SIGSTOP)
        await second.serving(FULFILLMENT, within=10)
        first.signal(signal.SIGCONT)
        await first.not_serving(FULFILLMENT, within=3)
        await eventually(lambda: _said(first, "stepped_down"))
        assert await second.is_serving(FULFILLMENT)
        assert await second.stopped() == 0
        await first.serving(FULFILLMENT, within=4)
    assert await broken_promises(sql) == []
    assert await sql.fetchval("SELECT count(DISTINCT epoch) FROM recorded_writes") == 3


async def test_a_worker_that_is_frozen_in_the_middle_of_a_transaction_can_be_followed(
    site: Site, processes: Processes, database_url: str, sql: Sql
) -> None:
    """Its session is ended by the one who takes over; its orders are served all the same."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 10))
    first, second = await start_active_and_passive(processes, database_url, standalone_lease=_LEASE)
    await sql.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.status = 'validated')
            EXECUTE FUNCTION slow();
    """)
    order_id = await site.order()

    async def at_it() -> bool:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        return bool(await sql.fetchval(sleeping))

    await eventually(at_it)
    first.signal(signal.SIGSTOP)
    await second.serving(FULFILLMENT, within=8)
    await sql.execute("DROP TRIGGER slow ON orders")
    first.signal(signal.SIGCONT)

    async def picking() -> bool:
        return await site.status(order_id) == "PICKING"

    await eventually(picking)
    await eventually(lambda: _said(first, "stepped_down"))
    assert await breaches(sql) == []


async def test_a_worker_that_is_stopped_finishes_its_step(
    site: Site, processes: Processes, database_url: str, sql: Sql
) -> None:
    """What is at work is committed, the role is free, the exit code is 0."""
    await site.open()
    worker = processes.worker(database_url, standalone_lease="60s")
    await worker.serving(FULFILLMENT)
    await sql.execute("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(0.7); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.status = 'validated')
            EXECUTE FUNCTION slow();
    """)
    order_id = await site.order()

    async def at_it() -> bool:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        return bool(await sql.fetchval(sleeping))

    await eventually(at_it)
    assert await worker.stopped() == 0
    assert await site.status(order_id) == "VALIDATED"
    assert await sql.fetchval("SELECT worker_id FROM worker_roles WHERE role = 'fulfillment'") is None


async def test_a_worker_starts_before_its_database_and_its_schema(
    processes: Processes, empty_database_url: str
) -> None:
    """It is alive and passive while it waits, then brings the schema up to date and works."""
    async with open_proxy(empty_database_url) as proxy:
        await proxy.cut()
        worker = processes.worker(proxy.url)
        await worker.serving("liveness")
        assert not await worker.is_serving()
        await eventually(lambda: _said(worker, "waiting_for_database"))
        assert not await worker.is_serving(FULFILLMENT)
        await proxy.heal()
        await worker.serving(FULFILLMENT)
        assert await worker.stopped() == 0


async def test_a_worker_that_waits_for_its_database_can_be_stopped(processes: Processes) -> None:
    """It does not hang because there is nothing to talk to."""
    worker = processes.worker("postgresql://nobody@127.0.0.1:1/none")
    await worker.serving("liveness")
    assert await worker.stopped(within=5) == 0


@pytest.mark.parametrize("role", ["active", "passive"])
async def test_a_worker_whose_database_has_gone_silent_can_be_stopped(
    processes: Processes, database_url: str, role: str
) -> None:
    """Whatever it waits for just then, its end is not forgotten."""
    async with open_proxy(database_url) as proxy:
        if role == "passive":
            await processes.worker(database_url).serving(FULFILLMENT)
        worker = processes.worker(proxy.url, database_statement_timeout="1s", drain_grace="1s")
        await eventually(lambda: _said(worker, role))
        proxy.freeze()
        await asyncio.sleep(0.5)  # Into the next claim or heartbeat, which gets no answer.
        assert await worker.stopped(within=15) == 0


async def test_a_worker_whose_port_is_taken_says_so(processes: Processes, database_url: str) -> None:
    """It names the variable, and ends."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        worker = processes.worker(database_url, f"127.0.0.1:{taken.getsockname()[1]}")
        assert await worker.ended() == 1
    assert "WORKER_ADDR" in worker.text
    assert "Traceback" not in worker.text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://somewhere"),
        ("WORKER_ADDR", "nowhere"),
        ("STANDALONE_LEASE", "0"),
        ("WORKER_ID", "not an id"),
    ],
)
async def test_a_wrong_variable_is_named(
    processes: Processes, database_url: str, variable: str, value: str
) -> None:
    """One line says which one it is; there is no traceback."""
    given = {"DATABASE_URL": database_url, variable: value}
    address = given.pop("WORKER_ADDR", "")
    worker = processes.worker(
        given.pop("DATABASE_URL"), address, **{name.lower(): one for name, one in given.items()}
    )
    assert await worker.ended() == 1
    assert variable in worker.text
    assert "Traceback" not in worker.text


async def _said(process: Process, event: str) -> bool:
    return bool(process.said(event))
