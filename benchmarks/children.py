"""Programs of wms-orders as child processes of a benchmark, on loopback, stopped at the end."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType

from wms_dev.local_stack.address import Address
from wms_dev.local_stack.child_process import ChildProcess
from wms_dev.local_stack.readiness import wait_until_serving
from wms_dev.local_stack.run_directory import RunDirectory

#: Commits are durable: fsync, synchronous_commit and full_page_writes keep Postgres's defaults.
POSTGRES = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
STOP_SECONDS = 30.0
_READY_SECONDS = 60.0
CHILD_ENDED_ADVICE = "The benchmark ends here."


class ChildProcesses:
    """Starts processes in one environment; the end of `stack` stops them in reverse order."""

    def __init__(self, stack: ExitStack, environment: Mapping[str, str]) -> None:
        self._stack = stack
        self._environment = environment
        self._folder = RunDirectory()
        stack.callback(self._folder.remove)

    def migrate(self) -> None:
        """Create the schema."""
        self.start_subcommand("migrate", {}).wait_for_success(_READY_SECONDS, CHILD_ENDED_ADVICE)

    async def start_server(self, address: Address) -> None:
        """Start the gRPC server and wait until it serves."""
        child = self.start_subcommand(
            "server", {"SERVER_PROCESSES": "1", "SERVER_ADDR": str(address), "HTTP_ADDR": ""}
        )
        await self.wait_until_serving(child, "server", address)

    async def start_worker(
        self, worker_id: str, service: str = "", settings: Mapping[str, str] = MappingProxyType({})
    ) -> ChildProcess:
        """Start a worker and wait until a health service, by default liveness, reports SERVING."""
        address = Address.on_free_port()
        own_settings = {"WORKER_ADDR": str(address), "WORKER_HTTP_ADDR": "", "WORKER_ID": worker_id}
        child = self.start_subcommand("worker", {**own_settings, **settings})
        await self.wait_until_serving(child, "worker", address, service)
        return child

    def start_subcommand(self, name: str, settings: Mapping[str, str]) -> ChildProcess:
        """Start a subcommand of `wms-orders`."""
        return self.run_program(name, [sys.executable, "-m", "wms_core.cli", name], settings)

    def run_program(self, name: str, command: Sequence[str], settings: Mapping[str, str]) -> ChildProcess:
        """Start a program with a log of its name."""
        log = self._folder.path / f"{name}.log"
        child = ChildProcess.start(name, command, {**self._environment, **settings}, log)
        self._stack.callback(child.stop, STOP_SECONDS)
        self._folder.end_with_parent(child.process.pid)
        return child

    async def wait_until_serving(
        self, child: ChildProcess, name: str, address: Address, service: str = ""
    ) -> None:
        """Wait until a child process serves."""
        await wait_until_serving(
            name,
            address.target,
            service,
            timeout_seconds=_READY_SECONDS,
            raise_if_exited=lambda: child.raise_if_exited(CHILD_ENDED_ADVICE),
        )
