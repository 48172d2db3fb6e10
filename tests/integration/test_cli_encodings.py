"""`wms-orders` where names, arguments and the terminal are not all ASCII and not all UTF-8."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.cli import Done, command, environment, finished, on_a_terminal, run, start
from tests.support.invariants import Sql
from tests.support.locks import until_waiting
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.one_postgres

#: The encodings below lack letters of it.
CUSTOMER = "Łukasz Żak"
ORDER = ("--item", "SKU-001=1", "--street", "1 Rue", "--city", "Reims", "--country", "FR")
#: A locale in which Python reads arguments and variables as ASCII.
ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


async def create(api: Api, *arguments: str, **variables: str) -> Done:
    """Create an order of the customer."""
    return await run(api.address, "orders", "create", "-c", CUSTOMER, *ORDER, *arguments, **variables)


async def customers(sql: Sql) -> list[str]:
    """Return the customers of all orders."""
    return [row["customer_id"] for row in await sql.fetch("SELECT customer_id FROM orders ORDER BY 1")]


async def actor_of(api: Api, order_id: str) -> str:
    """Return who created an order."""
    request = orders_pb2.GetOrderHistoryRequest(order_id=order_id)
    return (await api.orders.GetOrderHistory(request)).events[0].actor


@pytest.mark.parametrize("encoding", ["iso8859-1", "cp1252", "ascii"])
async def test_letters_that_the_output_lacks_are_replaced(api: Api, sql: Sql, encoding: str) -> None:
    """In a record and in a stream; JSON has escapes. Exit code 0, and the order is made once."""
    created = await create(api, encoding=encoding)
    assert (created.code, "?ukasz ?ak" in created.text, created.complaint) == (0, True, "")
    watch = ("orders", "watch", "--position", "0", "-n", "1")
    watched = await run(api.address, *watch, encoding=encoding)
    assert (watched.code, "new -> received" in watched.text, watched.complaint) == (0, True, "")
    read = await run(api.address, *watch, "-o", "json", encoding=encoding)
    assert read.lines[0]["payload"]["customerId"] == CUSTOMER
    assert await customers(sql) == [CUSTOMER]


async def test_a_terminal_without_utf8_shows_what_it_can(api: Api, tmp_path: Path) -> None:
    """A table, and the bar of an import."""
    line = {
        "customerId": CUSTOMER,
        "priority": "standard",
        "items": [{"sku": "SKU-001", "quantity": 1}],
        "shippingAddress": {"street": "a", "city": "b", "country": "FR"},
    }
    file = tmp_path / "Łódź.jsonl"
    file.write_text(json.dumps(line), encoding="utf-8")
    assert "100%" in await on_a_terminal(80, api.address, "import", str(file), encoding="iso8859-1")
    assert "?ukasz ?ak" in await on_a_terminal(80, api.address, "orders", "list", encoding="iso8859-1")


@pytest.mark.parametrize(
    ("name", "variables", "actor"),
    [
        ("jürgen", {}, "cli/jürgen"),
        ("李", ASCII_LOCALE, "cli/李"),
        # In the bytes of ISO-8859-1, which nothing says they are.
        ("j\udcfcrgen", {}, "cli/j\ufffdrgen"),
        ("a\tb", {}, "cli/ab"),
    ],
)
async def test_the_history_has_the_user_s_name_as_it_is(
    api: Api, name: str, variables: dict[str, str], actor: str
) -> None:
    """Whatever its letters are."""
    created = await create(api, "--order", "ORD-1", LOGNAME=name, **variables)
    assert (created.code, created.complaint) == (0, "")
    assert await actor_of(api, "ORD-1") == actor


async def test_a_name_in_bytes_goes_before_one_in_ascii(api: Api) -> None:
    """A caller that knows nothing of the encoding of its own name need not leave one out."""
    metadata = (("x-wms-actor", "soren"), ("x-wms-actor-bin", "søren".encode()))
    order = (await api.orders.CreateOrder(create_order(), metadata=metadata)).order
    assert await actor_of(api, order.order_id) == "søren"


async def test_arguments_are_read_as_utf8_where_the_locale_is_ascii(api: Api, sql: Sql) -> None:
    """What is no text in it is refused before anything is called."""
    assert (await create(api, **ASCII_LOCALE)).code == 0
    refused = await run(api.address, "orders", "create", "-c", "j\udcfcrgen", *ORDER)
    assert (refused.code, refused.text) == (2, "")
    assert "is not text in UTF-8" in refused.complaint
    assert await customers(sql) == [CUSTOMER]


async def test_requests_on_standard_input_are_utf8_whatever_the_terminal_is(api: Api, sql: Sql) -> None:
    """As files are; the locale would make other letters of them."""
    order = {
        "customerId": CUSTOMER,
        "priority": "ORDER_PRIORITY_STANDARD",
        "items": [{"sku": "SKU-001", "quantity": 1}],
        "shippingAddress": {"street": "a", "city": "b", "country": "FR"},
    }
    given = json.dumps(order, ensure_ascii=False)
    for arguments in (("call", "CreateOrder", "-"), ("orders", "create", "--file", "-")):
        ended = await run(api.address, *arguments, given=given, PYTHONIOENCODING="iso8859-1")
        assert ended.code == 0, ended
    assert await customers(sql) == [CUSTOMER, CUSTOMER]


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [(">/dev/full", 4, "No space left on device"), (">&-", 0, "")],
)
async def test_an_output_that_cannot_be_written_makes_no_second_order(
    api: Api, sql: Sql, redirection: str, code: int, said: str
) -> None:
    """The change is made by then: the same request id shows it again."""
    create_it = ("orders", "create", "-c", "C", *ORDER, "--request-id", "once")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f'"$@" {redirection}', "-", *command(*create_it)),
        env=environment(api.address),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    ended = await finished(process)
    assert (ended.code, "Traceback" in ended.complaint) == (code, False), ended
    assert said in ended.complaint
    assert ("--request-id once" in ended.complaint) == (code == 4)
    assert (await run(api.address, *create_it)).code == 0
    assert await customers(sql) == ["C"]


async def test_ctrl_c_during_a_change_tells_how_to_repeat_it(api: Api, sql: Sql) -> None:
    """The order is made although nobody waits for it: the request id finds it."""
    create_it = ("orders", "create", "-c", "C", *ORDER)
    async with sql.transaction():
        await sql.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        process = await start(api.address, *create_it)
        await until_waiting(sql)
        process.send_signal(signal.SIGINT)
        ended = await finished(process)
    assert (ended.code, ended.text) == (130, "")
    request_id = ended.complaint.split("--request-id ")[1].strip()

    async def is_made() -> bool:
        return await customers(sql) == ["C"]

    await eventually(is_made)
    again = await run(api.address, *create_it, "--request-id", request_id)
    assert again.code == 0
    assert await customers(sql) == ["C"]
