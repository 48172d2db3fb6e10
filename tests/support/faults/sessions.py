"""End sessions of Postgres, as a restart or a failover does."""

import asyncio
import threading

from tests.support.invariants.event_log import open_connection

END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'wms-orders' AND pid <> pg_backend_pid()
"""


def end_sessions_unnoticed(url: str) -> int:
    """End all sessions of the service before it can notice. Return their number."""
    ended_sessions: list[object] = []

    async def end() -> None:
        async with open_connection(url) as sql:
            ended_sessions.extend(await sql.fetch(END_SESSIONS))

    # Joining a thread blocks the test's event loop, so the service can't see the closed sockets.
    thread = threading.Thread(target=lambda: asyncio.run(end()))
    thread.start()
    thread.join()
    return len(ended_sessions)
