"""Servers and workers behind a PgBouncer in transaction mode: they share few sessions, and keep none."""

import re
import signal

import asyncpg
import pytest

from tests.support.invariants import Sql, broken_promises, record_epochs
from tests.support.pgbouncer import CONFIGURATION, pgbouncer
from tests.support.processes import FULFILLMENT, Processes, open_client
from tests.support.several import Callers, Several
from tests.support.site import Site
from tests.support.traffic import traffic
from wms_core.postgres.database import PoolOptions, session_settings

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

#: What PgBouncer keeps for each of its clients, whichever session it gives it.
FOLLOWED = {"application_name", "timezone"}
#: Sessions for the 40 connections of two server processes and two workers.
SESSIONS = 8


def test_sessions_are_set_up_as_ours() -> None:
    """PgBouncer's configuration says of each what our pool would, and lets our pool say it in vain."""
    ours = {name: value for name, value in session_settings(PoolOptions()).items() if name not in FOLLOWED}
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert dict(re.findall(r"SET (\w+) = ([\w.]+)", text)) == ours
    (ignored,) = re.findall(r"^ignore_startup_parameters = (.*)$", text, re.MULTILINE)
    assert set(ignored.split(",")) == set(ours)


@pytest.mark.timeout(240)
async def test_orders_are_fulfilled_through_it_and_a_killed_worker_is_followed(
    processes: Processes, empty_database_url: str
) -> None:
    """From an empty database on: two processes make the schema, two workers share a role, callers call."""
    with pgbouncer(empty_database_url, SESSIONS) as bouncer:
        server = Several(processes, bouncer.url, **bouncer.environment)
        await server.serving()
        made = [bool(entry["applied"]) for entry in server.supervisor.said("schema_ready")]
        assert sorted(made) == [False, True]
        sql = await asyncpg.connect(empty_database_url)
        try:
            await record_epochs(sql)
            first = processes.worker(bouncer.url, worker_id="first", **bouncer.environment)
            await first.serving(FULFILLMENT)
            second = processes.worker(bouncer.url, worker_id="second", **bouncer.environment)
            await second.serving()
            callers = Callers()
            async with (
                open_client(server.supervisor.address) as api,
                traffic(Site(api)) as placed,
                callers.calling(server.supervisor.address, 20),
            ):
                await callers.get_on(200)
                first.signal(signal.SIGKILL)
                await second.serving(FULFILLMENT)
                await callers.get_on(200)
            assert placed
            assert await callers.lost(sql) == set()
            assert await broken_promises(sql) == []
            assert await left_behind(sql) == []
        finally:
            await sql.close()
        # Another start finds the schema, and nobody who keeps it from looking.
        assert await server.stopped() == 0
        again = processes.server(bouncer.url, **bouncer.environment)
        await again.serving()


async def left_behind(sql: Sql) -> list[str]:
    """Say what is wrong with the sessions of others: too many, or locks that outlive their transaction."""
    sessions = await sql.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    found = [f"{len(sessions)} sessions"] if len(sessions) > SESSIONS else []
    locks = await sql.fetch(
        "SELECT l.pid, l.classid, l.objid FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory' AND a.datname = current_database() AND a.state = 'idle'"
    )
    return found + [f"session {row['pid']} keeps a lock {row['classid']}, {row['objid']}" for row in locks]


async def test_nothing_of_a_transaction_is_left_in_a_session(processes: Processes, database_url: str) -> None:
    """What the cycle tells the planner ends with it, and what we want of each session stays."""
    with pgbouncer(database_url, 2) as bouncer:
        worker = processes.worker(bouncer.url, **bouncer.environment)
        await worker.serving(FULFILLMENT)
        # At one of the two sessions, whichever is free.
        looking = await asyncpg.connect(bouncer.url, statement_cache_size=0)
        try:
            for _ in range(50):
                row = await looking.fetchrow(
                    "SELECT current_setting('enable_seqscan') AS seqscan,"
                    " current_setting('plan_cache_mode') AS plans,"
                    " current_setting('statement_timeout') AS longest,"
                    " current_setting('enable_bitmapscan') AS bitmaps"
                )
                assert row is not None
                assert tuple(row) == ("on", "auto", "15s", "off")
        finally:
            await looking.close()
        assert await worker.stopped() == 0
