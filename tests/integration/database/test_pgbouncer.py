"""Servers and workers behind PgBouncer in transaction mode share few sessions and leave no session state."""

import re
import signal

import asyncpg
import pytest

from tests.support.builders.load import run_order_load
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.external.pgbouncer import CONFIGURATION, run_pgbouncer
from tests.support.invariants.database import SqlConnection, find_all_violations, record_epochs
from tests.support.processes.processes import FULFILLMENT_HEALTH, Processes, open_client
from tests.support.processes.server_group import ConcurrentCallers, ServerGroup
from wms_core.postgres.database import PoolOptions, build_session_settings

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

#: The settings that PgBouncer tracks for each client.
TRACKED_SETTINGS = {"application_name", "timezone"}
#: The sessions for the 40 connections of two server processes and two workers.
MAX_SESSIONS = 8


def test_sessions_have_the_settings_of_the_pool() -> None:
    """The configuration of PgBouncer sets them and ignores those of the pool."""
    pool_settings = {
        name: value
        for name, value in build_session_settings(PoolOptions()).items()
        if name not in TRACKED_SETTINGS
    }
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert dict(re.findall(r"SET (\w+) = ([\w.]+)", text)) == pool_settings
    (ignored,) = re.findall(r"^ignore_startup_parameters = (.*)$", text, re.MULTILINE)
    assert set(ignored.split(",")) == set(pool_settings)


@pytest.mark.timeout(240)
async def test_orders_are_fulfilled_through_pgbouncer_during_a_failover(
    processes: Processes, empty_database_url: str
) -> None:
    """Two processes create the schema, two workers share a role, and one of them is killed."""
    with run_pgbouncer(empty_database_url, MAX_SESSIONS) as pgbouncer:
        server = ServerGroup(processes, pgbouncer.url, **pgbouncer.environment)
        await server.wait_until_serving()
        has_migrated = [
            bool(entry["applied"]) for entry in server.supervisor.find_log_entries("schema_ready")
        ]
        assert sorted(has_migrated) == [False, True]
        sql = await asyncpg.connect(empty_database_url)
        try:
            await record_epochs(sql)
            first = processes.worker(pgbouncer.url, worker_id="first", **pgbouncer.environment)
            await first.wait_until_serving(FULFILLMENT_HEALTH)
            second = processes.worker(pgbouncer.url, worker_id="second", **pgbouncer.environment)
            await second.wait_until_serving()
            callers = ConcurrentCallers()
            async with (
                open_client(server.supervisor.address) as api,
                run_order_load(WarehouseDriver(api)) as placed_ids,
                callers.place_orders_concurrently(server.supervisor.address, 20),
            ):
                await callers.wait_for_progress(200)
                first.send_signal(signal.SIGKILL)
                await second.wait_until_serving(FULFILLMENT_HEALTH)
                await callers.wait_for_progress(200)
            assert placed_ids
            assert await callers.find_lost_orders(sql) == set()
            assert await find_all_violations(sql) == []
            assert await find_session_problems(sql) == []
        finally:
            await sql.close()
        # A restarted server finds the schema and no lock that blocks its check.
        assert await server.terminate_and_wait() == 0
        restarted = processes.server(pgbouncer.url, **pgbouncer.environment)
        await restarted.wait_until_serving()


async def find_session_problems(sql: SqlConnection) -> list[str]:
    """Return the problems of other sessions: too many, or locks that outlive their transaction."""
    sessions = await sql.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    problems = [f"{len(sessions)} sessions"] if len(sessions) > MAX_SESSIONS else []
    locks = await sql.fetch(
        "SELECT l.pid, l.classid, l.objid FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE l.locktype = 'advisory' AND a.datname = current_database() AND a.state = 'idle'"
    )
    return problems + [f"session {row['pid']} keeps a lock {row['classid']}, {row['objid']}" for row in locks]


async def test_transaction_settings_do_not_leak_into_sessions(
    processes: Processes, database_url: str
) -> None:
    """Planner settings of the cycle end with its transaction, and session settings remain."""
    with run_pgbouncer(database_url, 2) as pgbouncer:
        worker = processes.worker(pgbouncer.url, **pgbouncer.environment)
        await worker.wait_until_serving(FULFILLMENT_HEALTH)
        # This uses one of the two sessions, whichever is free.
        connection = await asyncpg.connect(pgbouncer.url, statement_cache_size=0)
        try:
            for _ in range(50):
                row = await connection.fetchrow(
                    "SELECT current_setting('enable_seqscan') AS seqscan,"
                    " current_setting('plan_cache_mode') AS plans,"
                    " current_setting('statement_timeout') AS longest,"
                    " current_setting('enable_bitmapscan') AS bitmaps"
                )
                assert row is not None
                assert tuple(row) == ("on", "auto", "15s", "off")
        finally:
            await connection.close()
        assert await worker.terminate_and_wait() == 0
