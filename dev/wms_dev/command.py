"""`wms-orders demo`, `dev`, `dev-cluster` and `simulate`."""

import typer

from wms_dev.cluster import run_cluster
from wms_dev.demo.tour import run_demo
from wms_dev.simulator.command import command as simulate
from wms_dev.stack.launching import new_console
from wms_dev.stay import run_dev

__all__ = ["demo", "dev", "dev_cluster", "simulate"]


def demo() -> None:
    """Show the whole service with 415 real orders: everything is started, used, added up and ended.

    DATABASE_URL, SERVER_ADDR and WORKER_ADDR are honoured. Exit code 0 only if everything adds up.
    """
    raise typer.Exit(run_demo(new_console()))


def dev() -> None:
    """Start Postgres, server, worker and a simulated warehouse, and stay until Ctrl-C.

    SERVER_ADDR, WORKER_ADDR, DATABASE_URL, DATA_DIR, KAFKA_BROKERS and the service's other variables are
    honoured; with KAFKA=1 a Kafka is started too.
    """
    raise typer.Exit(run_dev(new_console()))


def dev_cluster() -> None:
    """Start three ZooKeeper nodes, a server and three workers, show who acts, and stay until Ctrl-C.

    DATABASE_URL, ZOOKEEPER_HOSTS and the service's other variables are honoured.
    """
    raise typer.Exit(run_cluster(new_console()))
