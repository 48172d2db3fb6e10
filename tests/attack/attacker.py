"""The attacking process: it reads one command per line and writes one line when the attack has ended.

It is a separate process with a low priority. On a small machine, attacker and service compete for the same
processors, and the load of the attacker must not count as latency of the service.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TextIO

from tests.attack import browsers, connections, memory, random_input, streams, tokens, work
from tests.attack.registry import ATTACKS, Size, Target
from wms_core.runtime.file_descriptors import raise_descriptor_limit

#: The modules whose attacks are registered.
MODULES = (connections, streams, memory, work, tokens, browsers, random_input)
_ROOT = Path(__file__).parents[2]
_NICENESS = 10


class AttackFailed(Exception):
    """The attack received a response that no client may receive, or did not end in time."""


class Attacker:
    """The runner's side of the attacking process."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        """Start the process now, so that its imports do not count as time of the first attack."""
        await self._ensure_started()
        return self

    async def __aexit__(self, *error: object) -> None:
        """End the process."""
        await self._kill()

    async def run(self, name: str, size: Size, timeout_seconds: float) -> dict[str, int]:
        """Run one attack and return the number of responses by status.

        Raises:
            AttackFailed: The attack reported an error, or did not end within `timeout_seconds`.
        """
        process = await self._ensure_started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([name, asdict(size)]).encode() + b"\n")
        try:
            async with asyncio.timeout(timeout_seconds):
                line = await process.stdout.readline()
        except TimeoutError:
            await self._kill()
            raise AttackFailed(f"did not end within {timeout_seconds:.0f} s") from None
        result: dict[str, Any] = json.loads(line or b'{"error": "the process of the attacker ended"}')
        if "error" in result:
            raise AttackFailed(result["error"])
        responses: dict[str, int] = result["responses"]
        return responses

    async def _ensure_started(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.attack.attacker",
                json.dumps(asdict(self._target)),
                cwd=_ROOT,
                env={**os.environ, "GRPC_VERBOSITY": "NONE"},
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
            )
            assert self._process.stdout is not None
            await self._process.stdout.readline()
        return self._process

    async def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def main() -> None:
    """Run the attacks that are read from standard input, until its end."""
    os.nice(_NICENESS)
    raise_descriptor_limit()
    target = Target(**json.loads(sys.argv[1]))
    # gRPC's core prints errors of responses to standard output, which carries the results.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _write(output, {"ready": True})
    for line in sys.stdin:
        name, size = json.loads(line)
        try:
            responses = asyncio.run(ATTACKS[name].run(target, size["count"], size["hold_seconds"]))
        except Exception as error:  # the runner reports it
            _write(output, {"error": f"{type(error).__name__}: {error}"})
        else:
            _write(output, {"responses": dict(responses)})


def _write(output: TextIO, result: dict[str, object]) -> None:
    output.write(json.dumps(result) + "\n")
    output.flush()


if __name__ == "__main__":
    main()
