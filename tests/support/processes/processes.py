"""Servers and workers as processes, started by their commands, with a log file each."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from tests.support.clients.grpc_api import Api, client, is_ready
from tests.support.waiting import Stopwatch, eventually
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.free_port import find_free_port

FULFILLMENT_HEALTH = "wms.orders.worker.fulfillment"
RELAY_HEALTH = "wms.orders.worker.relay"
#: No broker listens there, so a relay holds its role and publishes nothing.
UNREACHABLE_KAFKA = "127.0.0.1:1"


class Process:
    """A started process whose output goes to a file."""

    def __init__(self, command: str, address: str, environment: dict[str, str], log: Path) -> None:
        self.address = address
        self._log = log
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                with_parent_death_signal([sys.executable, "-m", "wms_core.cli", command]),
                env={**inherited, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Like a shell with job control: `interrupt` signals the process and its children.
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def output_text(self) -> str:
        """The complete output."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def log_entries(self) -> list[dict[str, Any]]:
        """The complete lines of the output, parsed as JSON. Raises ValueError for other lines."""
        *lines, _ = self.output_text.split("\n")
        return [json.loads(line) for line in lines]

    def find_log_entries(self, event: str) -> list[dict[str, Any]]:
        """Return the log entries of an event."""
        return [entry for entry in self.log_entries if entry["event"] == event]

    def interrupt(self) -> None:
        """Send SIGINT to the process group, as a terminal does."""
        os.killpg(self.pid, signal.SIGINT)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it still runs."""
        self._process.send_signal(number)

    async def wait_for_exit(self, within: float = 20.0) -> int:
        """Wait until the process ends. Return the exit code."""
        stopwatch = Stopwatch()
        while (exit_code := self._process.poll()) is None:
            if stopwatch.seconds > within:
                raise AssertionError(f"process {self.pid} still runs after {within} s:\n{self.output_text}")
            await asyncio.sleep(0.01)
        return exit_code

    async def terminate_and_wait(self, within: float = 20.0) -> int:
        """Send SIGTERM and wait until the process ends. Return the exit code."""
        self.send_signal(signal.SIGTERM)
        return await self.wait_for_exit(within)

    async def is_serving(self, service: str = "") -> bool:
        """Return whether the process reports SERVING. Raises AssertionError if it has ended."""
        if self._process.poll() is not None:
            raise AssertionError(
                f"process {self.pid} ended with {self._process.returncode}:\n{self.output_text}"
            )
        async with grpc.aio.insecure_channel(self.address) as channel:
            return await is_ready(channel, service)

    async def wait_until_serving(self, service: str = "", within: float = 20.0) -> None:
        """Wait until the health service reports SERVING."""
        await eventually(lambda: self.is_serving(service), within)

    async def wait_until_not_serving(self, service: str = "", within: float = 20.0) -> None:
        """Wait until the health service does not report SERVING."""

        async def is_not_serving() -> bool:
            return not await self.is_serving(service)

        await eventually(is_not_serving, within)

    def kill_if_running(self) -> None:
        """Kill the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


class Processes:
    """The processes of one test, with their logs in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Process] = []

    def server(self, database_url: str | None, address: str = "", **environment: str) -> Process:
        """Start a server of one process without HTTP; names of variables may be in lower case."""
        default_variables = {
            "http_addr": "",
            "server_processes": "1",
            "database_lock_timeout": "1m",
            **environment,
        }
        return self._start("server", "SERVER_ADDR", database_url, address, default_variables)

    def worker(self, database_url: str | None, address: str = "", **environment: str) -> Process:
        """Start a fast worker without HTTP: one role, a cycle every 50 ms, a lease of 1 s."""
        default_variables = {
            "worker_http_addr": "",
            "worker_roles": "fulfillment",
            "fulfillment_interval": "50ms",
            "standalone_lease": "1s",
            **environment,
        }
        return self._start("worker", "WORKER_ADDR", database_url, address, default_variables)

    def migrate(self, database_url: str | None) -> Process:
        """Start the command `migrate`."""
        return self._start("migrate", "UNUSED_ADDR", database_url, "", {})

    def _start(
        self, command: str, variable: str, database_url: str | None, address: str, environment: dict[str, str]
    ) -> Process:
        address = address or f"127.0.0.1:{find_free_port()}"
        variables = {
            variable: address,
            "TRACING_ENABLED": "false",
            **{name.upper(): value for name, value in environment.items()},
        }
        if database_url is not None:
            variables["DATABASE_URL"] = database_url
        log = self._folder / f"{command}-{len(self._started)}.log"
        process = Process(command, address, variables, log)
        self._started.append(process)
        return process

    def kill_all(self) -> None:
        """Kill all processes that still run."""
        for process in self._started:
            process.kill_if_running()


@asynccontextmanager
async def open_client(address: str) -> AsyncIterator[Api]:
    """Yield a client of a server process."""
    # The default backoff of 1 s would prolong every test of an outage by a second. Without a local pool, all
    # clients of the test would share one connection.
    options = (
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 200),
        ("grpc.use_local_subchannel_pool", 1),
    )
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        yield client(channel, address)


async def start_active_and_passive(
    processes: Processes, database_url: str, **environment: str
) -> tuple[Process, Process]:
    """Start the workers `first` and `second`. Return the active one and the passive one."""
    first = processes.worker(database_url, worker_id="first", **environment)
    await first.wait_until_serving(FULFILLMENT_HEALTH)
    second = processes.worker(database_url, worker_id="second", **environment)
    await second.wait_until_serving()
    assert not await second.is_serving(FULFILLMENT_HEALTH)
    return first, second
