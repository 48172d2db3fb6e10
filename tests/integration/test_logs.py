"""What the processes write: one JSON object a line, or text for people, and never what is private."""

import asyncio
import re
from datetime import datetime

import grpc
import pytest

from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.processes import FULFILLMENT, Process, Processes, open_client
from tests.support.requests import address, create_order
from tests.support.waiting import eventually

pytestmark = pytest.mark.one_postgres

#: Words that are nowhere but in an order's address.
CANARIES = {
    "street": "Kanarienvogelweg 7",
    "city": "Canaryville",
    "recipient_name": "Tweety Canary",
    "phone": "+1-555-0100-2233",
    "zip_code": "ZIP-CANARY",
}
ORDER = create_order(shipping_address=address(**CANARIES))

#: What makes each part of the service fail while it holds an order in its hands.
_FAULTS = {
    # A CHECK whose error quotes the whole row.
    "a check": "ALTER TABLE orders ADD CONSTRAINT broken CHECK (customer_id = 'nobody') NOT VALID",
    "a missing table": "ALTER TABLE order_items RENAME TO gone",
    "an event refused": """
        ALTER TABLE outbox ADD CONSTRAINT broken CHECK (type = 'none') NOT VALID;
        ALTER TABLE order_events ADD CONSTRAINT broken CHECK (type = 'none') NOT VALID""",
}


def _leaks(process: Process) -> list[str]:
    return [word for word in CANARIES.values() if word in process.text]


@pytest.mark.parametrize("form", ["json", "pretty"])
@pytest.mark.parametrize("fault", _FAULTS)
async def test_no_address_and_no_phone_number_is_logged(
    processes: Processes, database_url: str, sql: Sql, form: str, fault: str
) -> None:
    """Also not when a call or a cycle breaks with an order in its hands, at the most talkative level."""
    server = processes.server(database_url, log_level="debug", log_format=form)
    await server.serving()
    async with open_client(server.address) as api:
        await api.orders.CreateOrder(ORDER)
        await sql.execute(_FAULTS[fault])
        failure = await failing(api.orders.CreateOrder(ORDER))
        assert failure.code == grpc.StatusCode.INTERNAL
        assert failure.metadata["errorId"] in server.text
        assert not any(word in failure.message for word in CANARIES.values())
    worker = processes.worker(database_url, log_level="debug", log_format=form)
    await worker.serving(FULFILLMENT)

    async def broke() -> bool:
        return any(word in worker.text for word in ("step_failed", "cannot_be_processed", "step_put_off"))

    if fault != "a missing table":  # Validation needs no lines.
        await eventually(broke)
    assert _leaks(server) == []
    assert _leaks(worker) == []
    password = re.findall(r"//[^:]*:([^@]*)@", database_url)[0]
    assert password not in server.text + worker.text


async def test_every_line_is_one_json_object(processes: Processes, database_url: str) -> None:
    """From the first line to the last, with time, level, event and service."""
    server = processes.server(database_url, log_level="debug")
    worker = processes.worker(database_url, log_level="debug")
    await asyncio.gather(server.serving(), worker.serving(FULFILLMENT))
    async with open_client(server.address) as api:
        await api.orders.CreateOrder(ORDER, metadata=(("x-wms-correlation-id", "corr-7"),))
    await asyncio.gather(server.stopped(), worker.stopped())
    for process, service in ((server, "order-service"), (worker, "order-worker")):
        assert len(process.entries) >= 3
        for entry in process.entries:
            assert entry["service"] == service
            assert entry["event"]
            assert entry["level"] in {"debug", "info", "warning", "error"}
            assert datetime.fromisoformat(entry["timestamp"]).tzinfo is not None
    assert [entry["rpc"] for entry in server.said("call") if entry["correlation_id"] == "corr-7"] == [
        "CreateOrder"
    ]


async def test_a_fault_is_logged_under_the_id_that_the_caller_got(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """As one JSON object too, with the place where it happened and no values."""
    server = processes.server(database_url)
    await server.serving()
    await sql.execute("ALTER TABLE outbox RENAME TO gone")
    async with open_client(server.address) as api:
        failure = await failing(api.orders.CreateOrder(ORDER))
    (entry,) = server.said("call_broke")
    assert entry["error_id"] == failure.metadata["errorId"]
    assert entry["exception"][0]["exc_type"] == "UndefinedTableError"
    assert entry["exception"][0]["frames"]
    assert not any("locals" in frame for frame in entry["exception"][0]["frames"])


async def test_people_get_lines_they_can_read(processes: Processes, database_url: str) -> None:
    """LOG_FORMAT=pretty writes text without colours into a file."""
    server = processes.server(database_url, log_format="pretty")
    await server.serving()
    assert await server.stopped() == 0
    assert re.search(r"\[info +\] listening +address=", server.text)
    assert "\x1b[" not in server.text


async def test_the_log_level_is_kept(processes: Processes, database_url: str) -> None:
    """LOG_LEVEL=error says nothing of a life without errors."""
    server = processes.server(database_url, log_level="error")
    await server.serving()
    async with open_client(server.address) as api:
        await api.orders.CreateOrder(ORDER)
    assert await server.stopped() == 0
    assert server.text == ""
