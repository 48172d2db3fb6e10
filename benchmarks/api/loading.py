"""One load on one server, from outside, by the load program in Go."""

import asyncio
import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.api.building import BIN
from wms_dev.problem import Problem

#: Connections by calls in flight: enough for the kernel to spread them evenly over two processes.
CONNECTIONS = {1: 1, 16: 16, 64: 32, 256: 32}
_SLACK = 30.0


class LoadFailed(Problem):
    """Not every call was answered with success."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is called, and with which bodies."""

    protocol: str
    path: str
    bodies: Path


@dataclass(frozen=True, slots=True)
class Load:
    """What a load saw. `total` counts every success, the warming up included; the other figures do not."""

    in_flight: int
    total: int
    rate: float
    p50_ms: float
    p99_ms: float
    answer: bytes


async def load(target: Target, address: str, in_flight: int, warm: float, measure: float) -> Load:
    """Keep so many calls in flight for so many seconds. Raises LoadFailed when one of them fails."""
    connections = in_flight if target.protocol == "http" else CONNECTIONS[in_flight]
    options = {
        "protocol": target.protocol,
        "address": address,
        "path": target.path,
        "bodies": str(target.bodies),
        "connections": str(connections),
        "in-flight": str(in_flight),
        "warm": f"{warm}s",
        "measure": f"{measure}s",
    }
    command = [str(BIN / "load"), *(f"-{name}={value}" for name, value in options.items())]
    seen = await _run(command, warm + measure + _SLACK)
    if seen["failed"]:
        raise LoadFailed(
            f"{seen['failed']} calls of {target.path} failed beside {seen['total']} that did not: "
            f"{seen['complaint']}"
        )
    answer = base64.b64decode(seen["answer"])
    return Load(in_flight, seen["total"], seen["rate"], seen["p50_ms"], seen["p99_ms"], answer)


async def _run(command: list[str], seconds: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(seconds):
            output, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise LoadFailed(f"The load program ended with {process.returncode}: {complaint.decode()[-1000:]}")
    seen: dict[str, Any] = json.loads(output)
    return seen
