"""Forged page tokens: each list rejects them or returns a page, without an internal error."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from structlog.testing import capture_logs

from tests.support.builders.orders import place_order
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api, open_api
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_server.calls import page_tokens

pytestmark = pytest.mark.one_postgres
_KEY = "a-key-that-the-one-who-forges-knows"
LISTS: list[MethodDescriptor] = [
    method
    for module in (dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if "page_token" in method.input_type.fields_by_name
]
_TIMES = ("2024-01-15T10:30:00+00:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00")
_BROKEN_TIMES = ("2024-01-15T10:30:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2024-W03")
_NUMBERS = ("0", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "9" * 400)
_TEXTS = (
    "\0",
    "\ud800",
    "a\ud800b",
    "\x1b[2J",
    "٣",
    "²",
    "'; DROP TABLE orders; --",
    "x" * 600,
    "é" * 100,
    "",
)
#: Possible and impossible sort keys of a list.
CONTENTS: list[Any] = [
    *([value] for value in (*_NUMBERS, *_TEXTS)),
    *([value, "ORD-1"] for value in (*_TIMES, *_BROKEN_TIMES, *_TEXTS)),
    *(["WH-01", value] for value in _TEXTS),
    *([_TIMES[0], text] for text in _TEXTS),
    *([], {}, None, 5, "text", [1], [None, None], [[]], [{}], [1e400], [True, False], ["a", "b", "c"]),
]


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """Yield a client of a server with a known key."""
    async with open_api(database_url, page_token_keys=_KEY) as api_client:
        yield api_client


def forge_token(request: Any, content: Any, key: bytes) -> str:
    """Return a token for this list and these filters, signed like the server's tokens."""
    body = json.dumps(content).encode()
    return page_tokens._encode_token(page_tokens._sign_token(key, request, body) + body)


async def test_forged_tokens_cause_no_internal_error(api: Api) -> None:
    """A token of another key is rejected. A token of the right key is rejected or returns a page."""
    assert len(LISTS) == 11
    with capture_logs() as log_entries:
        for method in LISTS:
            await _try_forged_tokens(api, method)
    assert [entry for entry in log_entries if entry["log_level"] in ("error", "critical")] == []


async def _try_forged_tokens(api: Api, method: MethodDescriptor) -> None:
    call: Any = api.channel.unary_unary(f"/{method.containing_service.full_name}/{method.name}")
    request: Any = GetMessageClass(method.input_type)()
    if method.name == "GetOrderHistory":
        request.order_id = "ORD-1"

    def make_calls(key: bytes) -> Iterator[Any]:
        for content in CONTENTS:
            request.page_token = forge_token(request, content, key)
            yield call(request.SerializeToString())

    rejections = await asyncio.gather(*map(expect_failure, islice(make_calls(b"another key"), 0, None, 7)))
    assert {failure.reason for failure in rejections} == {"INVALID_PAGE_TOKEN"}, method.name
    await asyncio.gather(*map(_expect_page_or_invalid_token, make_calls(_KEY.encode())))


async def _expect_page_or_invalid_token(call: Any) -> None:
    """Assert that a call returns a page or fails because of its token."""
    try:
        await call
    except grpc.aio.AioRpcError:
        assert (await expect_failure(call)).reason in ("INVALID_PAGE_TOKEN", "ORDER_NOT_FOUND")


async def test_token_is_valid_on_another_server_of_the_same_database(database_url: str) -> None:
    """Each database has its own key."""
    async with open_api(database_url) as first, open_api(database_url) as second:
        for number in range(3):
            await place_order(first, order_id=f"ORD-{number}")
        page = await first.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=2))
        next_page_request = orders_pb2.ListOrdersRequest(page_size=2, page_token=page.next_page_token)
        (order,) = (await second.orders.ListOrders(next_page_request)).orders
    assert order.order_id == "ORD-0"


async def test_configured_key_replaces_the_key_of_the_database(database_url: str) -> None:
    """Tokens of an old key are accepted while it is configured beside the new one."""
    old_key, new_key = "o" * 40, "n" * 40
    async with open_api(database_url, page_token_keys=old_key) as api:
        for number in range(3):
            await place_order(api, order_id=f"ORD-{number}")
        token = (await api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=2))).next_page_token
    request = orders_pb2.ListOrdersRequest(page_size=2, page_token=token)
    async with open_api(database_url, page_token_keys=f"{new_key},{old_key}") as api:
        assert len((await api.orders.ListOrders(request)).orders) == 1
    for configured_keys in (new_key, None):
        async with open_api(database_url, page_token_keys=configured_keys) as api:
            assert (await expect_failure(api.orders.ListOrders(request))).reason == "INVALID_PAGE_TOKEN"
