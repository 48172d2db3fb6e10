"""Shutdown of Postgres, fast first."""

import contextlib
import signal
import time
from collections.abc import Callable

from wms_dev.embedded.postgres.polling import Wait, wait_until

# Fast shutdown; immediate shutdown, with recovery at the next start; kill for a frozen process.
SHUTDOWN_STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 4.0))
STOP_TIMEOUT_SECONDS = sum(seconds for _, seconds in SHUTDOWN_STEPS)


def stop_postgres(
    is_running: Callable[[], bool], send: Callable[[signal.Signals], None], wait: Wait = time.sleep
) -> None:
    """Signal a postmaster until it has exited, within `STOP_TIMEOUT_SECONDS`."""
    for shutdown_signal, seconds in SHUTDOWN_STEPS:
        if not is_running():
            return
        with contextlib.suppress(ProcessLookupError):
            send(shutdown_signal)
        wait_until(lambda: not is_running(), seconds, wait)
