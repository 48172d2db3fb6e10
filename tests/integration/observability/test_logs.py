"""Logs of the processes: one JSON object on each line, or text for people, never with private data."""

import asyncio
import re
from datetime import datetime

import grpc
import pytest

from tests.support.builders.requests import address, create_order
from tests.support.clients.errors import expect_failure
from tests.support.invariants.database import SqlConnection
from tests.support.processes.processes import FULFILLMENT_HEALTH, Process, Processes, open_client
from tests.support.waiting import eventually

pytestmark = pytest.mark.one_postgres

#: Words that occur only in an order's address.
PRIVATE_DATA_MARKERS = {
    "street": "Kanarienvogelweg 7",
    "city": "Canaryville",
    "recipient_name": "Tweety Canary",
    "phone": "+1-555-0100-2233",
    "zip_code": "ZIP-CANARY",
}
ORDER = create_order(shipping_address=address(**PRIVATE_DATA_MARKERS))

#: Statements that make each part of the service fail while it processes an order.
_FAULTS = {
    # A CHECK with an error that quotes the complete row.
    "a check": "ALTER TABLE orders ADD CONSTRAINT broken CHECK (customer_id = 'unknown') NOT VALID",
    "a missing table": "ALTER TABLE order_items RENAME TO gone",
    "an event refused": """
        ALTER TABLE outbox ADD CONSTRAINT broken CHECK (type = 'none') NOT VALID;
        ALTER TABLE order_events ADD CONSTRAINT broken CHECK (type = 'none') NOT VALID""",
}


def _leaks(process: Process) -> list[str]:
    return [word for word in PRIVATE_DATA_MARKERS.values() if word in process.output_text]


@pytest.mark.parametrize("form", ["json", "pretty"])
@pytest.mark.parametrize("fault", _FAULTS)
async def test_no_address_and_no_phone_number_is_logged(
    processes: Processes, database_url: str, sql: SqlConnection, form: str, fault: str
) -> None:
    """Also when a call or a cycle fails while it processes an order, at level debug."""
    server = processes.server(database_url, log_level="debug", log_format=form)
    await server.wait_until_serving()
    async with open_client(server.address) as api:
        await api.orders.CreateOrder(ORDER)
        await sql.execute(_FAULTS[fault])
        failure = await expect_failure(api.orders.CreateOrder(ORDER))
        assert failure.status_code == grpc.StatusCode.INTERNAL
        assert failure.metadata["errorId"] in server.output_text
        assert not any(word in failure.message for word in PRIVATE_DATA_MARKERS.values())
    worker = processes.worker(database_url, log_level="debug", log_format=form)
    await worker.wait_until_serving(FULFILLMENT_HEALTH)

    async def has_failed() -> bool:
        return any(
            word in worker.output_text for word in ("step_failed", "cannot_be_processed", "step_postponed")
        )

    if fault != "a missing table":  # Validation does not read the lines.
        await eventually(has_failed)
    assert _leaks(server) == []
    assert _leaks(worker) == []
    password = re.findall(r"//[^:]*:([^@]*)@", database_url)[0]
    assert password not in server.output_text + worker.output_text


async def test_every_line_is_one_json_object(processes: Processes, database_url: str) -> None:
    """From the first line to the last, with time, level, event and service."""
    server = processes.server(database_url, log_level="debug")
    worker = processes.worker(database_url, log_level="debug")
    await asyncio.gather(server.wait_until_serving(), worker.wait_until_serving(FULFILLMENT_HEALTH))
    async with open_client(server.address) as api:
        await api.orders.CreateOrder(ORDER, metadata=(("x-wms-correlation-id", "corr-7"),))
    await asyncio.gather(server.terminate_and_wait(), worker.terminate_and_wait())
    for process, service in ((server, "order-service"), (worker, "order-worker")):
        assert len(process.log_entries) >= 3
        for entry in process.log_entries:
            assert entry["service"] == service
            assert entry["event"]
            assert entry["level"] in {"debug", "info", "warning", "error"}
            assert datetime.fromisoformat(entry["timestamp"]).tzinfo is not None
    assert [
        entry["rpc"] for entry in server.find_log_entries("call") if entry["correlation_id"] == "corr-7"
    ] == ["CreateOrder"]


async def test_an_internal_error_is_logged_with_the_correlation_id_of_the_caller(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """As one JSON object, with the stack and without values."""
    server = processes.server(database_url)
    await server.wait_until_serving()
    await sql.execute("ALTER TABLE outbox RENAME TO gone")
    async with open_client(server.address) as api:
        failure = await expect_failure(api.orders.CreateOrder(ORDER))
    (entry,) = server.find_log_entries("call_failed")
    assert entry["error_id"] == failure.metadata["errorId"]
    assert entry["exception"][0]["exc_type"] == "UndefinedTableError"
    assert entry["exception"][0]["frames"]
    assert not any("locals" in frame for frame in entry["exception"][0]["frames"])


async def test_the_pretty_format_writes_text_lines(processes: Processes, database_url: str) -> None:
    """LOG_FORMAT=pretty writes text, without colours into a file."""
    server = processes.server(database_url, log_format="pretty")
    await server.wait_until_serving()
    assert await server.terminate_and_wait() == 0
    assert re.search(r"\[info +\] listening +address=", server.output_text)
    assert "\x1b[" not in server.output_text


async def test_the_log_level_is_applied(processes: Processes, database_url: str) -> None:
    """With LOG_LEVEL=error a run without errors logs nothing."""
    server = processes.server(database_url, log_level="error")
    await server.wait_until_serving()
    async with open_client(server.address) as api:
        await api.orders.CreateOrder(ORDER)
    assert await server.terminate_and_wait() == 0
    assert server.output_text == ""
