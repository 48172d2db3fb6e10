"""`make dev-cluster`: three ZooKeeper nodes, a server and three workers, and who of them acts."""

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
from wms_dev.client import CHANNEL_OPTIONS
from wms_dev.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError, temporary_data_dir
from wms_dev.problem import Problem
from wms_dev.processes.child import Child
from wms_dev.processes.run_folder import RunFolder
from wms_dev.stack.address import Address
from wms_dev.stack.interruption import Interrupted, Interruption
from wms_dev.stack.plan import untraced
from wms_dev.stack.readiness import until_serving
from wms_dev.zookeeper import ZooKeeper

NAMES = ("worker-1", "worker-2", "worker-3")
READY_SECONDS = 60.0
LOOK_SECONDS = 0.3
ADVICE = "What it says above is the reason; mend that and start again."
TRY = "Try: kill -9 a worker, kill -STOP it for a while and kill -CONT it. Ctrl-C ends all."


class Cluster:
    """Everything as processes of ours, while entered; ZOOKEEPER_HOSTS and DATABASE_URL go before them."""

    def __init__(self, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._environment = environment
        self._say = say
        self._exit = contextlib.ExitStack()
        self.server = Address.free()
        self.workers: dict[str, Child] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def _start(self) -> None:
        self._folder = RunFolder()
        self._exit.callback(self._folder.remove)
        common = {
            "LOG_FORMAT": "pretty",
            "SERVER_PROCESSES": "1",
            **untraced(self._environment),
            **self._environment,
            "DATABASE_URL": self._environment.get("DATABASE_URL") or self._postgres(),
            "ZOOKEEPER_HOSTS": self._environment.get("ZOOKEEPER_HOSTS") or self._zookeeper(),
            "PYTHONUNBUFFERED": "1",
        }
        self._child("migration", "migrate", common).finish(READY_SECONDS, ADVICE)
        server = self._child("server", "server", {**common, "SERVER_ADDR": str(self.server), "HTTP_ADDR": ""})
        ready = until_serving(
            "server",
            self.server.target,
            "",
            seconds=READY_SECONDS,
            still_there=lambda: server.check(ADVICE),
        )
        asyncio.run(ready)
        for name in NAMES:
            own = {"WORKER_ID": name, "WORKER_ADDR": str(Address.free()), "WORKER_HTTP_ADDR": ""}
            self.workers[name] = self._child(name, "worker", {**common, **own})
        self._say(f"The server listens on {self.server} (gRPC); logs are in {self._folder.path}")

    def _postgres(self) -> str:
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True)
        self._exit.callback(postgres.stop)
        url = postgres.start()
        self._say(f"Postgres listens on 127.0.0.1:{postgres.port}")
        return url

    def _zookeeper(self) -> str:
        hosts = self._exit.enter_context(ZooKeeper(3)).hosts
        self._say(f"ZooKeeper listens on {hosts}")
        return hosts

    def _child(self, name: str, command: str, environment: Mapping[str, str]) -> Child:
        program = [sys.executable, "-m", "wms_core.command", command]
        child = Child.start(name, program, environment, self._folder.path / f"{name}.log")
        self._exit.callback(child.stop, 15.0)
        self._folder.watch(child.process.pid)
        return child


def run_cluster(console: Console) -> int:
    """Start everything and stay; 0 after Ctrl-C or SIGTERM, 1 when something could not start."""
    console.print("Starting Postgres, three ZooKeeper nodes, a server and three workers.")
    with Interruption() as interruption:
        try:
            with Cluster(os.environ, console.print) as cluster:
                interruption.run(_watch(cluster, console))
        except Interrupted:
            return 0
        except (Problem, EmbeddedPostgresError) as error:
            console.print(f"\n{error}", soft_wrap=True)
        return 1


async def _watch(cluster: Cluster, console: Console) -> None:
    """Print who is there, and who acts, whenever that has changed."""
    shown = ""
    console.print(TRY)
    async with grpc.aio.insecure_channel(cluster.server.target, options=CHANNEL_OPTIONS) as channel:
        service = fulfillment_pb2_grpc.FulfillmentServiceStub(channel)
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):
                answer = await service.ListWorkers(fulfillment_pb2.ListWorkersRequest(), timeout=2.0)
                lines = "\n".join(_line(worker, cluster) for worker in answer.workers)
                if lines != shown:
                    shown = lines
                    console.print(lines + "\n")
            await asyncio.sleep(LOOK_SECONDS)


def _line(worker: fulfillment_pb2.Worker, cluster: Cluster) -> str:
    child = cluster.workers.get(worker.worker_id)
    there = "" if child is None else f"pid {child.process.pid}"
    if child is not None and child.process.poll() is not None:
        there = "has ended"
    held = {role.role: f"{role.role} in epoch {role.epoch}" for role in worker.roles if role.active}
    standing = "active" if "fulfillment" in held else "passive"
    return f"  {worker.worker_id:<10} {there:<12} {standing:<8} {', '.join(held.values())}".rstrip()
