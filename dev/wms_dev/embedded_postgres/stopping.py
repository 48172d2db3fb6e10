"""How a Postgres is stopped, politely first."""

import contextlib
import signal
import time
from collections.abc import Callable

from wms_dev.embedded_postgres.waiting import Pause, until

# Fast shutdown, immediate shutdown (recovers at the next start), and for a frozen one the end.
STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 4.0))
STOP_SECONDS = sum(seconds for _, seconds in STEPS)


def stop_postgres(
    is_there: Callable[[], bool], send: Callable[[signal.Signals], None], pause: Pause = time.sleep
) -> None:
    """Signal a postmaster until it is gone, each time only if it is still there. At most `STOP_SECONDS`."""
    for step, seconds in STEPS:
        if not is_there():
            return
        with contextlib.suppress(ProcessLookupError):
            send(step)
        until(lambda: not is_there(), seconds, pause)
