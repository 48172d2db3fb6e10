"""Every command of docs/http.md works as it stands there, in its order."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support.http import open_web
from tests.support.versions import ALL_ON_ONE_POSTGRES

pytestmark = ALL_ON_ONE_POSTGRES
GUIDE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)


async def _run(script: str, port: int) -> str:
    """Run commands in a shell, each of which has to succeed."""
    there = script.replace("localhost:8080", f"127.0.0.1:{port}").replace("curl ", "curl --fail-with-body ")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", there), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, (output + errors).decode()
    return output.decode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
async def test_the_commands_of_the_guide_work(database_url: str) -> None:
    """None of them is answered with an error."""
    async with open_web(database_url) as web:
        changes, failures, watch = [await _run(script, web.port) for script in SCRIPTS]
    assert '"status":"cancelled"' in changes
    assert '"resolution":"manual_retry"' in failures
    assert "event: heartbeat" in watch
    assert '"type":"wms.order.cancelled"' in watch


async def test_the_error_of_the_guide_is_the_one_that_comes(database_url: str) -> None:
    """To the letter."""
    (shown,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    (body,) = re.findall(r"-d '\s*(\{\"orderId\": \"ORD-12345\".*?)'", GUIDE, re.DOTALL)
    async with open_web(database_url) as web:
        headers = {"content-type": "application/json"}
        response = await web.http.post(
            "/api/v1/orders", content=body.replace("29.99", "NaN"), headers=headers
        )
    assert response.json() == json.loads(shown)
