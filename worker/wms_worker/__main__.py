"""The command `wms-orders worker`."""

import asyncio

from wms_core.config.settings import read_settings
from wms_core.postgres.migrate import MigrationError
from wms_core.postgres.startup import DatabaseUnusable
from wms_core.runtime.background_tasks import background_task, run_until_signal
from wms_core.runtime.file_descriptors import raise_descriptor_limit, watch_descriptors
from wms_core.runtime.listeners import AddressError, PortInUse
from wms_core.runtime.logging_setup import configure_logging
from wms_worker.app import open_application
from wms_worker.leadership.zookeeper_settings import ElectionUnavailable
from wms_worker.settings import WorkerSettings


def command() -> None:
    """Run a worker replica until SIGTERM. It is active in each role that it is elected for."""
    settings = read_settings(WorkerSettings)
    configure_logging(settings.log_level, settings.log_format, "order-worker")
    try:
        asyncio.run(run_worker(settings))
    except (AddressError, PortInUse, MigrationError, DatabaseUnusable, ElectionUnavailable) as error:
        raise SystemExit(f"The worker can't start: {error}") from None


async def run_worker(settings: WorkerSettings) -> None:
    """Run the worker until SIGTERM or SIGINT."""
    raise_descriptor_limit()
    async with background_task(watch_descriptors()), open_application(settings) as task:
        await run_until_signal(task)


if __name__ == "__main__":
    command()
