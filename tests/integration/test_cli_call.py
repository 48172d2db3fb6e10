"""`wms-orders call`: any call of the server, known by its reflection."""

import pytest

from tests.support.api import Api, open_api
from tests.support.cli import done, run
from tests.support.orders import created

pytestmark = pytest.mark.one_postgres


async def test_every_call_of_the_contract_is_listed(api: Api) -> None:
    """With the ways that stream."""
    listed = (await run(api.address, "call")).text.splitlines()
    assert "wms.orders.v1.OrderService/GetOrder" in listed
    assert "wms.orders.v1.OrderService/WatchOrders  (stream out)" in listed
    assert "wms.orders.v1.OrderService/IngestOrders  (stream in and out)" in listed


@pytest.mark.parametrize("name", ["GetOrder", "orderservice.getorder", "wms.orders.v1.OrderService/GetOrder"])
async def test_a_call_is_made_by_any_of_its_names(api: Api, name: str) -> None:
    """JSON in as an argument, JSON out."""
    order_id = (await created(api)).order_id
    answer = await done(api.address, "call", name, f'{{"orderId": "{order_id}"}}')
    assert answer["order"]["orderId"] == order_id


async def test_a_change_gets_a_request_id_and_is_safe_to_repeat(api: Api) -> None:
    """The same id: the first answer again. Without one, another request."""
    order_id = (await created(api)).order_id
    fail = ("call", "IncrementRetryCount", "-", "--request-id", "once")
    given = f'{{"order_id": "{order_id}", "failure_reason": "x"}}'
    answers = [await run(api.address, *fail, given=given) for _ in range(2)]
    assert [answer.json["retry"]["retryCount"] for answer in answers] == [1, 1]
    assert answers[0].text == answers[1].text


async def test_streams_go_both_ways(api: Api) -> None:
    """A line for each message out, several documents in, however they are broken into lines."""
    order = (
        '{"request": {"customerId": "C", "priority": "ORDER_PRIORITY_STANDARD",\n'
        '"items": [{"sku": "A", "quantity": 1}],\n'
        '"shippingAddress": {"street": "a", "city": "b", "country": "FR"}}}\n'
    )
    taken = await run(
        api.address, "call", "IngestOrders", "-", given=order + order.replace("\n", " ") + order
    )
    assert taken.code == 0, taken
    orders = [one["result"]["order"]["orderId"] for one in taken.lines]
    assert len(set(orders)) == 3
    broken = await run(api.address, "call", "IngestOrders", "-", given=order + "{")
    assert len(broken.lines) == 1
    assert broken.code == 2


async def test_a_document_that_is_no_request_does_not_end_a_stream(api: Api) -> None:
    """Its number and fault are told; those around it are sent."""
    order = (
        '{"request": {"customerId": "C", "priority": "ORDER_PRIORITY_STANDARD",'
        ' "items": [{"sku": "A", "quantity": 1}],'
        ' "shippingAddress": {"street": "a", "city": "b", "country": "FR"}}}\n'
    )
    hostile = (
        '{"colour": 1}',
        '{"\\ud800": 1}',
        '{"request": {"customerId": "\\ud800"}}',
        '{"request": 1, "request": 2}',
        '{"request": {"items": [{"quantity": NaN}]}}',
        '{"request": {"items": [{"quantity": 1e99999999999999999999}]}}',
        "1" * 5000,
    )
    given = order + "".join(f"{line}\n{order}" for line in hostile)
    taken = await run(api.address, "call", "IngestOrders", "-", given=given)
    assert taken.code == 5
    assert ["order" in one["result"] for one in taken.lines] == [True] * (len(hostile) + 1)
    numbers = [line.split(" is left out: ")[0] for line in taken.complaint.splitlines()]
    assert numbers == [f"Document {2 * number}" for number in range(1, len(hostile) + 1)], taken.complaint


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("GetOrdr", "{}"), 3, "Did you mean GetOrder"),
        (("GetOrder", "{"), 2, "no JSON"),
        (("GetOrder", '{"colour": 1}'), 2, "colour"),
        (("GetOrder", '{"\\ud800": 1}'), 2, "surrogate"),
        (("GetOrder", "[" * 100_000), 2, "nested too deeply"),
        (("ListOrders", '{"pageSize": %s}' % ("1" * 5000)), 2, "pageSize"),
        (("GetOrder", '{"orderId": "a"} {"orderId": "b"}'), 2, "takes one request"),
        (("GetOrder", '{"orderId": "ORD-0"}'), 3, "ORDER_NOT_FOUND"),
    ],
)
async def test_what_cannot_be_called_is_said(
    api: Api, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Nothing on standard output."""
    ended = await run(api.address, "call", *arguments)
    assert (ended.code, ended.text) == (code, "")
    assert said in " ".join(ended.complaint.replace("│", "").split())


async def test_a_server_without_reflection_says_so(database_url: str) -> None:
    """With the variable that brings it back."""
    async with open_api(database_url, reflection_enabled=False) as api:
        ended = await run(api.address, "call")
    assert (ended.code, ended.text) == (1, "")
    assert "REFLECTION_ENABLED" in ended.complaint
