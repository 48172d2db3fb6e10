"""The command `wms-orders server`: one server process, or a supervisor of several."""

from importlib import import_module

from wms_core.config.settings import read_settings
from wms_core.runtime.logging_setup import configure_logging
from wms_server.settings import ServerSettings


def command() -> None:
    """Run the server (gRPC and HTTP) until SIGTERM.

    With `SERVER_PROCESSES` above 1, run a supervisor of that many processes.
    """
    settings = read_settings(ServerSettings)
    configure_logging(settings.log_level, settings.log_format, settings.service_name)
    # The supervisor must not import the modules of a server process: they are most of its memory.
    module_name = (
        "wms_server.process.server_process"
        if settings.server_processes == 1
        else "wms_server.process.supervisor"
    )
    import_module(module_name).run(settings)


if __name__ == "__main__":
    command()
