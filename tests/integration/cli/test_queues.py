"""`wms-orders retries` and `dlq`: failures, retries and resolutions."""

import getpass

import pytest
from tests.support.builders.orders import place_order
from tests.support.clients.cli import run_command, run_json_command
from tests.support.clients.grpc_api import Api

from wms.orders.v1 import reprocessing_pb2

pytestmark = pytest.mark.one_postgres


async def test_a_failure_is_counted_listed_and_reset(api: Api) -> None:
    """With its reason and the number of failures. A reset order is not listed."""
    first, second = [(await place_order(api)).order_id for _ in range(2)]
    counted = await run_json_command(
        api.address, "retries", "fail", first, "--reason", "No picker", "--workflow", "wf-7"
    )
    assert (counted["retry"]["retryCount"], counted["movedToDeadLetter"]) == (1, False)
    assert (
        "No picker"
        in (await run_command(api.address, "retries", "fail", second, "-r", "No picker")).stdout_text
    )
    listed = await run_command(api.address, "retries", "list", "--status", "received", "--limit", "1")
    assert listed.stdout_text.splitlines()[1].startswith(f"{first}  received   1")
    assert "There are 2" in listed.stderr_text
    result = await run_command(api.address, "retries", "show", first)
    assert "wf-7" in result.stdout_text
    assert (await run_json_command(api.address, "retries", "reset", first))["order"][
        "status"
    ] == "ORDER_STATUS_RECEIVED"
    remaining = await run_json_command(api.address, "retries", "list")
    assert [order["orderId"] for order in remaining["data"]] == [second]
    rejection = await run_command(api.address, "retries", "reset", first, "--request-id", "another")
    assert rejection.exit_code == 0, "an order has the status that is asked for"


async def test_a_dead_letter_is_listed_shown_counted_and_resolved(api: Api) -> None:
    """With the resolver. A second resolution is rejected with advice."""
    order_id = (await place_order(api)).order_id
    failure = reprocessing_pb2.IncrementRetryCountRequest(order_id=order_id, failure_reason="No stock at all")
    for _ in range(5):
        await api.reprocessing.IncrementRetryCount(failure)
    listed = await run_command(api.address, "dlq", "list", "--unresolved", "--failed-in", "received")
    assert listed.stdout_text.splitlines()[1].startswith(f"{order_id}  received   5      No stock at all")
    result = await run_command(api.address, "dlq", "show", order_id)
    assert result.stdout_text.count("No stock at all") > 5
    assert "order snapshot" in result.stdout_text
    entry = (await run_json_command(api.address, "dlq", "show", order_id))["entry"]["entryId"]
    assert (await run_json_command(api.address, "dlq", "show", "--entry", entry))["entry"][
        "orderId"
    ] == order_id
    resolved = await run_json_command(
        api.address, "dlq", "resolve", order_id, "manual-retry", "--notes", "stock came"
    )
    assert resolved["entry"]["resolution"] == "DEAD_LETTER_RESOLUTION_MANUAL_RETRY"
    assert resolved["entry"]["resolvedBy"] == getpass.getuser()
    stats = await run_command(api.address, "dlq", "stats")
    assert "manual_retry 1" in stats.stdout_text
    assert (await run_json_command(api.address, "dlq", "stats"))["resolvedCount"] == "1"
    second_resolution = await run_command(api.address, "dlq", "resolve", order_id, "cancelled", "--by", "eve")
    assert second_resolution.exit_code == 1
    assert "DEAD_LETTER_ALREADY_RESOLVED" in second_resolution.stderr_text
    assert "dlq show" in second_resolution.stderr_text


async def test_an_unknown_entry_has_its_own_exit_code(api: Api) -> None:
    """An entry must be named by exactly one of its ids."""
    absent = await run_command(api.address, "dlq", "show", "ORD-0")
    assert (absent.exit_code, absent.stdout_text) == (3, "")
    assert "dlq list" in absent.stderr_text
    assert (await run_command(api.address, "dlq", "show")).exit_code == 2
    wrong = await run_command(api.address, "dlq", "resolve", "ORD-0", "manual_retri")
    assert wrong.exit_code == 2
    assert "Did you mean 'manual_retry'?" in " ".join(wrong.stderr_text.replace("│", "").split())
