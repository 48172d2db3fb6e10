"""Starts the processes of the local stack in order, and stops them in reverse order."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from wms_dev.embedded.kafka import KafkaCluster, open_mock_kafka
from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.errors import UserError
from wms_dev.local_stack.child_process import ChildProcess
from wms_dev.local_stack.config import KAFKA_BROKERS, KafkaSource, StackConfig
from wms_dev.local_stack.interrupts import InterruptHandler
from wms_dev.local_stack.readiness import wait_until_serving
from wms_dev.local_stack.run_directory import RunDirectory

T = TypeVar("T")

MIGRATION_TIMEOUT_SECONDS = 60.0
READY_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.2
# Each timeout covers the drain of the process; the simulator waits for its vehicles to finish.
STOP_TIMEOUTS_SECONDS = {"simulator": 6.0, "worker": 15.0, "server": 25.0}
FULFILLMENT_SERVICE = "wms.orders.worker.fulfillment"
FAILURE_HINT = "The log above shows the cause. Fix it and start again."
# An ephemeral database need not survive a power failure.
EPHEMERAL_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class PostgresExited(UserError):
    """The embedded Postgres exited."""


class LocalStack:
    """Postgres, optionally Kafka, server, worker and simulator as child processes, as a context manager.

    Entering raises a `UserError` or an `EmbeddedPostgresError` after all started processes have been stopped.
    `print_line` receives a line for each step.
    """

    def __init__(
        self, config: StackConfig, interrupt_handler: InterruptHandler, print_line: Callable[[str], None]
    ) -> None:
        self.config = config
        self._interrupt_handler = interrupt_handler
        self._print_line = print_line
        self._exit_stack = contextlib.ExitStack()
        self._children: list[ChildProcess] = []
        self._postgres: EmbeddedPostgres | None = None
        self._folder: RunDirectory | None = None
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
        """The folder of the logs: next to persistent data, otherwise in the temporary folder."""
        assert self._folder
        if self._postgres is None or self.config.data_dir is None:
            return self._folder.path
        return self._postgres.data_dir / "logs"

    @property
    def incident_log_path(self) -> Path:
        """The file to which the simulator writes its incidents."""
        return self.log_folder / "simulator.jsonl"

    @property
    def data_dir(self) -> Path | None:
        """The folder of the embedded Postgres, None for an external database."""
        return self._postgres.data_dir if self._postgres else None

    def raise_if_exited(self) -> None:
        """Raise `ChildExited` or `PostgresExited` if a process has exited."""
        for child in self._children:
            child.raise_if_exited(FAILURE_HINT)
        if self._postgres and not self._postgres.is_running():
            raise PostgresExited("The embedded Postgres has exited. Start again; the data is kept.")

    def run(self, task_body: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine while all processes run, and return its result.

        Raises:
            ChildExited: A child process exited.
            PostgresExited: The embedded Postgres exited.
            InterruptedBySignal: A signal arrived.
        """
        return self._interrupt_handler.run(self._run_while_processes_live(task_body))

    async def _run_while_processes_live(self, task_body: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(task_body)
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=POLL_SECONDS)
                # Checked first: when a process has exited, the task fails as a consequence, with a less
                # precise error.
                self.raise_if_exited()
                if done:
                    return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _start(self) -> None:
        self.config.require_free_ports()
        self._folder = RunDirectory()
        self._exit_stack.callback(self._folder.remove)
        self.database_url = self.config.database_url or self._start_postgres()
        self.kafka_brokers = self._start_kafka()
        self._migrate()
        self._start_child("server", "server")
        self._start_child("worker", "worker")
        self._interrupt_handler.run(self._wait_until_ready())
        self._start_child("simulator", "simulate", *self._simulator_options())

    def _stop(self) -> None:
        self._interrupt_handler.ignore()
        self._exit_stack.close()

    def _start_postgres(self) -> str:
        started_at = time.monotonic()
        kept_data_dir = self.config.data_dir
        self._postgres = EmbeddedPostgres(
            kept_data_dir or temporary_data_dir(),
            ephemeral=kept_data_dir is None,
            settings={} if kept_data_dir else EPHEMERAL_SETTINGS,
        )
        self._exit_stack.callback(self._postgres.stop)
        dsn = self._postgres.start()
        self._print_line(
            f"Postgres listens on 127.0.0.1:{self._postgres.port} ({time.monotonic() - started_at:.1f} s)"
        )
        return dsn

    def _start_kafka(self) -> str:
        started_at = time.monotonic()
        match self.config.kafka:
            case KafkaSource.EMBEDDED:
                brokers = self._exit_stack.enter_context(KafkaCluster()).addresses
            case KafkaSource.MOCK:
                brokers = self._exit_stack.enter_context(open_mock_kafka(self.config.topic))
            case _:
                return self.config.environment.get(KAFKA_BROKERS, "")
        self._print_line(
            f"Kafka listens on {brokers}: {self.config.kafka.value} ({time.monotonic() - started_at:.1f} s)"
        )
        return brokers

    def _migrate(self) -> None:
        self._create_child("migration", "migrate").wait_for_success(MIGRATION_TIMEOUT_SECONDS, FAILURE_HINT)
        self._print_line("The schema is up to date")

    def _start_child(self, name: str, *arguments: str) -> None:
        self._children.append(self._create_child(name, *arguments))

    def _create_child(self, name: str, *arguments: str) -> ChildProcess:
        assert self._folder
        self.log_folder.mkdir(mode=0o700, exist_ok=True)
        log = self.log_folder / f"{name}.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "wms_core.cli", *arguments]
        environment = self.config.child_environment(self.database_url, self.kafka_brokers)
        child = ChildProcess.start(name, command, environment, log)
        self._exit_stack.callback(child.stop, STOP_TIMEOUTS_SECONDS.get(name, 5.0))
        self._folder.end_with_parent(child.process.pid)
        return child

    def _simulator_options(self) -> list[str]:
        target_options = ["--server", self.config.server.target, "--warehouse", self.config.warehouse_id]
        return [*target_options, "--journal", str(self.incident_log_path), *self.config.simulator_options]

    async def _wait_until_ready(self) -> None:
        started_at = time.monotonic()
        server, worker = self.config.server.target, self.config.worker.target
        expected_services = [("server", server, ""), ("worker", worker, "")]
        if self.config.needs_active_worker:
            expected_services.append(("worker", worker, FULFILLMENT_SERVICE))
        for name, target, service in expected_services:
            await wait_until_serving(
                name,
                target,
                service,
                timeout_seconds=READY_TIMEOUT_SECONDS,
                raise_if_exited=self.raise_if_exited,
            )
        self._print_line(f"Server and worker are ready ({time.monotonic() - started_at:.1f} s)")
