"""A process that serves: the only one, or `python -m wms_server.process NUMBER PIPE`, one of several."""

import asyncio
import gc
import os
import shutil
import signal
import sys
from contextlib import nullcontext

import structlog
import uvloop

from wms_core.file_descriptors import raise_descriptor_limit, watch_descriptors
from wms_core.listeners import AddressError, PortInUse
from wms_core.logs import configure_logging
from wms_core.postgres.migrate import MigrationError
from wms_core.postgres.start import DatabaseRefused
from wms_core.settings import read_settings
from wms_core.tasks import running, until_terminated
from wms_server.app import open_application
from wms_server.heap import limit_heaps
from wms_server.pulse import beat
from wms_server.settings import ServerSettings
from wms_server.shared_metrics import share_metrics, shared_folder


def run(settings: ServerSettings, number: int | None = None, pulse: int | None = None) -> None:
    """Serve until a signal asks to end; as one of several with a number, and a pipe to say by that it lives.

    Exits with a sentence when it can't start, and trying again would not help.
    """
    limit_heaps()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, number, pulse))
    except (AddressError, PortInUse, MigrationError, DatabaseRefused) as error:
        raise SystemExit(f"The server can't start: {error}") from None


async def _serve(settings: ServerSettings, number: int | None, pulse: int | None) -> None:
    hurry = asyncio.Event()
    beating = nullcontext() if pulse is None else running(beat(pulse))
    fitting = settings.within_descriptors(raise_descriptor_limit())
    async with (
        beating,
        running(watch_descriptors()),
        open_application(fitting, number=number, hurry=hurry) as work,
    ):
        # What is there now stays for ever: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        await until_terminated(work)
        # One of several may be told to end by its supervisor and by systemd: that is no second request.
        hurrying = {signal.SIGINT} if number is not None else {signal.SIGINT, signal.SIGTERM}
        for one in hurrying:
            asyncio.get_running_loop().add_signal_handler(one, hurry.set)


def main(number: int, pulse: int) -> None:
    """Serve as one of several, whose supervisor listens to its pulse.

    What it exits with tells the supervisor whether to start it again.
    """
    supervisor = os.getppid()
    try:
        settings = read_settings(ServerSettings)
        configure_logging(settings.log_level, settings.log_format, settings.service_name)
        structlog.contextvars.bind_contextvars(pid=os.getpid())
        share_metrics(str(number))
        run(settings, number, pulse)
    except SystemExit as refusal:
        sys.stderr.write(f"{refusal}\n")
        raise SystemExit(os.EX_CONFIG) from None
    finally:
        if os.getppid() != supervisor:
            # It was killed, and can't clear away any more.
            shutil.rmtree(shared_folder(), ignore_errors=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
