"""`wms-orders import`: each order of a file is created once, however often the import is interrupted."""

import json
import re
import signal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.support.builders.hostile_orders import HOSTILE_LINES
from tests.support.clients.cli import (
    CommandResult,
    run_command,
    run_on_terminal,
    start_command,
    wait_for_result,
)
from tests.support.clients.grpc_api import Api
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.processes.processes import Processes
from tests.support.waiting import eventually, with_timeout

from wms_dev.sample_data.northwind import read_northwind_orders

pytestmark = pytest.mark.one_postgres

ORDER = {
    "customerId": "VINET",
    "priority": "standard",
    "items": [{"sku": "NW-001", "quantity": 1, "unitPrice": 9.8}],
    "shippingAddress": {"street": "a", "city": "b", "country": "FR"},
}


def line(**changes: Any) -> bytes:
    """Return a line of a file, with an order without an id."""
    return json.dumps({**ORDER, **changes}).encode()


def copy_northwind(folder: Path) -> Path:
    """Copy the sample file of the project, and return the copy."""
    file = folder / "northwind.jsonl"
    file.write_bytes((resources.files("wms_dev") / "data" / "northwind_orders_even.jsonl").read_bytes())
    return file


def write_lines(folder: Path, *lines: bytes) -> Path:
    """Write lines to a file and return it."""
    file = folder / "orders.jsonl"
    file.write_bytes(b"\n".join(lines))
    return file


def read_progress(file: Path) -> dict[str, Any]:
    """Return the checkpoint of a file, or one of line 0 before the first batch."""
    checkpoint_file = file.with_name(f"{file.name}.progress.json")
    checkpoint: dict[str, Any] = (
        json.loads(checkpoint_file.read_text()) if checkpoint_file.exists() else {"line": 0}
    )
    return checkpoint


def read_rejects(file: Path) -> list[dict[str, Any]]:
    """Return the rejected lines."""
    rejects_file = file.with_name(f"{file.name}.rejects.jsonl")
    return (
        [json.loads(line) for line in rejects_file.read_text().splitlines()] if rejects_file.exists() else []
    )


async def run_import(address: str, file: Path, *arguments: str) -> CommandResult:
    """Import a file, and return the result of the command."""
    return await run_command(address, "import", str(file), "--output", "json", *arguments)


async def count_orders(sql: SqlConnection) -> int:
    """Return the number of orders."""
    return int(await sql.fetchval("SELECT count(*) FROM orders"))


async def test_all_northwind_orders_are_there_once_after_two_kills(
    api: Api, sql: SqlConnection, tmp_path: Path
) -> None:
    """Each kill comes when a batch is stored and its response is on the way, which is the worst moment."""
    file = copy_northwind(tmp_path)
    async with open_proxy(f"tcp://{api.address}") as proxy:
        address = proxy.url.removeprefix("tcp://")
        for min_lines in (100, 250):
            process = await start_command(
                address, "import", str(file), "--batch-size", "10", "--patience", "30"
            )

            async def has_reached(min_lines: int = min_lines) -> bool:
                return int(read_progress(file)["line"]) >= min_lines

            await eventually(has_reached)
            proxy.freeze(outward=False)

            async def has_stored_more() -> bool:
                return await count_orders(sql) > int(read_progress(file)["line"])

            await eventually(has_stored_more)
            process.send_signal(signal.SIGKILL)
            assert (await wait_for_result(process)).exit_code == -signal.SIGKILL
            assert int(read_progress(file)["line"]) < await count_orders(sql) < 415
            await proxy.heal()
    result = await run_import(api.address, file)
    assert result.exit_code == 0, result
    assert "Resuming after line" in result.stderr_text
    assert (result.stdout_json["line"], result.stdout_json["created"], result.stdout_json["rejected"]) == (
        415,
        415,
        0,
    )
    names = [request.order_id for request in read_northwind_orders()]
    assert [row["order_id"] for row in await sql.fetch("SELECT order_id FROM orders ORDER BY 1")] == sorted(
        names
    )
    assert await count_orders(sql) == 415
    assert await find_violations(sql, acknowledged_ids=names) == []
    done = await run_import(api.address, file)
    assert done.exit_code == 0
    assert "Nothing to do" in done.stderr_text


async def test_orders_without_ids_are_not_created_twice(api: Api, sql: SqlConnection, tmp_path: Path) -> None:
    """Also when the checkpoint and the stored responses are lost."""
    file = write_lines(tmp_path, *(line() for _ in range(25)))
    assert (await run_import(api.address, file, "--batch-size", "10")).stdout_json["created"] == 25
    assert await count_orders(sql) == 25
    await sql.execute("DELETE FROM request_answers")
    file.with_name(f"{file.name}.progress.json").unlink()
    repeated = await run_import(api.address, file)
    assert (repeated.exit_code, repeated.stdout_json["created"], repeated.stdout_json["already_there"]) == (
        0,
        0,
        25,
    )
    assert await count_orders(sql) == 25


