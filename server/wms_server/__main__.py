"""`wms-orders server`."""

import asyncio

from wms_core.addresses import AddressError
from wms_core.logs import configure_logging
from wms_core.postgres.migrate import MigrationError
from wms_core.postgres.start import DatabaseRefused
from wms_core.settings import read_settings
from wms_core.tasks import until_terminated
from wms_server.app import PortTaken, open_application
from wms_server.http.serving import HttpPortTaken
from wms_server.settings import ServerSettings


def command() -> None:
    """Serve orders, reprocessing, the dead letter queue and storage over gRPC until SIGTERM."""
    settings = read_settings(ServerSettings)
    configure_logging(settings.log_level, settings.log_format, settings.service_name)
    try:
        asyncio.run(serve(settings))
    except (AddressError, PortTaken, HttpPortTaken, MigrationError, DatabaseRefused) as error:
        raise SystemExit(f"The server can't start: {error}") from None


async def serve(settings: ServerSettings) -> None:
    """Serve until a signal asks to end."""
    async with open_application(settings) as work:
        await until_terminated(work)


if __name__ == "__main__":
    command()
