"""A server process: the only one, or one of several.

The supervisor starts it as `python -m wms_server.process.server_process NUMBER PIPE`.
"""

import asyncio
import gc
import os
import shutil
import signal
import sys
from contextlib import nullcontext

import structlog
import uvloop

from wms_core.config.settings import read_settings
from wms_core.postgres.migrate import MigrationError
from wms_core.postgres.startup import DatabaseUnusable
from wms_core.runtime.background_tasks import background_task, run_until_signal
from wms_core.runtime.file_descriptors import raise_descriptor_limit, watch_descriptors
from wms_core.runtime.listeners import AddressError, PortInUse
from wms_core.runtime.logging_setup import configure_logging
from wms_server.app import open_application
from wms_server.observability.multiprocess_metrics import get_shared_folder, share_metrics
from wms_server.process.heap import limit_heaps
from wms_server.process.heartbeat import send_heartbeats
from wms_server.settings import ServerSettings


def run(
    settings: ServerSettings, process_number: int | None = None, heartbeat_descriptor: int | None = None
) -> None:
    """Run the server until a signal; one of several processes has a number and a pipe for heartbeats.

    Raises:
        SystemExit: the server cannot start, and a retry would not help; it contains the message.
    """
    limit_heaps()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop_runner:
            loop_runner.run(_serve(settings, process_number, heartbeat_descriptor))
    except (AddressError, PortInUse, MigrationError, DatabaseUnusable) as error:
        raise SystemExit(f"The server can't start: {error}") from None


async def _serve(
    settings: ServerSettings, process_number: int | None, heartbeat_descriptor: int | None
) -> None:
    force_shutdown = asyncio.Event()
    heartbeat_task = (
        nullcontext()
        if heartbeat_descriptor is None
        else background_task(send_heartbeats(heartbeat_descriptor))
    )
    fitted_settings = settings.fit_to_descriptors(raise_descriptor_limit())
    async with (
        heartbeat_task,
        background_task(watch_descriptors()),
        open_application(
            fitted_settings, process_number=process_number, force_shutdown=force_shutdown
        ) as application_task,
    ):
        # The objects of the start are permanent: frozen, they are not scanned by each garbage collection.
        gc.collect()
        gc.freeze()
        await run_until_signal(application_task)
        # The supervisor and systemd may both send SIGTERM to a child: a second one does not force the
        # shutdown.
        force_signals = {signal.SIGINT} if process_number is not None else {signal.SIGINT, signal.SIGTERM}
        for force_signal in force_signals:
            asyncio.get_running_loop().add_signal_handler(force_signal, force_shutdown.set)


def main(process_number: int, heartbeat_descriptor: int) -> None:
    """Run one of several server processes, whose supervisor reads its heartbeats.

    The exit code tells the supervisor whether to restart it.
    """
    supervisor_pid = os.getppid()
    try:
        settings = read_settings(ServerSettings)
        configure_logging(settings.log_level, settings.log_format, settings.service_name)
        structlog.contextvars.bind_contextvars(pid=os.getpid())
        share_metrics(str(process_number))
        run(settings, process_number, heartbeat_descriptor)
    except SystemExit as exit_error:
        sys.stderr.write(f"{exit_error}\n")
        raise SystemExit(os.EX_CONFIG) from None
    finally:
        if os.getppid() != supervisor_pid:
            # The supervisor was killed and cannot remove the folder.
            shutil.rmtree(get_shared_folder(), ignore_errors=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
