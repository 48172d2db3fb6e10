"""`wms-orders` with names, arguments and terminals that are not ASCII or not UTF-8."""

import asyncio
import json
import signal
from pathlib import Path

import pytest
from tests.support.builders.requests import create_order
from tests.support.clients.cli import (
    CommandResult,
    build_command,
    build_environment,
    run_command,
    run_on_terminal,
    start_command,
    wait_for_result,
)
from tests.support.clients.grpc_api import Api
from tests.support.faults.row_locks import wait_for_lock_waiters
from tests.support.invariants.database import SqlConnection
from tests.support.waiting import eventually

from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.one_postgres

#: A letter that the encodings below do not have.
CUSTOMER = "Łukasz Żak"
ORDER = ("--item", "SKU-001=1", "--street", "1 Rue", "--city", "Reims", "--country", "FR")
#: A locale in which Python reads arguments and variables as ASCII.
ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


async def create(api: Api, *arguments: str, **variables: str) -> CommandResult:
    """Create an order of the customer."""
    return await run_command(api.address, "orders", "create", "-c", CUSTOMER, *ORDER, *arguments, **variables)


async def customers(sql: SqlConnection) -> list[str]:
    """Return the customers of all orders."""
    return [row["customer_id"] for row in await sql.fetch("SELECT customer_id FROM orders ORDER BY 1")]


async def actor_of(api: Api, order_id: str) -> str:
    """Return the actor that created an order."""
    request = orders_pb2.GetOrderHistoryRequest(order_id=order_id)
    return (await api.orders.GetOrderHistory(request)).events[0].actor


@pytest.mark.parametrize("encoding", ["iso8859-1", "cp1252", "ascii"])
async def test_letters_missing_in_the_output_encoding_are_replaced(
    api: Api, sql: SqlConnection, encoding: str
) -> None:
    """In a record and in a stream. JSON has escapes. The exit code is 0, and one order is created."""
    created = await create(api, encoding=encoding)
    assert (created.exit_code, "?ukasz ?ak" in created.stdout_text, created.stderr_text) == (0, True, "")
    watch = ("orders", "watch", "--position", "0", "-n", "1")
    watched = await run_command(api.address, *watch, encoding=encoding)
    assert (watched.exit_code, "new -> received" in watched.stdout_text, watched.stderr_text) == (0, True, "")
    read = await run_command(api.address, *watch, "-o", "json", encoding=encoding)
    assert read.stdout_json_lines[0]["payload"]["customerId"] == CUSTOMER
    assert await customers(sql) == [CUSTOMER]


async def test_a_terminal_without_utf8_shows_replacements(api: Api, tmp_path: Path) -> None:
    """A table, and the progress bar of an import."""
    line = {
        "customerId": CUSTOMER,
        "priority": "standard",
        "items": [{"sku": "SKU-001", "quantity": 1}],
        "shippingAddress": {"street": "a", "city": "b", "country": "FR"},
    }
    file = tmp_path / "Łódź.jsonl"
    file.write_text(json.dumps(line), encoding="utf-8")
    assert "100%" in await run_on_terminal(80, api.address, "import", str(file), encoding="iso8859-1")
    assert "?ukasz ?ak" in await run_on_terminal(80, api.address, "orders", "list", encoding="iso8859-1")


@pytest.mark.parametrize(
    ("name", "variables", "actor"),
    [
        ("jürgen", {}, "cli/jürgen"),
        ("李", ASCII_LOCALE, "cli/李"),
        # In ISO-8859-1, without a declaration of this encoding.
        ("j\udcfcrgen", {}, "cli/j\ufffdrgen"),
        ("a\tb", {}, "cli/ab"),
    ],
)
async def test_the_history_has_the_user_s_name_unchanged(
    api: Api, name: str, variables: dict[str, str], actor: str
) -> None:
    """With any letters."""
    created = await create(api, "--order", "ORD-1", LOGNAME=name, **variables)
    assert (created.exit_code, created.stderr_text) == (0, "")
    assert await actor_of(api, "ORD-1") == actor


async def test_a_binary_actor_takes_precedence_over_an_ascii_one(api: Api) -> None:
    """A caller may send both headers."""
    metadata = (("x-wms-actor", "soren"), ("x-wms-actor-bin", "søren".encode()))
    order = (await api.orders.CreateOrder(create_order(), metadata=metadata)).order
    assert await actor_of(api, order.order_id) == "søren"


async def test_arguments_are_utf8_in_an_ascii_locale(api: Api, sql: SqlConnection) -> None:
    """Invalid UTF-8 is rejected before any call."""
    assert (await create(api, **ASCII_LOCALE)).exit_code == 0
    rejection = await run_command(api.address, "orders", "create", "-c", "j\udcfcrgen", *ORDER)
    assert (rejection.exit_code, rejection.stdout_text) == (2, "")
    assert "is not UTF-8 text" in rejection.stderr_text
    assert await customers(sql) == [CUSTOMER]


async def test_standard_input_is_utf8_with_any_terminal(api: Api, sql: SqlConnection) -> None:
    """Like files. Decoding by the locale would result in other letters."""
    order = {
        "customerId": CUSTOMER,
        "priority": "ORDER_PRIORITY_STANDARD",
        "items": [{"sku": "SKU-001", "quantity": 1}],
        "shippingAddress": {"street": "a", "city": "b", "country": "FR"},
    }
    order_json = json.dumps(order, ensure_ascii=False)
    for arguments in (("call", "CreateOrder", "-"), ("orders", "create", "--file", "-")):
        result = await run_command(
            api.address, *arguments, stdin_text=order_json, PYTHONIOENCODING="iso8859-1"
        )
        assert result.exit_code == 0, result
    assert await customers(sql) == [CUSTOMER, CUSTOMER]


@pytest.mark.parametrize(
    ("redirection", "code", "expected_text"),
    [(">/dev/full", 4, "No space left on device"), (">&-", 0, "")],
)
async def test_a_failing_output_creates_no_second_order(
    api: Api, sql: SqlConnection, redirection: str, code: int, expected_text: str
) -> None:
    """The order is created by then. The same request id shows it again."""
    create_it = ("orders", "create", "-c", "C", *ORDER, "--request-id", "once")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f'"$@" {redirection}', "-", *build_command(*create_it)),
        env=build_environment(api.address),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    result = await wait_for_result(process)
    assert (result.exit_code, "Traceback" in result.stderr_text) == (code, False), result
    assert expected_text in result.stderr_text
    assert ("--request-id once" in result.stderr_text) == (code == 4)
    assert (await run_command(api.address, *create_it)).exit_code == 0
    assert await customers(sql) == ["C"]


async def test_ctrl_c_during_a_change_shows_how_to_repeat_it(api: Api, sql: SqlConnection) -> None:
    """The order is created after the interrupt. The request id returns it."""
    create_it = ("orders", "create", "-c", "C", *ORDER)
    async with sql.transaction():
        await sql.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        process = await start_command(api.address, *create_it)
        await wait_for_lock_waiters(sql)
        process.send_signal(signal.SIGINT)
        result = await wait_for_result(process)
    assert (result.exit_code, result.stdout_text) == (130, "")
    request_id = result.stderr_text.split("--request-id ")[1].strip()

    async def is_created() -> bool:
        return await customers(sql) == ["C"]

    await eventually(is_created)
    repeated = await run_command(api.address, *create_it, "--request-id", request_id)
    assert repeated.exit_code == 0
    assert await customers(sql) == ["C"]
