"""Page tokens that no list gave: each list refuses them, or gives a page, and breaks by none."""

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

from tests.support.api import Api, open_api
from tests.support.failures import failing
from tests.support.orders import created
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_server import page_tokens

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
#: What a list could be ordered by, and what none is.
CONTENTS: list[Any] = [
    *([value] for value in (*_NUMBERS, *_TEXTS)),
    *([value, "ORD-1"] for value in (*_TIMES, *_BROKEN_TIMES, *_TEXTS)),
    *(["WH-01", value] for value in _TEXTS),
    *([_TIMES[0], text] for text in _TEXTS),
    *([], {}, None, 5, "text", [1], [None, None], [[]], [{}], [1e400], [True, False], ["a", "b", "c"]),
]


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """Give a client of a server whose key is known."""
    async with open_api(database_url, page_token_keys=_KEY) as opened:
        yield opened


def forged(request: Any, content: Any, key: bytes) -> str:
    """Give a token for this list and these filters that is signed as the server signs."""
    body = json.dumps(content).encode()
    return page_tokens._encode(page_tokens._signature(key, request, body) + body)


async def test_no_forged_token_breaks_a_list(api: Api) -> None:
    """Signed by another key it is refused; signed by the right one it is refused or gives a page."""
    assert len(LISTS) == 11
    with capture_logs() as logged:
        for method in LISTS:
            await _try_forged_tokens(api, method)
    assert [line for line in logged if line["log_level"] in ("error", "critical")] == []


async def _try_forged_tokens(api: Api, method: MethodDescriptor) -> None:
    call: Any = api.channel.unary_unary(f"/{method.containing_service.full_name}/{method.name}")
    request: Any = GetMessageClass(method.input_type)()
    if method.name == "GetOrderHistory":
        request.order_id = "ORD-1"

    def calls(key: bytes) -> Iterator[Any]:
        for content in CONTENTS:
            request.page_token = forged(request, content, key)
            yield call(request.SerializeToString())

    refused = await asyncio.gather(*map(failing, islice(calls(b"another key"), 0, None, 7)))
    assert {failure.reason for failure in refused} == {"INVALID_PAGE_TOKEN"}, method.name
    await asyncio.gather(*map(_answered, calls(_KEY.encode())))


async def _answered(call: Any) -> None:
    """See that a call gives a page, or says what is wrong with its token."""
    try:
        await call
    except grpc.aio.AioRpcError:
        assert (await failing(call)).reason in ("INVALID_PAGE_TOKEN", "ORDER_NOT_FOUND")


async def test_pages_go_on_with_another_server_of_the_database(database_url: str) -> None:
    """The key is the database's; each database has another one."""
    async with open_api(database_url) as first, open_api(database_url) as second:
        for number in range(3):
            await created(first, order_id=f"ORD-{number}")
        page = await first.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=2))
        following = orders_pb2.ListOrdersRequest(page_size=2, page_token=page.next_page_token)
        (order,) = (await second.orders.ListOrders(following)).orders
    assert order.order_id == "ORD-0"


async def test_a_key_of_the_settings_is_used_in_place_of_the_database_s(database_url: str) -> None:
    """And an old one is read beside the new one."""
    old, new = "o" * 40, "n" * 40
    async with open_api(database_url, page_token_keys=old) as api:
        for number in range(3):
            await created(api, order_id=f"ORD-{number}")
        token = (await api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=2))).next_page_token
    request = orders_pb2.ListOrdersRequest(page_size=2, page_token=token)
    async with open_api(database_url, page_token_keys=f"{new},{old}") as api:
        assert len((await api.orders.ListOrders(request)).orders) == 1
    for others in (new, None):
        async with open_api(database_url, page_token_keys=others) as api:
            assert (await failing(api.orders.ListOrders(request))).reason == "INVALID_PAGE_TOKEN"
