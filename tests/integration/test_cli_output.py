"""`wms-orders` on terminals and in pipes, its help, its completion, and words that it does not know."""

import re

import pytest
from typer.testing import CliRunner

from tests.support.api import Api
from tests.support.cli import on_a_terminal, run
from tests.support.fulfillment import Fulfillment
from tests.support.orders import order_in, stocked
from wms_core.command import application
from wms_core.domain.order_status import OrderStatus

NOWHERE = "127.0.0.1:1"

GROUPS = ("orders", "retries", "dlq", "backorders", "runs", "workers", "events")
FIRST_TITLES = ("order", "event", "sku", "shipment", "carrier", "lane")
SINGLE = ("stock", "carriers", "lanes", "destinations", "import", "health", "call", "config")


def here(*arguments: str) -> tuple[int, str, str]:
    """Run a command that calls nobody in this process; gives exit code, output and complaint."""
    done = CliRunner().invoke(application(list(arguments)), list(arguments))
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.one_postgres
async def test_what_is_shown_fits_a_terminal_of_60_columns(api: Api, fulfillment: Fulfillment) -> None:
    """No line is longer, and nothing of what a pipe gets is missing."""
    await stocked(api)
    order_id = (await order_in(api, fulfillment, OrderStatus.SHIPPED)).order_id
    for arguments in (
        ("orders", "list"),
        ("orders", "get", order_id),
        ("orders", "history", order_id),
        ("orders", "watch", "--position", "0", "-n", "3"),
        ("carriers", "--location", "at_destination", "--location", "moving", "--location", "in_lane"),
        ("lanes",),
    ):
        seen = await on_a_terminal(60, api.address, *arguments)
        assert max(len(line.rstrip()) for line in seen.splitlines()) <= 60, seen
        piped = (await run(api.address, *arguments)).text
        # Times go on, and the title of the first column is not written where a row has several lines.
        words = re.sub(r"\(?[\d.]+ (s|min) ago\)?", "", piped).split()
        assert [word for word in words if word not in seen and word not in FIRST_TITLES] == [], seen


@pytest.mark.one_postgres
async def test_a_wide_terminal_has_a_table_and_a_pipe_no_colours(api: Api) -> None:
    """A row an order, whatever the width of what reads it."""
    long = "C" * 250
    await stocked(api)
    created = await run(
        *(api.address, "orders", "create", "-c", long, "-i", "SKU-001=1"),
        *("--street", "a", "--city", "b", "--country", "FR"),
    )
    assert created.code == 0
    wide = await on_a_terminal(400, api.address, "orders", "list")
    assert [line.split()[0] for line in wide.splitlines()] == ["order", wide.splitlines()[1].split()[0]]
    piped = await run(api.address, "orders", "list", COLUMNS="40", FORCE_COLOR="")
    assert long in piped.text
    assert len(piped.text.splitlines()) == 2
    assert "\x1b" not in piped.text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("ordrs", "orders"), ("orders lst", "list"), ("dlq resolv", "resolve"), ("improt", "import")],
)
def test_a_word_that_is_none_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    """As a fault of the command line."""
    code, text, complaint = here(*typed.split())
    assert (code, text) == (2, "")
    assert f"'{meant}'" in complaint.split("Did you mean")[1]


def test_help_tells_of_every_command_and_exit_code() -> None:
    """The root names all of them; each tells the exit codes."""
    _, root, _ = here("--help")
    for name in (*GROUPS, *SINGLE):
        assert f" {name} " in root
        code, told, _ = here(name, "--help")
        assert code == 0
        assert "Exit code" in " ".join(told.split()), name


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("wms-orders dl", "dlq"),
        ("wms-orders orders canc", "cancel"),
        ("wms-orders orders list --status pac", "packing"),
    ],
)
async def test_the_shell_completes(typed: str, completed: str) -> None:
    """Commands, and the words of their options."""
    last = str(len(typed.split()) - 1)
    asked = {"_WMS_ORDERS_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": last}
    ended = await run(NOWHERE, **asked)
    assert ended.text.split() == [completed]
