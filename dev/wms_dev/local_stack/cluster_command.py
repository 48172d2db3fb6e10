"""`make dev-cluster`: three ZooKeeper nodes, a server and three workers with leader election."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import grpc
from rich.console import Console

from wms.orders.v1 import fulfillment_pb2, fulfillment_pb2_grpc
from wms_dev.api_client import CHANNEL_OPTIONS
from wms_dev.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError, temporary_data_dir
from wms_dev.embedded.zookeeper import ZooKeeperEnsemble
from wms_dev.errors import UserError
from wms_dev.local_stack.address import Address
from wms_dev.local_stack.child_process import ChildProcess
from wms_dev.local_stack.config import default_tracing_variables
from wms_dev.local_stack.interrupts import InterruptedBySignal, InterruptHandler
from wms_dev.local_stack.readiness import wait_until_serving
from wms_dev.local_stack.run_directory import RunDirectory

WORKER_NAMES = ("worker-1", "worker-2", "worker-3")
READY_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.3
FAILURE_HINT = "The log above shows the cause. Fix it and start again."
USAGE_HINT = (
    "Try kill -9 on a worker, or kill -STOP and, after a while, kill -CONT. Ctrl-C stops all processes."
)


class LocalCluster:
    """All processes of the cluster, as a context manager.

    ZOOKEEPER_HOSTS and DATABASE_URL replace the embedded ZooKeeper and Postgres.
    """

    def __init__(self, environment: Mapping[str, str], print_line: Callable[[str], None]) -> None:
        self._environment = environment
        self._print_line = print_line
        self._exit_stack = contextlib.ExitStack()
        self.server = Address.on_free_port()
        self.workers: dict[str, ChildProcess] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exit_stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit_stack.close()

    def _start(self) -> None:
        self._folder = RunDirectory()
        self._exit_stack.callback(self._folder.remove)
        common = {
            "LOG_FORMAT": "pretty",
            "SERVER_PROCESSES": "1",
            **default_tracing_variables(self._environment),
            **self._environment,
            "DATABASE_URL": self._environment.get("DATABASE_URL") or self._start_postgres(),
            "ZOOKEEPER_HOSTS": self._environment.get("ZOOKEEPER_HOSTS") or self._start_zookeeper(),
            "PYTHONUNBUFFERED": "1",
        }
        self._start_child("migration", "migrate", common).wait_for_success(
            READY_TIMEOUT_SECONDS, FAILURE_HINT
        )
        server = self._start_child(
            "server", "server", {**common, "SERVER_ADDR": str(self.server), "HTTP_ADDR": ""}
        )
        ready = wait_until_serving(
            "server",
            self.server.target,
            "",
            timeout_seconds=READY_TIMEOUT_SECONDS,
            raise_if_exited=lambda: server.raise_if_exited(FAILURE_HINT),
        )
        asyncio.run(ready)
        for name in WORKER_NAMES:
            worker_settings = {
                "WORKER_ID": name,
                "WORKER_ADDR": str(Address.on_free_port()),
                "WORKER_HTTP_ADDR": "",
            }
            self.workers[name] = self._start_child(name, "worker", {**common, **worker_settings})
        self._print_line(f"The server listens on {self.server} (gRPC); logs are in {self._folder.path}")

    def _start_postgres(self) -> str:
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True)
        self._exit_stack.callback(postgres.stop)
        url = postgres.start()
        self._print_line(f"Postgres listens on 127.0.0.1:{postgres.port}")
        return url

    def _start_zookeeper(self) -> str:
        hosts = self._exit_stack.enter_context(ZooKeeperEnsemble(3)).hosts
        self._print_line(f"ZooKeeper listens on {hosts}")
        return hosts

    def _start_child(self, name: str, command: str, environment: Mapping[str, str]) -> ChildProcess:
        program = [sys.executable, "-m", "wms_core.cli", command]
        child = ChildProcess.start(name, program, environment, self._folder.path / f"{name}.log")
        self._exit_stack.callback(child.stop, 15.0)
        self._folder.end_with_parent(child.process.pid)
        return child


def run_cluster(console: Console) -> int:
    """Start the cluster and run it. Return 0 after Ctrl-C or SIGTERM, 1 when a process could not start."""
    console.print("Starting Postgres, three ZooKeeper nodes, a server and three workers.")
    with InterruptHandler() as interruption:
        try:
            with LocalCluster(os.environ, console.print) as cluster:
                interruption.run(_print_role_changes(cluster, console))
        except InterruptedBySignal:
            return 0
        except (UserError, EmbeddedPostgresError) as error:
            console.print(f"\n{error}", soft_wrap=True)
        return 1


async def _print_role_changes(cluster: LocalCluster, console: Console) -> None:
    """Print the workers and their roles after each change."""
    printed_lines = ""
    console.print(USAGE_HINT)
    async with grpc.aio.insecure_channel(cluster.server.target, options=CHANNEL_OPTIONS) as channel:
        service = fulfillment_pb2_grpc.FulfillmentServiceStub(channel)
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):
                response = await service.ListWorkers(fulfillment_pb2.ListWorkersRequest(), timeout=2.0)
                lines = "\n".join(_format_worker(worker, cluster) for worker in response.workers)
                if lines != printed_lines:
                    printed_lines = lines
                    console.print(lines + "\n")
            await asyncio.sleep(POLL_SECONDS)


def _format_worker(worker: fulfillment_pb2.Worker, cluster: LocalCluster) -> str:
    child = cluster.workers.get(worker.worker_id)
    process_text = "" if child is None else f"pid {child.process.pid}"
    if child is not None and child.process.poll() is not None:
        process_text = "exited"
    roles_held = {role.role: f"{role.role} in epoch {role.epoch}" for role in worker.roles if role.active}
    mode = "active" if "fulfillment" in roles_held else "passive"
    return f"  {worker.worker_id:<10} {process_text:<12} {mode:<8} {', '.join(roles_held.values())}".rstrip()