async def test_rejected_lines_are_written_with_line_number_and_reason(
    api: Api, sql: SqlConnection, tmp_path: Path
) -> None:
    """Blank, broken, too long and rejected lines, and a byte order mark. All other lines are imported."""
    existing_id = "ORD-TAKEN"
    file = write_lines(
        tmp_path,
        b"\xef\xbb\xbf" + line(orderId=existing_id) + b"\r",
        b"",
        b"   ",
        b'{"customerId": ',
        b"[1]",
        b"\xff{}",
        line(priority="urgent"),
        line(colour="red"),
        line(items=[{"sku": "NW-001", "quantity": 0}]),
        line(shippingAddress={"street": "a", "city": "b", "country": "XX"}),
        line(items=[{"sku": "NW-001", "quantity": 1, "unitPrice": 1e-12}]),
        b'{"a": "' + b"x" * 5_000_000 + b'"}',
        line(orderId=existing_id, customerId="ANOTHER"),
        line(orderId="last"),
    )
    result = await run_import(api.address, file)
    assert result.exit_code == 5
    assert (result.stdout_json["created"], result.stdout_json["rejected"], result.stdout_json["blank"]) == (
        2,
        10,
        2,
    )
    assert result.stdout_json["rejects"] == f"{file}.rejects.jsonl"
    rejects_by_line = {reject["line"]: reject for reject in read_rejects(file)}
    assert list(rejects_by_line) == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    assert {
        number: rejected_line["reason"]
        for number, rejected_line in rejects_by_line.items()
        if rejected_line["reason"] != "UNREADABLE"
    } == {
        9: "INVALID_REQUEST",
        10: "INVALID_REQUEST",
        13: "ORDER_ALREADY_EXISTS",
    }
    expected_texts = {
        4: "column 16",
        5: "object",
        6: "UTF-8",
        7: "urgent",
        8: "colour",
        11: "nine digits",
        12: "longer",
    }
    for number, text in expected_texts.items():
        assert text in rejects_by_line[number]["message"]
    assert "items[0].quantity" in rejects_by_line[9]["violations"]
    assert json.loads(rejects_by_line[8]["original"])["colour"] == "red"
    assert await count_orders(sql) == 2
    for_people = await run_command(api.address, "import", str(file))
    assert for_people.exit_code == 5
    assert "rejects.jsonl" in for_people.stderr_text


async def test_an_unreadable_line_never_ends_the_import(api: Api, sql: SqlConnection, tmp_path: Path) -> None:
    """Each is rejected with its number and a short reason. The orders around them are created."""
    lines = [line()]
    for hostile in HOSTILE_LINES.values():
        lines += [hostile, line()]
    result = await run_import(api.address, write_lines(tmp_path, *lines))
    assert (result.exit_code, result.stderr_text) == (5, "")
    rejects = read_rejects(tmp_path / "orders.jsonl")
    messages_by_line = dict(
        zip((reject["line"] for reject in rejects), (reject["message"] for reject in rejects), strict=True)
    )
    assert list(messages_by_line) == [2 * number for number in range(1, len(HOSTILE_LINES) + 1)], (
        messages_by_line
    )
    assert all(0 < len(message) < 400 for message in messages_by_line.values()), messages_by_line
    assert await count_orders(sql) == len(HOSTILE_LINES) + 1


