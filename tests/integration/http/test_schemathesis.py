"""The server conforms to docs/reference/openapi.json for all requests that schemathesis generates."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.clients.http import open_http_server

_COMMAND = Path(sys.executable).with_name("schemathesis")
_HOOKS = Path(__file__).parents[2] / "support" / "specs" / "schemathesis_hooks.py"
#: On a busy machine; an idle one needs a minute at most.
_TIMEOUT_SECONDS = 400
#: `positive_data_acceptance` reports each 400, but here it may be caused by the status of an order.
_BOUNDS = (
    *("--seed", "7", "--generation-deterministic", "--max-examples", "2", "--continue-on-failure"),
    *("--phases", "examples,coverage,fuzzing", "--exclude-checks", "positive_data_acceptance"),
    # Otherwise it sends timeouts of a millisecond, and reports the 504.
    *("--header", "X-WMS-Timeout: 30s"),
    # Otherwise it sends conditions that never match, and the 412 hides other responses.
    *("--header", "If-Match: *"),
    *("--exclude-path-regex", ":watch$", "--warnings", "off", "--no-color"),
)


@pytest.mark.slow
@pytest.mark.one_postgres
@pytest.mark.timeout(_TIMEOUT_SECONDS + 60)
async def test_schemathesis_finds_no_failure(database_url: str, tmp_path: Path) -> None:
    """No 500, no undocumented status, type or schema. Requests that violate the schema are rejected."""
    async with open_http_server(database_url) as web:
        process = await asyncio.create_subprocess_exec(
            *(_COMMAND, "run", f"http://127.0.0.1:{web.port}/openapi.json", *_BOUNDS),
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(_HOOKS)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, output.decode()
