"""Starts everything in order, and stops it in the opposite order."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.kafka import Kafka, mock_kafka
from wms_dev.problem import Problem
from wms_dev.processes.child import Child
from wms_dev.processes.run_folder import RunFolder
from wms_dev.stack.interruption import Interruption
from wms_dev.stack.plan import KAFKA_BROKERS, KafkaSource, Plan
from wms_dev.stack.readiness import until_serving

T = TypeVar("T")

MIGRATE_SECONDS = 60.0
READY_SECONDS = 30.0
LOOK_SECONDS = 0.2
# Each may use the time of its own drain; the simulator brings its vehicles home.
STOP_SECONDS = {"simulator": 6.0, "worker": 15.0, "server": 25.0}
FULFILLMENT = "wms.orders.worker.fulfillment"
ADVICE = "What it says above is the reason; mend that and start again."
# Nobody will read an ephemeral database after a power cut.
EPHEMERAL_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class PostgresEnded(Problem):
    """The embedded Postgres has ended by itself."""


class Stack:
    """Postgres, Kafka if wanted, server, worker and simulator as processes of ours, while entered.

    Entering raises a `Problem` or `EmbeddedPostgresError`; nothing is left running then. `say` is told of
    each step.
    """

    def __init__(self, plan: Plan, interruption: Interruption, say: Callable[[str], None]) -> None:
        self.plan = plan
        self._interruption = interruption
        self._say = say
        self._exit = contextlib.ExitStack()
        self._children: list[Child] = []
        self._postgres: EmbeddedPostgres | None = None
        self._folder: RunFolder | None = None
        self.database_url = ""
        self.kafka_brokers = ""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def log_folder(self) -> Path:
        """Where the children's logs are: beside kept data, else in a folder that goes at the end."""
        assert self._folder
        if self._postgres is None or self.plan.data_dir is None:
            return self._folder.path
        return self._postgres.data_dir / "logs"

    @property
    def journal(self) -> Path:
        """Where the simulator writes down what goes wrong."""
        return self.log_folder / "simulator.jsonl"

    @property
    def data_dir(self) -> Path | None:
        """The folder of our own Postgres, None when it is somebody else's."""
        return self._postgres.data_dir if self._postgres else None

    def check(self) -> None:
        """Raise `ChildEnded` or `PostgresEnded` if one of the processes is no longer there."""
        for child in self._children:
            child.check(ADVICE)
        if self._postgres and not self._postgres.is_running():
            raise PostgresEnded("The embedded Postgres has ended by itself. Start again; its data is kept.")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine while all processes are there; raises what `check` raises, or `Interrupted`."""
        return self._interruption.run(self._while_all_live(work))

    async def _while_all_live(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=LOOK_SECONDS)
                # First, because the work fails too when a process is gone, and knows less about it.
                self.check()
                if done:
                    return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _start(self) -> None:
        self.plan.require_free_ports()
        self._folder = RunFolder()
        self._exit.callback(self._folder.remove)
        self.database_url = self.plan.database_url or self._start_postgres()
        self.kafka_brokers = self._start_kafka()
        self._migrate()
        self._start_child("server", "server")
        self._start_child("worker", "worker")
        self._interruption.run(self._until_ready())
        self._start_child("simulator", "simulate", *self._simulator_options())

    def _stop(self) -> None:
        self._interruption.ignore()
        self._exit.close()

    def _start_postgres(self) -> str:
        began = time.monotonic()
        kept = self.plan.data_dir
        self._postgres = EmbeddedPostgres(
            kept or temporary_data_dir(),
            ephemeral=kept is None,
            settings={} if kept else EPHEMERAL_SETTINGS,
        )
        self._exit.callback(self._postgres.stop)
        dsn = self._postgres.start()
        self._say(f"Postgres listens on 127.0.0.1:{self._postgres.port} ({time.monotonic() - began:.1f} s)")
        return dsn

    def _start_kafka(self) -> str:
        began = time.monotonic()
        match self.plan.kafka:
            case KafkaSource.OWN:
                brokers = self._exit.enter_context(Kafka()).brokers
            case KafkaSource.MOCK:
                brokers = self._exit.enter_context(mock_kafka(self.plan.topic))
            case _:
                return self.plan.environment.get(KAFKA_BROKERS, "")
        self._say(f"Kafka listens on {brokers}: {self.plan.kafka.value} ({time.monotonic() - began:.1f} s)")
        return brokers

    def _migrate(self) -> None:
        self._child("migration", "migrate").finish(MIGRATE_SECONDS, ADVICE)
        self._say("The schema is up to date")

    def _start_child(self, name: str, *arguments: str) -> None:
        self._children.append(self._child(name, *arguments))

    def _child(self, name: str, *arguments: str) -> Child:
        assert self._folder
        self.log_folder.mkdir(mode=0o700, exist_ok=True)
        log = self.log_folder / f"{name}.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "wms_core.command", *arguments]
        environment = self.plan.child_environment(self.database_url, self.kafka_brokers)
        child = Child.start(name, command, environment, log)
        self._exit.callback(child.stop, STOP_SECONDS.get(name, 5.0))
        self._folder.watch(child.process.pid)
        return child

    def _simulator_options(self) -> list[str]:
        where = ["--server", self.plan.server.target, "--warehouse", self.plan.warehouse_id]
        return [*where, "--journal", str(self.journal), *self.plan.simulator_options]

    async def _until_ready(self) -> None:
        began = time.monotonic()
        server, worker = self.plan.server.target, self.plan.worker.target
        awaited = [("server", server, ""), ("worker", worker, "")]
        if self.plan.needs_active_worker:
            awaited.append(("worker", worker, FULFILLMENT))
        for name, target, service in awaited:
            await until_serving(name, target, service, seconds=READY_SECONDS, still_there=self.check)
        self._say(f"Server and worker are ready ({time.monotonic() - began:.1f} s)")