async def test_a_poison_order_of_a_batch_is_isolated_and_rejected(
    api: Api, sql: SqlConnection, tmp_path: Path
) -> None:
    """The service fails because of one order. The other orders of the batch are created."""
    await sql.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW
            WHEN (NEW.customer_id = 'BREAKS') EXECUTE FUNCTION refuse();
        """
    )
    lines = [line(customerId="BREAKS" if number in (3, 17) else "C") for number in range(25)]
    result = await run_import(api.address, write_lines(tmp_path, *lines))
    assert (result.exit_code, result.stdout_json["created"], result.stdout_json["rejected"]) == (5, 23, 2)
    rejects = read_rejects(tmp_path / "orders.jsonl")
    assert [(reject["line"], reject["reason"]) for reject in rejects] == [(4, "INTERNAL"), (18, "INTERNAL")]
    assert await count_orders(sql) == 23


async def test_rejects_of_a_killed_import_are_not_written_twice(api: Api, tmp_path: Path) -> None:
    """Those that were written after the last checkpoint."""
    file = write_lines(tmp_path, b"broken", line(), b"broken too")
    assert (await run_import(api.address, file, "--batch-size", "1")).exit_code == 5
    checkpoint_file = file.with_name(f"{file.name}.progress.json")
    facts = json.loads(checkpoint_file.read_text())
    first = len(file.with_name(f"{file.name}.rejects.jsonl").read_bytes().splitlines(keepends=True)[0])
    checkpoint_file.write_text(
        json.dumps(
            {
                **facts,
                "done": False,
                "line": 2,
                "offset": len(b"broken\n" + line()) + 1,
                "rejected": 1,
                "rejects_size": first,
            }
        )
    )
    assert (await run_import(api.address, file)).stdout_json["rejected"] == 2
    assert [reject["line"] for reject in read_rejects(file)] == [1, 3]


async def test_an_import_waits_for_a_restarted_server(
    database_url: str, processes: Processes, sql: SqlConnection, tmp_path: Path
) -> None:
    """The interruption is reported, and no order is lost or created twice."""
    file = copy_northwind(tmp_path)
    server = processes.server(database_url)
    await server.wait_until_serving()
    process = await start_command(server.address, "import", str(file), "--batch-size", "2", "-o", "json")

    async def has_started() -> bool:
        return int(read_progress(file)["line"]) > 20

    await eventually(has_started)
    server.send_signal(signal.SIGKILL)
    await server.wait_for_exit()
    assert process.stderr is not None
    assert "Waiting: UNAVAILABLE" in (await with_timeout(process.stderr.readline(), 30)).decode()
    restarted = processes.server(database_url, address=server.address)
    await restarted.wait_until_serving()
    result = await wait_for_result(process)
    assert (result.exit_code, result.stdout_json["created"]) == (0, 415)
    assert await count_orders(sql) == 415


async def test_an_import_without_a_server_shows_how_to_continue(tmp_path: Path) -> None:
    """It exits immediately when no server responds at the start."""
    file = write_lines(tmp_path, line())
    result = await run_import("127.0.0.1:1", file)
    assert (result.exit_code, result.stdout_text) == (4, "")
    assert "does not answer" in result.stderr_text
    assert "the same command resumes after them" in result.stderr_text


async def test_ctrl_c_ends_an_import_between_two_orders(api: Api, tmp_path: Path) -> None:
    """With a summary and its own exit code."""
    file = copy_northwind(tmp_path)
    async with open_proxy(f"tcp://{api.address}") as proxy:
        process = await start_command(
            proxy.url.removeprefix("tcp://"), "import", str(file), "--batch-size", "10"
        )

        async def has_started() -> bool:
            return int(read_progress(file)["line"]) > 20

        await eventually(has_started)
        proxy.freeze()
        process.send_signal(signal.SIGINT)
        result = await wait_for_result(process)
    assert result.exit_code == 130
    assert f"{read_progress(file)['line']} lines are done" in result.stderr_text


async def test_a_terminal_shows_the_progress(api: Api, tmp_path: Path) -> None:
    """A bar with the lines done, the rate and the remaining time, in 60 columns."""
    output = await run_on_terminal(
        60, api.address, "import", str(copy_northwind(tmp_path)), "--batch-size", "20"
    )
    assert re.search(r"100% ━+ line 415, \d+/s 00:00", output), output
    assert max(len(line) for line in output.splitlines()) <= 60
    assert "already there" in output


async def test_another_file_with_the_same_name_is_rejected(
    api: Api, sql: SqlConnection, tmp_path: Path
) -> None:
    """With advice. No order is sent."""
    file = write_lines(tmp_path, line())
    assert (await run_import(api.address, file)).exit_code == 0
    write_lines(tmp_path, line(), line())
    rejection = await run_import(api.address, file)
    assert (rejection.exit_code, rejection.stdout_text) == (1, "")
    assert "has been changed" in rejection.stderr_text
    assert await count_orders(sql) == 1
    file.with_name(f"{file.name}.progress.json").write_text("{")
    broken = await run_import(api.address, file)
    assert "Remove it to begin again" in broken.stderr_text


async def test_a_second_import_of_the_same_file_exits(api: Api, tmp_path: Path) -> None:
    """It reports the first one."""
    file = copy_northwind(tmp_path)
    async with open_proxy(f"tcp://{api.address}") as proxy:
        process = await start_command(
            proxy.url.removeprefix("tcp://"), "import", str(file), "--batch-size", "10"
        )

        async def has_started() -> bool:
            return int(read_progress(file)["line"]) > 20

        await eventually(has_started)
        proxy.freeze()
        second = await run_import(api.address, file)
        process.kill()
        await wait_for_result(process)
    assert second.exit_code == 1
    assert "Another import of this file" in second.stderr_text


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
async def test_an_invalid_file_is_rejected(name: str, tmp_path: Path) -> None:
    """As an error of the command line."""
    result = await run_import("127.0.0.1:1", tmp_path / name)
    assert (result.exit_code, result.stdout_text) == (2, "")
