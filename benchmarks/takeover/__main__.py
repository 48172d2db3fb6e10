"""`python -m benchmarks.takeover [--rounds 20] [--session 2]`: Postgres, ZooKeeper and workers of its own."""

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

from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.ports import free_port
from wms_dev.processes.child import Child
from wms_dev.processes.run_folder import RunFolder
from wms_dev.zookeeper import ZooKeeper

RESULTS = Path(__file__).parents[1] / "results" / "takeover.json"
WAYS = {"killed": signal.SIGKILL, "stopped": signal.SIGTERM, "frozen": signal.SIGSTOP}
LOOK = 0.003
_HOLDER = "SELECT worker_id FROM worker_roles WHERE role = 'fulfillment'"


class Line:
    """Two workers, one of them active; whoever leaves is replaced."""

    def __init__(self, folder: RunFolder, environment: dict[str, str], sql: "asyncpg.Connection") -> None:
        """With nobody there yet."""
        self._folder = folder
        self._environment = environment
        self._sql = sql
        self._workers: dict[str, Child] = {}
        self._count = 0

    def join(self) -> str:
        """Start a worker; gives its name."""
        self._count += 1
        name = f"w-{self._count}"
        own = {"WORKER_ID": name, "WORKER_ADDR": f"127.0.0.1:{free_port()}", "WORKER_HTTP_ADDR": ""}
        command = [sys.executable, "-m", "wms_core.command", "worker"]
        log = self._folder.path / f"{name}.log"
        self._workers[name] = Child.start(name, command, {**self._environment, **own}, log)
        self._folder.watch(self._workers[name].process.pid)
        return name

    async def holder(self, other_than: str = "") -> str:
        """Wait until somebody holds the role, or somebody else does; gives the name."""
        while True:
            name: str | None = await self._sql.fetchval(_HOLDER)
            if name and name != other_than:
                return name
            await asyncio.sleep(LOOK)

    async def waiting(self, name: str) -> None:
        """Wait until a worker stands in line."""
        while True:
            if '"passive"' in self._workers[name].log.read_text():
                return
            await asyncio.sleep(0.05)

    async def take_over(self, number: signal.Signals) -> float:
        """Do this to the active worker; gives the seconds until another one holds the role."""
        await self.waiting(list(self._workers)[-1])
        name = await self.holder()
        began = time.monotonic()
        os.kill(self._workers[name].process.pid, number)
        await self.holder(other_than=name)
        taken = time.monotonic() - began
        self.leave(name)
        self.join()
        return taken

    def leave(self, name: str) -> None:
        """End a worker, whatever its state."""
        child = self._workers.pop(name)
        if child.process.poll() is None:
            os.kill(child.process.pid, signal.SIGCONT)
        child.stop(10)

    def close(self) -> None:
        """End all."""
        for name in list(self._workers):
            self.leave(name)


async def measure(line: Line, rounds: int) -> dict[str, dict[str, float]]:
    """Take the role over so often in each way; gives median and worst in seconds."""
    line.join()
    await line.holder()
    line.join()
    figures = {}
    for way, number in WAYS.items():
        taken = [await line.take_over(number) for _ in range(rounds)]
        figures[way] = {"median": round(statistics.median(taken), 3), "worst": round(max(taken), 3)}
        sys.stdout.write(
            f"{way:8} median {figures[way]['median']:.3f} s, worst {figures[way]['worst']:.3f} s\n"
        )
    return figures


@contextmanager
def services() -> Iterator[tuple[str, str]]:
    """Give the address of a Postgres and the hosts of three ZooKeeper nodes."""
    with (
        EmbeddedPostgres(temporary_data_dir(), ephemeral=True) as postgres,
        ZooKeeper(3) as zookeeper,
    ):
        yield postgres.start(), zookeeper.hosts


async def run(rounds: int, session: float) -> dict[str, dict[str, float]]:
    """Measure on services of our own."""
    with services() as (url, hosts):
        folder = RunFolder()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "DATABASE_URL": url,
            "ZOOKEEPER_HOSTS": hosts,
            "ZOOKEEPER_SESSION_TIMEOUT": f"{session}s",
            "FULFILLMENT_INTERVAL": "100ms",
        }
        migration = [sys.executable, "-m", "wms_core.command", "migrate"]
        Child.start("migration", migration, environment, folder.path / "migration.log").finish(60, "")
        sql = await asyncpg.connect(url)
        line = Line(folder, environment, sql)
        try:
            return await measure(line, rounds)
        finally:
            line.close()
            await sql.close()
            folder.remove()


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--session", type=float, default=2.0, help="seconds")
    parser.add_argument("--no-record", action="store_true")
    asked = parser.parse_args()
    figures = asyncio.run(run(asked.rounds, asked.session))
    if not asked.no_record:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        kept[f"{asked.session:g} s"] = {"rounds": asked.rounds, **figures}
        RESULTS.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    main()
