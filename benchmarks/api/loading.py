"""Run a load against a server, by the load program in Go."""

import asyncio
import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.api.building import GO_BIN_FOLDER
from wms_dev.errors import UserError

#: Connections by calls in flight: enough to be spread evenly over two processes by the kernel.
CONNECTIONS = {1: 1, 16: 16, 64: 32, 256: 32}
_EXTRA_SECONDS = 30.0


class LoadFailed(UserError):
    """Not every call succeeded."""


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """A call and its request bodies."""

    protocol: str
    path: str
    bodies: Path


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Results of a load. Only `total` (of successful calls) includes the warm-up."""

    in_flight: int
    total: int
    rate: float
    p50_ms: float
    p99_ms: float
    answer: bytes


async def run_load(
    target: LoadTarget, address: str, in_flight: int, warm_up_seconds: float, measured_seconds: float
) -> LoadResult:
    """Keep `in_flight` calls in flight for the given times. Raises LoadFailed if a call fails."""
    connections = in_flight if target.protocol == "http" else CONNECTIONS[in_flight]
    options = {
        "protocol": target.protocol,
        "address": address,
        "path": target.path,
        "bodies": str(target.bodies),
        "connections": str(connections),
        "in-flight": str(in_flight),
        "warm": f"{warm_up_seconds}s",
        "measure": f"{measured_seconds}s",
    }
    command = [str(GO_BIN_FOLDER / "load"), *(f"-{name}={value}" for name, value in options.items())]
    load_report = await _run_load_program(command, warm_up_seconds + measured_seconds + _EXTRA_SECONDS)
    if load_report["failed"]:
        raise LoadFailed(
            f"{load_report['failed']} calls of {target.path} failed, {load_report['total']} succeeded: "
            f"{load_report['complaint']}"
        )
    answer = base64.b64decode(load_report["answer"])
    return LoadResult(
        in_flight,
        load_report["total"],
        load_report["rate"],
        load_report["p50_ms"],
        load_report["p99_ms"],
        answer,
    )


async def _run_load_program(command: list[str], seconds: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(seconds):
            output, stderr_bytes = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise LoadFailed(f"The load program ended with {process.returncode}: {stderr_bytes.decode()[-1000:]}")
    load_report: dict[str, Any] = json.loads(output)
    return load_report
