"""Servers and workers as the operator starts them: processes of their own, with a log, ended by pid."""

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

from tests.support.api import Api, client, is_ready
from tests.support.waiting import Stopwatch, eventually
from wms_core.tether import tethered
from wms_dev.ports import free_port

FULFILLMENT = "wms.orders.worker.fulfillment"
RELAY = "wms.orders.worker.relay"
#: Nobody listens there, so that the role of the relay is held and nothing is published.
NO_KAFKA = "127.0.0.1:1"


class Process:
    """One process; its output goes to a file."""

    def __init__(self, command: str, address: str, environment: dict[str, str], log: Path) -> None:
        """Start it."""
        self.address = address
        self._log = log
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                tethered([sys.executable, "-m", "wms_core.command", command]),
                env={**inherited, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # As a shell with job control does it: a signal may go to all that it has started.
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def text(self) -> str:
        """All it has written."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The whole lines that it has logged, as JSON; raises when one is none."""
        *lines, _ = self.text.split("\n")
        return [json.loads(line) for line in lines]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Give its log entries of one event."""
        return [entry for entry in self.entries if entry["event"] == event]

    def interrupt(self) -> None:
        """Send SIGINT to all of its process group, as a terminal does."""
        os.killpg(self.pid, signal.SIGINT)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, as long as it runs."""
        self._process.send_signal(number)

    async def ended(self, within: float = 20.0) -> int:
        """Wait for its end; gives the exit code."""
        watch = Stopwatch()
        while (code := self._process.poll()) is None:
            if watch.seconds > within:
                raise AssertionError(f"process {self.pid} still runs after {within} s:\n{self.text}")
            await asyncio.sleep(0.01)
        return code

    async def stopped(self, within: float = 20.0) -> int:
        """Ask it to end and wait for that; gives the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended(within)

    async def is_serving(self, service: str = "") -> bool:
        """Ask it for its health; raises when it has ended."""
        if self._process.poll() is not None:
            raise AssertionError(f"process {self.pid} ended with {self._process.returncode}:\n{self.text}")
        async with grpc.aio.insecure_channel(self.address) as channel:
            return await is_ready(channel, service)

    async def serving(self, service: str = "", within: float = 20.0) -> None:
        """Wait until it is healthy."""
        await eventually(lambda: self.is_serving(service), within)

    async def not_serving(self, service: str = "", within: float = 20.0) -> None:
        """Wait until it is not healthy."""

        async def resting() -> bool:
            return not await self.is_serving(service)

        await eventually(resting, within)

    def end(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


class Processes:
    """The processes of one test."""

    def __init__(self, folder: Path) -> None:
        """Keep their logs in a folder."""
        self._folder = folder
        self._started: list[Process] = []

    def server(self, database_url: str | None, address: str = "", **environment: str) -> Process:
        """Start a server of one process without pages; names of variables may be given in small letters."""
        small = {"http_addr": "", "server_processes": "1", "database_lock_timeout": "1m", **environment}
        return self._start("server", "SERVER_ADDR", database_url, address, small)

    def worker(self, database_url: str | None, address: str = "", **environment: str) -> Process:
        """Start a worker without pages that is quick: one role, a cycle each 50 ms, a lease of a second."""
        quick = {
            "worker_http_addr": "",
            "worker_roles": "fulfillment",
            "fulfillment_interval": "50ms",
            "standalone_lease": "1s",
            **environment,
        }
        return self._start("worker", "WORKER_ADDR", database_url, address, quick)

    def migrate(self, database_url: str | None) -> Process:
        """Start the command that brings the schema up to date."""
        return self._start("migrate", "UNUSED_ADDR", database_url, "", {})

    def _start(
        self, command: str, variable: str, database_url: str | None, address: str, environment: dict[str, str]
    ) -> Process:
        address = address or f"127.0.0.1:{free_port()}"
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

    def end(self) -> None:
        """End all of them."""
        for process in self._started:
            process.end()


@asynccontextmanager
async def open_client(address: str) -> AsyncIterator[Api]:
    """Give a client of a server process."""
    # A channel that waits a second before it tries again would make every test of an outage a second longer.
    # A connection of its own, as each of several clients has one.
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
    """Start two workers, `first` and `second`; return the active one and the passive one."""
    first = processes.worker(database_url, worker_id="first", **environment)
    await first.serving(FULFILLMENT)
    second = processes.worker(database_url, worker_id="second", **environment)
    await second.serving()
    assert not await second.is_serving(FULFILLMENT)
    return first, second
