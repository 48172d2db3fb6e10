"""`python -m benchmarks.takeover [--rounds 20] [--session 2]`: it starts Postgres, ZooKeeper and workers."""

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.embedded.zookeeper import ZooKeeperEnsemble
from wms_dev.free_port import find_free_port
from wms_dev.local_stack.child_process import ChildProcess
from wms_dev.local_stack.run_directory import RunDirectory

RESULTS = Path(__file__).parents[1] / "results" / "takeover.json"
SIGNALS_BY_FAILURE = {"killed": signal.SIGKILL, "stopped": signal.SIGTERM, "frozen": signal.SIGSTOP}
POLL_SECONDS = 0.003
_SELECT_HOLDER = "SELECT worker_id FROM worker_roles WHERE role = 'fulfillment'"


class ReplicaPair:
    """Two workers, one of them active; a stopped one is replaced."""

    def __init__(self, folder: RunDirectory, environment: dict[str, str], sql: "asyncpg.Connection") -> None:
        self._folder = folder
        self._environment = environment
        self._sql = sql
        self._workers: dict[str, ChildProcess] = {}
        self._count = 0

    def start_worker(self) -> str:
        """Start a worker. Return its name."""
        self._count += 1
        name = f"w-{self._count}"
        own_settings = {
            "WORKER_ID": name,
            "WORKER_ADDR": f"127.0.0.1:{find_free_port()}",
            "WORKER_HTTP_ADDR": "",
        }
        command = [sys.executable, "-m", "wms_core.cli", "worker"]
        log = self._folder.path / f"{name}.log"
        self._workers[name] = ChildProcess.start(name, command, {**self._environment, **own_settings}, log)
        self._folder.end_with_parent(self._workers[name].process.pid)
        return name

    async def wait_for_holder(self, other_than: str = "") -> str:
        """Wait until a worker, not `other_than`, holds the role. Return its name."""
        while True:
            name: str | None = await self._sql.fetchval(_SELECT_HOLDER)
            if name and name != other_than:
                return name
            await asyncio.sleep(POLL_SECONDS)

    async def wait_until_passive(self, name: str) -> None:
        """Wait until a worker is passive."""
        while True:
            if '"passive"' in self._workers[name].log_path.read_text():
                return
            await asyncio.sleep(0.05)

    async def measure_takeover(self, number: signal.Signals) -> float:
        """Send a signal to the active worker. Return the seconds until another one holds the role."""
        await self.wait_until_passive(list(self._workers)[-1])
        name = await self.wait_for_holder()
        started_at = time.monotonic()
        os.kill(self._workers[name].process.pid, number)
        await self.wait_for_holder(other_than=name)
        takeover_seconds = time.monotonic() - started_at
        self.stop_worker(name)
        self.start_worker()
        return takeover_seconds

    def stop_worker(self, name: str) -> None:
        """Stop a worker, even if it is frozen."""
        child = self._workers.pop(name)
        if child.process.poll() is None:
            os.kill(child.process.pid, signal.SIGCONT)
        child.stop(10)

    def close(self) -> None:
        """Stop all workers."""
        for name in list(self._workers):
            self.stop_worker(name)


async def measure(replica_pair: ReplicaPair, rounds: int) -> dict[str, dict[str, float]]:
    """Measure `rounds` takeovers of each kind. Return median and maximum in seconds."""
    replica_pair.start_worker()
    await replica_pair.wait_for_holder()
    replica_pair.start_worker()
    figures = {}
    for failure_name, number in SIGNALS_BY_FAILURE.items():
        takeover_seconds = [await replica_pair.measure_takeover(number) for _ in range(rounds)]
        figures[failure_name] = {
            "median": round(statistics.median(takeover_seconds), 3),
            "worst": round(max(takeover_seconds), 3),
        }
        sys.stdout.write(
            f"{failure_name:8} median {figures[failure_name]['median']:.3f} s, "
            f"worst {figures[failure_name]['worst']:.3f} s\n"
        )
    return figures


@contextmanager
def services() -> Iterator[tuple[str, str]]:
    """Yield the URL of a Postgres and the hosts of three ZooKeeper nodes."""
    with (
        EmbeddedPostgres(temporary_data_dir(), ephemeral=True) as postgres,
        ZooKeeperEnsemble(3) as zookeeper,
    ):
        yield postgres.start(), zookeeper.hosts


async def run(rounds: int, session: float) -> dict[str, dict[str, float]]:
    """Measure on newly started services."""
    with services() as (url, hosts):
        folder = RunDirectory()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "DATABASE_URL": url,
            "ZOOKEEPER_HOSTS": hosts,
            "ZOOKEEPER_SESSION_TIMEOUT": f"{session}s",
            "FULFILLMENT_INTERVAL": "100ms",
        }
        migration = [sys.executable, "-m", "wms_core.cli", "migrate"]
        ChildProcess.start(
            "migration", migration, environment, folder.path / "migration.log"
        ).wait_for_success(60, "")
        sql = await asyncpg.connect(url)
        replica_pair = ReplicaPair(folder, environment, sql)
        try:
            return await measure(replica_pair, rounds)
        finally:
            replica_pair.close()
            await sql.close()
            folder.remove()


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--session", type=float, default=2.0, help="seconds")
    parser.add_argument("--no-record", action="store_true")
    cli_arguments = parser.parse_args()
    figures = asyncio.run(run(cli_arguments.rounds, cli_arguments.session))
    if not cli_arguments.no_record:
        known_results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        known_results[f"{cli_arguments.session:g} s"] = {"rounds": cli_arguments.rounds, **figures}
        RESULTS.write_text(json.dumps(known_results, indent=2) + "\n")


if __name__ == "__main__":
    main()
