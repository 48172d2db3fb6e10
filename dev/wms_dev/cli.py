"""The subcommands `demo`, `dev`, `dev-cluster` and `simulate` of `wms-orders`.

All except `simulate` need the packages of the extra `dev`, which the image does not contain. They are
imported only when such a command runs.
"""

from importlib import import_module
from types import ModuleType

import typer

from wms_dev.simulator.command import run_simulator as simulate

__all__ = ["demo", "dev", "dev_cluster", "simulate"]


def demo() -> None:
    """Run 415 real orders through the whole service and reconcile the result.

    Starts all processes, and stops them at the end. Reads DATABASE_URL, SERVER_ADDR and WORKER_ADDR. The exit
    code is 0 only if the reconciliation passes.
    """
    raise typer.Exit(_import_module("wms_dev.demo.command").run_demo(_create_console()))


def dev() -> None:
    """Start Postgres, server, worker and a simulated warehouse, and run until Ctrl-C.

    Reads SERVER_ADDR, HTTP_ADDR, WORKER_ADDR, WORKER_HTTP_ADDR, DATABASE_URL, DATA_DIR, KAFKA_BROKERS and the
    other variables of the service. KAFKA=1 also starts a Kafka broker.
    """
    raise typer.Exit(_import_module("wms_dev.local_stack.dev_command").run_dev(_create_console()))


def dev_cluster() -> None:
    """Start three ZooKeeper nodes, a server and three workers, and show the leaders until Ctrl-C.

    Reads DATABASE_URL, ZOOKEEPER_HOSTS and the other variables of the service.
    """
    raise typer.Exit(_import_module("wms_dev.local_stack.cluster_command").run_cluster(_create_console()))


def _create_console() -> object:
    return _import_module("wms_dev.local_stack.startup").create_console()


def _import_module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"This command needs {error.name}, which is only installed for development: "
            "pip install 'wms-orders[dev]'"
        ) from None
