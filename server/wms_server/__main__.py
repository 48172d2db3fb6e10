"""`wms-orders server`: one process that serves, or several and one that looks after them."""

from importlib import import_module

from wms_core.logs import configure_logging
from wms_core.settings import read_settings
from wms_server.settings import ServerSettings


def command() -> None:
    """Serve orders, reprocessing, the dead letter queue and storage over gRPC until SIGTERM.

    With SERVER_PROCESSES above 1, in so many processes.
    """
    settings = read_settings(ServerSettings)
    configure_logging(settings.log_level, settings.log_format, settings.service_name)
    # Who looks after the others must not load what they serve with: it is most of a process's memory.
    module = "wms_server.process" if settings.server_processes == 1 else "wms_server.supervisor"
    import_module(module).run(settings)


if __name__ == "__main__":
    command()
