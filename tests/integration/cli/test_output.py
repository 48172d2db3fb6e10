"""`wms-orders` on terminals and in pipes: widths, help, completion and unknown words."""

import re

import pytest
from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import place_order_in_status, receive_stock
from tests.support.clients.cli import run_command, run_on_terminal
from tests.support.clients.grpc_api import Api
from typer.testing import CliRunner

from wms_core.cli import build_application
from wms_core.domain.orders.status import OrderStatus

NOWHERE = "127.0.0.1:1"

GROUPS = ("orders", "retries", "dlq", "backorders", "runs", "workers", "events")
FIRST_TITLES = ("order", "event", "sku", "shipment", "carrier", "lane")
SINGLE = ("stock", "carriers", "lanes", "destinations", "import", "health", "call", "config")


def run_in_process(*arguments: str) -> tuple[int, str, str]:
    """Run a command that makes no call within this process. Return exit code, output and error output."""
    result = CliRunner().invoke(build_application(list(arguments)), list(arguments))
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.one_postgres
async def test_output_fits_a_terminal_of_60_columns(api: Api, fulfillment: Fulfillment) -> None:
    """No line is longer, and the terminal shows all words of the output to a pipe."""
    await receive_stock(api)
    order_id = (await place_order_in_status(api, fulfillment, OrderStatus.SHIPPED)).order_id
    for arguments in (
        ("orders", "list"),
        ("orders", "get", order_id),
        ("orders", "history", order_id),
        ("orders", "watch", "--position", "0", "-n", "3"),
        ("carriers", "--location", "at_destination", "--location", "moving", "--location", "in_lane"),
        ("lanes",),
    ):
        output = await run_on_terminal(60, api.address, *arguments)
        assert max(len(line.rstrip()) for line in output.splitlines()) <= 60, output
        piped = (await run_command(api.address, *arguments)).stdout_text
        # Ages change, and the title of the first column is omitted where a row has several lines.
        words = re.sub(r"\(?[\d.]+ (s|min) ago\)?", "", piped).split()
        assert [word for word in words if word not in output and word not in FIRST_TITLES] == [], output


@pytest.mark.one_postgres
async def test_a_wide_terminal_has_a_table_and_a_pipe_no_colours(api: Api) -> None:
    """One row for each order, with any width of the reader."""
    long = "C" * 250
    await receive_stock(api)
    created = await run_command(
        *(api.address, "orders", "create", "-c", long, "-i", "SKU-001=1"),
        *("--street", "a", "--city", "b", "--country", "FR"),
    )
    assert created.exit_code == 0
    wide = await run_on_terminal(400, api.address, "orders", "list")
    assert [line.split()[0] for line in wide.splitlines()] == ["order", wide.splitlines()[1].split()[0]]
    piped = await run_command(api.address, "orders", "list", COLUMNS="40", FORCE_COLOR="")
    assert long in piped.stdout_text
    assert len(piped.stdout_text.splitlines()) == 2
    assert "\x1b" not in piped.stdout_text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("ordrs", "orders"), ("orders lst", "list"), ("dlq resolv", "resolve"), ("improt", "import")],
)
def test_an_unknown_word_is_answered_with_the_most_similar_one(typed: str, meant: str) -> None:
    """As an error of the command line."""
    code, text, complaint = run_in_process(*typed.split())
    assert (code, text) == (2, "")
    assert f"'{meant}'" in complaint.split("Did you mean")[1]


def test_help_covers_every_command_and_exit_code() -> None:
    """The root lists all commands. Each command lists the exit codes."""
    _, root, _ = run_in_process("--help")
    for name in (*GROUPS, *SINGLE):
        assert f" {name} " in root
        code, help_text, _ = run_in_process(name, "--help")
        assert code == 0
        assert "Exit code" in " ".join(help_text.split()), name


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("wms-orders dl", "dlq"),
        ("wms-orders orders canc", "cancel"),
        ("wms-orders orders list --status pac", "packing"),
    ],
)
async def test_shell_completion(typed: str, completed: str) -> None:
    """Commands, and the values of their options."""
    last = str(len(typed.split()) - 1)
    environment = {"_WMS_ORDERS_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": last}
    result = await run_command(NOWHERE, **environment)
    assert result.stdout_text.split() == [completed]
