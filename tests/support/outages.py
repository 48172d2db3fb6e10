"""Sessions that the server ends, as a restart or a failover does."""

import asyncio
import threading

from tests.support.event_log import connected

END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'wms-orders' AND pid <> pg_backend_pid()
"""


def end_sessions_unnoticed(url: str) -> int:
    """End every session of the service, so that it can't notice before it uses them; gives how many."""
    ended: list[object] = []

    async def end() -> None:
        async with connected(url) as sql:
            ended.extend(await sql.fetch(END_SESSIONS))

    # In a thread that is waited for: meanwhile the loop of the test stands still.
    thread = threading.Thread(target=lambda: asyncio.run(end()))
    thread.start()
    thread.join()
    return len(ended)
