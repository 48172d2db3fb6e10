"""`wms-orders retries` and `dlq`: what failed, and what becomes of it."""

import getpass

import pytest

from tests.support.api import Api
from tests.support.cli import done, run
from tests.support.orders import created
from wms.orders.v1 import reprocessing_pb2

pytestmark = pytest.mark.one_postgres


async def test_a_failure_is_counted_listed_and_put_back(api: Api) -> None:
    """The reason and the number of failures are seen; a reset order is no longer listed."""
    first, second = [(await created(api)).order_id for _ in range(2)]
    counted = await done(api.address, "retries", "fail", first, "--reason", "No picker", "--workflow", "wf-7")
    assert (counted["retry"]["retryCount"], counted["movedToDeadLetter"]) == (1, False)
    assert "No picker" in (await run(api.address, "retries", "fail", second, "-r", "No picker")).text
    listed = await run(api.address, "retries", "list", "--status", "received", "--limit", "1")
    assert listed.text.splitlines()[1].startswith(f"{first}  received   1")
    assert "There are 2" in listed.complaint
    shown = await run(api.address, "retries", "show", first)
    assert "wf-7" in shown.text
    assert (await done(api.address, "retries", "reset", first))["order"]["status"] == "ORDER_STATUS_RECEIVED"
    left = await done(api.address, "retries", "list")
    assert [order["orderId"] for order in left["data"]] == [second]
    refused = await run(api.address, "retries", "reset", first, "--request-id", "another")
    assert refused.code == 0, "an order has the status that is asked for"


async def test_a_dead_letter_is_listed_shown_counted_and_resolved(api: Api) -> None:
    """Who decided is told; a second decision is refused with what to look at."""
    order_id = (await created(api)).order_id
    failure = reprocessing_pb2.IncrementRetryCountRequest(order_id=order_id, failure_reason="No stock at all")
    for _ in range(5):
        await api.reprocessing.IncrementRetryCount(failure)
    listed = await run(api.address, "dlq", "list", "--unresolved", "--failed-in", "received")
    assert listed.text.splitlines()[1].startswith(f"{order_id}  received   5      No stock at all")
    shown = await run(api.address, "dlq", "show", order_id)
    assert shown.text.count("No stock at all") > 5
    assert "order snapshot" in shown.text
    entry = (await done(api.address, "dlq", "show", order_id))["entry"]["entryId"]
    assert (await done(api.address, "dlq", "show", "--entry", entry))["entry"]["orderId"] == order_id
    resolved = await done(api.address, "dlq", "resolve", order_id, "manual-retry", "--notes", "stock came")
    assert resolved["entry"]["resolution"] == "DEAD_LETTER_RESOLUTION_MANUAL_RETRY"
    assert resolved["entry"]["resolvedBy"] == getpass.getuser()
    stats = await run(api.address, "dlq", "stats")
    assert "manual_retry 1" in stats.text
    assert (await done(api.address, "dlq", "stats"))["resolvedCount"] == "1"
    again = await run(api.address, "dlq", "resolve", order_id, "cancelled", "--by", "eve")
    assert again.code == 1
    assert "DEAD_LETTER_ALREADY_RESOLVED" in again.complaint
    assert "dlq show" in again.complaint


async def test_what_is_not_in_the_queue_is_not_there(api: Api) -> None:
    """With an exit code of its own; and a name must be given in one way."""
    absent = await run(api.address, "dlq", "show", "ORD-0")
    assert (absent.code, absent.text) == (3, "")
    assert "dlq list" in absent.complaint
    assert (await run(api.address, "dlq", "show")).code == 2
    wrong = await run(api.address, "dlq", "resolve", "ORD-0", "manual_retri")
    assert wrong.code == 2
    assert "Did you mean 'manual_retry'?" in " ".join(wrong.complaint.replace("│", "").split())
