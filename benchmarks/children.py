"""Our own programs as children of a benchmark, on loopback, gone at the end."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType

from wms_dev.processes.child import Child
from wms_dev.processes.run_folder import RunFolder
from wms_dev.stack.address import Address
from wms_dev.stack.readiness import until_serving

#: What is committed is on the disk: fsync, synchronous_commit and full_page_writes are Postgres's defaults.
POSTGRES = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
STOP_SECONDS = 30.0
_READY_SECONDS = 60.0
ADVICE = "The benchmark ends here."


class Children:
    """Starts what it is asked for in one environment, and stops all of it in the opposite order."""

    def __init__(self, stack: ExitStack, environment: Mapping[str, str]) -> None:
        """Stop everything when the stack ends."""
        self._stack = stack
        self._environment = environment
        self._folder = RunFolder()
        stack.callback(self._folder.remove)

    def migrate(self) -> None:
        """Make the schema."""
        self.start("migrate", {}).finish(_READY_SECONDS, ADVICE)

    async def start_server(self, address: Address) -> None:
        """Start the gRPC server and wait until it serves."""
        child = self.start("server", {"SERVER_PROCESSES": "1", "SERVER_ADDR": str(address), "HTTP_ADDR": ""})
        await self.ready(child, "server", address)

    async def start_worker(
        self, worker_id: str, service: str = "", settings: Mapping[str, str] = MappingProxyType({})
    ) -> Child:
        """Start a worker and wait until it serves, by default as soon as it lives."""
        address = Address.free()
        own = {"WORKER_ADDR": str(address), "WORKER_HTTP_ADDR": "", "WORKER_ID": worker_id}
        child = self.start("worker", {**own, **settings})
        await self.ready(child, "worker", address, service)
        return child

    def start(self, name: str, settings: Mapping[str, str]) -> Child:
        """Start a subcommand of ours."""
        return self.run(name, [sys.executable, "-m", "wms_core.command", name], settings)

    def run(self, name: str, command: Sequence[str], settings: Mapping[str, str]) -> Child:
        """Start any program; its log has its name."""
        log = self._folder.path / f"{name}.log"
        child = Child.start(name, command, {**self._environment, **settings}, log)
        self._stack.callback(child.stop, STOP_SECONDS)
        self._folder.watch(child.process.pid)
        return child

    async def ready(self, child: Child, name: str, address: Address, service: str = "") -> None:
        """Wait until a child serves."""
        await until_serving(
            name,
            address.target,
            service,
            seconds=_READY_SECONDS,
            still_there=lambda: child.check(ADVICE),
        )
