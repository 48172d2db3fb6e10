"""`wms-orders worker`."""

import asyncio

from wms_core.file_descriptors import raise_descriptor_limit, watch_descriptors
from wms_core.listeners import AddressError, PortInUse
from wms_core.logs import configure_logging
from wms_core.postgres.migrate import MigrationError
from wms_core.postgres.start import DatabaseRefused
from wms_core.settings import read_settings
from wms_core.tasks import running, until_terminated
from wms_worker.app import open_application
from wms_worker.ensemble import EnsembleUnusable
from wms_worker.settings import WorkerSettings


def command() -> None:
    """Fulfil orders until SIGTERM: active when no other replica is, passive otherwise."""
    settings = read_settings(WorkerSettings)
    configure_logging(settings.log_level, settings.log_format, "order-worker")
    try:
        asyncio.run(work(settings))
    except (AddressError, PortInUse, MigrationError, DatabaseRefused, EnsembleUnusable) as error:
        raise SystemExit(f"The worker can't start: {error}") from None


async def work(settings: WorkerSettings) -> None:
    """Work until a signal asks to end."""
    raise_descriptor_limit()
    async with running(watch_descriptors()), open_application(settings) as task:
        await until_terminated(task)


if __name__ == "__main__":
    command()
