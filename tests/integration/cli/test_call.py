"""`wms-orders call`: any call of the server, by reflection."""

import pytest
from tests.support.builders.orders import place_order
from tests.support.clients.cli import run_command, run_json_command
from tests.support.clients.grpc_api import Api, open_api

pytestmark = pytest.mark.one_postgres


async def test_every_call_of_the_contract_is_listed(api: Api) -> None:
    """With the directions that stream."""
    listed = (await run_command(api.address, "call")).stdout_text.splitlines()
    assert "wms.orders.v1.OrderService/GetOrder" in listed
    assert "wms.orders.v1.OrderService/WatchOrders  (stream out)" in listed
    assert "wms.orders.v1.OrderService/IngestOrders  (stream in and out)" in listed


@pytest.mark.parametrize("name", ["GetOrder", "orderservice.getorder", "wms.orders.v1.OrderService/GetOrder"])
async def test_a_call_is_made_by_any_of_its_names(api: Api, name: str) -> None:
    """JSON as an argument, JSON as output."""
    order_id = (await place_order(api)).order_id
    response = await run_json_command(api.address, "call", name, f'{{"orderId": "{order_id}"}}')
    assert response["order"]["orderId"] == order_id


async def test_a_change_gets_a_request_id_and_is_safe_to_repeat(api: Api) -> None:
    """The same id returns the stored response. Without an id it is another request."""
    order_id = (await place_order(api)).order_id
    fail = ("call", "IncrementRetryCount", "-", "--request-id", "once")
    request_json = f'{{"order_id": "{order_id}", "failure_reason": "x"}}'
    responses = [await run_command(api.address, *fail, stdin_text=request_json) for _ in range(2)]
    assert [response.stdout_json["retry"]["retryCount"] for response in responses] == [1, 1]
    assert responses[0].stdout_text == responses[1].stdout_text


async def test_streams_work_in_both_directions(api: Api) -> None:
    """One line for each output message. Input documents may have any line breaks."""
    order = (
        '{"request": {"customerId": "C", "priority": "ORDER_PRIORITY_STANDARD",\n'
        '"items": [{"sku": "A", "quantity": 1}],\n'
        '"shippingAddress": {"street": "a", "city": "b", "country": "FR"}}}\n'
    )
    result = await run_command(
        api.address, "call", "IngestOrders", "-", stdin_text=order + order.replace("\n", " ") + order
    )
    assert result.exit_code == 0, result
    orders = [line["result"]["order"]["orderId"] for line in result.stdout_json_lines]
    assert len(set(orders)) == 3
    broken = await run_command(api.address, "call", "IngestOrders", "-", stdin_text=order + "{")
    assert len(broken.stdout_json_lines) == 1
    assert broken.exit_code == 2


async def test_an_invalid_document_does_not_end_a_stream(api: Api) -> None:
    """Its number and error are reported, and the other documents are sent."""
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
    input_text = order + "".join(f"{line}\n{order}" for line in hostile)
    result = await run_command(api.address, "call", "IngestOrders", "-", stdin_text=input_text)
    assert result.exit_code == 5
    assert ["order" in line["result"] for line in result.stdout_json_lines] == [True] * (len(hostile) + 1)
    numbers = [line.split(" is skipped: ")[0] for line in result.stderr_text.splitlines()]
    assert numbers == [f"Document {2 * number}" for number in range(1, len(hostile) + 1)], result.stderr_text


@pytest.mark.parametrize(
    ("arguments", "code", "expected_text"),
    [
        (("GetOrdr", "{}"), 3, "Did you mean GetOrder"),
        (("GetOrder", "{"), 2, "not JSON"),
        (("GetOrder", '{"colour": 1}'), 2, "colour"),
        (("GetOrder", '{"\\ud800": 1}'), 2, "surrogate"),
        (("GetOrder", "[" * 100_000), 2, "nested too deeply"),
        (("ListOrders", '{"pageSize": %s}' % ("1" * 5000)), 2, "pageSize"),
        (("GetOrder", '{"orderId": "a"} {"orderId": "b"}'), 2, "takes one request"),
        (("GetOrder", '{"orderId": "ORD-0"}'), 3, "ORDER_NOT_FOUND"),
    ],
)
async def test_an_invalid_call_is_reported(
    api: Api, arguments: tuple[str, ...], code: int, expected_text: str
) -> None:
    """Standard output is empty."""
    result = await run_command(api.address, "call", *arguments)
    assert (result.exit_code, result.stdout_text) == (code, "")
    assert expected_text in " ".join(result.stderr_text.replace("│", "").split())


async def test_a_server_without_reflection_is_reported(database_url: str) -> None:
    """With the variable that enables it."""
    async with open_api(database_url, reflection_enabled=False) as api:
        result = await run_command(api.address, "call")
    assert (result.exit_code, result.stdout_text) == (1, "")
    assert "REFLECTION_ENABLED" in result.stderr_text
