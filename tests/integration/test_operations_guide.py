"""Every command of docs/operations.md is one that works today."""

import json
import re
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import Default

from tests.support.api import Api
from tests.support.worker import open_worker

GUIDE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
CALLS = re.findall(r"^grpcurl -plaintext -d '(.*)' localhost:8001 ([\w.]+)/(\w+)$", GUIDE, re.MULTILINE)
PAGES = sorted(set(re.findall(r"curl -s localhost:8002(/\w+)", GUIDE)))
QUERIES = re.findall(r"```sql\n(.*?);\n```", GUIDE, re.DOTALL) + re.findall(r"`(SELECT [^`]*)`", GUIDE)


def test_nothing_is_left_out() -> None:
    """The commands that are tried below are all there are."""
    assert GUIDE.count("\ngrpcurl ") == len(CALLS) > 10
    assert GUIDE.count("```sql") + 1 == len(QUERIES)
    assert PAGES == ["/metrics", "/ready"]


@pytest.mark.parametrize(("body", "service", "method"), CALLS)
async def test_calls_of_the_guide_are_understood(api: Api, body: str, service: str, method: str) -> None:
    """The call exists, its request is one, and the answer is an answer or an error about what is missing."""
    found = Default().FindServiceByName(service).FindMethodByName(method)
    request = json_format.ParseDict(json.loads(body), message_factory.GetMessageClass(found.input_type)())
    call: Any = api.channel.unary_unary(
        f"/{service}/{method}", request_serializer=type(request).SerializeToString
    )
    try:
        await call(request)
    except grpc.aio.AioRpcError as error:
        # The guide's order, warehouse and backorder do not exist here, and no worker is active.
        assert error.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION}  # noqa: PT017


@pytest.mark.parametrize("query", QUERIES)
async def test_queries_of_the_guide_run(sql: "asyncpg.Connection[asyncpg.Record]", query: str) -> None:
    """Postgres of each version understands them."""
    await sql.fetch(query)


async def test_pages_of_the_guide_answer(database_url: str) -> None:
    """The worker has them."""
    async with open_worker(database_url) as worker:
        for page in PAGES:
            assert (await worker.get(page))[0] == 200
