"""`wms-orders demo`, `dev`, `dev-cluster` and `simulate`.

All but `simulate` need packages that are installed for development only (the extra `dev`), which the image
does not have: they are imported when such a command is run.
"""

from importlib import import_module
from types import ModuleType

import typer

from wms_dev.simulator.command import command as simulate

__all__ = ["demo", "dev", "dev_cluster", "simulate"]


def demo() -> None:
    """Show the whole service with 415 real orders: everything is started, used, added up and ended.

    DATABASE_URL, SERVER_ADDR and WORKER_ADDR are honoured. Exit code 0 only if everything adds up.
    """
    raise typer.Exit(_module("wms_dev.demo.tour").run_demo(_console()))


def dev() -> None:
    """Start Postgres, server, worker and a simulated warehouse, and stay until Ctrl-C.

    SERVER_ADDR, HTTP_ADDR, WORKER_ADDR, WORKER_HTTP_ADDR, DATABASE_URL, DATA_DIR, KAFKA_BROKERS and the
    service's other variables are honoured; with KAFKA=1 a Kafka is started too.
    """
    raise typer.Exit(_module("wms_dev.stay").run_dev(_console()))


def dev_cluster() -> None:
    """Start three ZooKeeper nodes, a server and three workers, show who acts, and stay until Ctrl-C.

    DATABASE_URL, ZOOKEEPER_HOSTS and the service's other variables are honoured.
    """
    raise typer.Exit(_module("wms_dev.cluster").run_cluster(_console()))


def _console() -> object:
    return _module("wms_dev.stack.launching").new_console()


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"This command needs {error.name}, which is there for development only: "
            "pip install 'wms-orders[dev]'"
        ) from None
