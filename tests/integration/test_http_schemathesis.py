"""The server keeps what docs/openapi.json says, whatever schemathesis thinks of."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.http import open_web

_COMMAND = Path(sys.executable).with_name("schemathesis")
_HOOKS = Path(__file__).parents[1] / "support" / "schemathesis_hooks.py"
#: For a machine on which others are at work; a quiet one takes a minute at most.
_PATIENCE = 400
#: `positive_data_acceptance` takes a 400 for a fault of the schema, and here it may be an order's status.
#: Streams have no end that could be waited for.
_BOUNDS = (
    *("--seed", "7", "--generation-deterministic", "--max-examples", "2", "--continue-on-failure"),
    *("--phases", "examples,coverage,fuzzing", "--exclude-checks", "positive_data_acceptance"),
    # Else it asks for answers within a millisecond, and takes the 504 for a fault.
    *("--header", "X-WMS-Timeout: 30s"),
    # Else it sets a condition that never holds, and the 412 hides what would be behind it.
    *("--header", "If-Match: *"),
    *("--exclude-path-regex", ":watch$", "--warnings", "off", "--no-color"),
)


@pytest.mark.slow
@pytest.mark.one_postgres
@pytest.mark.timeout(_PATIENCE + 60)
async def test_schemathesis_finds_no_fault(database_url: str, tmp_path: Path) -> None:
    """No 500, no undocumented status, type or shape; what breaks the schema is refused."""
    async with open_web(database_url) as web:
        process = await asyncio.create_subprocess_exec(
            *(_COMMAND, "run", f"http://127.0.0.1:{web.port}/openapi.json", *_BOUNDS),
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(_HOOKS)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, output.decode()
