"""`wms-orders import`: each order of a file once, however often it is ended on the way."""

import json
import re
import signal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.cli import Done, finished, on_a_terminal, run, start
from tests.support.hostile_orders import HOSTILE_LINES
from tests.support.invariants import Sql, breaches
from tests.support.processes import Processes
from tests.support.proxy import open_proxy
from tests.support.waiting import bounded, eventually
from wms_dev.northwind import northwind_orders

pytestmark = pytest.mark.one_postgres

ORDER = {
    "customerId": "VINET",
    "priority": "standard",
    "items": [{"sku": "NW-001", "quantity": 1, "unitPrice": 9.8}],
    "shippingAddress": {"street": "a", "city": "b", "country": "FR"},
}


def line(**changes: Any) -> bytes:
    """Give a line of a file; its order has no id of its own."""
    return json.dumps({**ORDER, **changes}).encode()


def northwind(folder: Path) -> Path:
    """Give a copy of the file that comes with the project."""
    file = folder / "northwind.jsonl"
    file.write_bytes((resources.files("wms_dev") / "data" / "northwind_orders_even.jsonl").read_bytes())
    return file


def written(folder: Path, *lines: bytes) -> Path:
    """Give a file of these lines."""
    file = folder / "orders.jsonl"
    file.write_bytes(b"\n".join(lines))
    return file


def progress(file: Path) -> dict[str, Any]:
    """Give what is kept beside a file; nothing before the first batch."""
    kept = file.with_name(f"{file.name}.progress.json")
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {"line": 0}
    return found


def rejects(file: Path) -> list[dict[str, Any]]:
    """Give the lines that were rejected."""
    kept = file.with_name(f"{file.name}.rejects.jsonl")
    return [json.loads(one) for one in kept.read_text().splitlines()] if kept.exists() else []


async def imported(address: str, file: Path, *arguments: str) -> Done:
    """Import a file to the end, or as far as it goes."""
    return await run(address, "import", str(file), "--output", "json", *arguments)


async def orders_of(sql: Sql) -> int:
    """Count the orders there are."""
    return int(await sql.fetchval("SELECT count(*) FROM orders"))


async def test_all_northwind_orders_are_there_once_after_two_kills(
    api: Api, sql: Sql, tmp_path: Path
) -> None:
    """Killed when a batch is stored and its answer is on the way: the worst moment there is."""
    file = northwind(tmp_path)
    async with open_proxy(f"tcp://{api.address}") as proxy:
        address = proxy.url.removeprefix("tcp://")
        for least in (100, 250):
            process = await start(address, "import", str(file), "--batch-size", "10", "--patience", "30")

            async def come_far(least: int = least) -> bool:
                return int(progress(file)["line"]) >= least

            await eventually(come_far)
            proxy.freeze(outward=False)

            async def ahead() -> bool:
                return await orders_of(sql) > int(progress(file)["line"])

            await eventually(ahead)
            process.send_signal(signal.SIGKILL)
            assert (await finished(process)).code == -signal.SIGKILL
            assert int(progress(file)["line"]) < await orders_of(sql) < 415
            await proxy.heal()
    ended = await imported(api.address, file)
    assert ended.code == 0, ended
    assert "Going on after line" in ended.complaint
    assert (ended.json["line"], ended.json["created"], ended.json["rejected"]) == (415, 415, 0)
    names = [request.order_id for request in northwind_orders()]
    assert [row["order_id"] for row in await sql.fetch("SELECT order_id FROM orders ORDER BY 1")] == sorted(
        names
    )
    assert await orders_of(sql) == 415
    assert await breaches(sql, acknowledged=names) == []
    done = await imported(api.address, file)
    assert done.code == 0
    assert "Nothing is left to do" in done.complaint


async def test_orders_without_ids_are_not_doubled(api: Api, sql: Sql, tmp_path: Path) -> None:
    """Even when the progress is lost, and the answers that the server keeps for repetitions too."""
    file = written(tmp_path, *(line() for _ in range(25)))
    assert (await imported(api.address, file, "--batch-size", "10")).json["created"] == 25
    assert await orders_of(sql) == 25
    await sql.execute("DELETE FROM request_answers")
    file.with_name(f"{file.name}.progress.json").unlink()
    again = await imported(api.address, file)
    assert (again.code, again.json["created"], again.json["already_there"]) == (0, 0, 25)
    assert await orders_of(sql) == 25


async def test_what_is_no_order_is_kept_with_its_line_and_reason(api: Api, sql: Sql, tmp_path: Path) -> None:
    """Blank lines, a byte order mark, lines that are broken, too long, refused: the others are imported."""
    taken = "ORD-TAKEN"
    file = written(
        tmp_path,
        b"\xef\xbb\xbf" + line(orderId=taken) + b"\r",
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
        line(orderId=taken, customerId="ANOTHER"),
        line(orderId="last"),
    )
    ended = await imported(api.address, file)
    assert ended.code == 5
    assert (ended.json["created"], ended.json["rejected"], ended.json["blank"]) == (2, 10, 2)
    assert ended.json["rejects"] == f"{file}.rejects.jsonl"
    found = {one["line"]: one for one in rejects(file)}
    assert list(found) == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    assert {number: one["reason"] for number, one in found.items() if one["reason"] != "UNREADABLE"} == {
        9: "INVALID_REQUEST",
        10: "INVALID_REQUEST",
        13: "ORDER_ALREADY_EXISTS",
    }
    said = {
        4: "column 16",
        5: "object",
        6: "UTF-8",
        7: "urgent",
        8: "colour",
        11: "nine digits",
        12: "longer",
    }
    for number, words in said.items():
        assert words in found[number]["message"]
    assert "items[0].quantity" in found[9]["violations"]
    assert json.loads(found[8]["original"])["colour"] == "red"
    assert await orders_of(sql) == 2
    for_people = await run(api.address, "import", str(file))
    assert for_people.code == 5
    assert "rejects.jsonl" in for_people.complaint


async def test_a_line_that_cannot_be_read_never_ends_the_import(api: Api, sql: Sql, tmp_path: Path) -> None:
    """Each is rejected by its number, with a short reason; the orders around them are created."""
    lines = [line()]
    for hostile in HOSTILE_LINES.values():
        lines += [hostile, line()]
    ended = await imported(api.address, written(tmp_path, *lines))
    assert (ended.code, ended.complaint) == (5, "")
    found = rejects(tmp_path / "orders.jsonl")
    wrong = dict(zip((one["line"] for one in found), (one["message"] for one in found), strict=True))
    assert list(wrong) == [2 * number for number in range(1, len(HOSTILE_LINES) + 1)], wrong
    assert all(0 < len(message) < 400 for message in wrong.values()), wrong
    assert await orders_of(sql) == len(HOSTILE_LINES) + 1


async def test_an_order_that_breaks_its_batch_is_found_and_rejected(
    api: Api, sql: Sql, tmp_path: Path
) -> None:
    """A fault of the service that one order provokes: the other orders of the batch are created."""
    await sql.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW
            WHEN (NEW.customer_id = 'BREAKS') EXECUTE FUNCTION refuse();
        """
    )
    lines = [line(customerId="BREAKS" if number in (3, 17) else "C") for number in range(25)]
    ended = await imported(api.address, written(tmp_path, *lines))
    assert (ended.code, ended.json["created"], ended.json["rejected"]) == (5, 23, 2)
    found = rejects(tmp_path / "orders.jsonl")
    assert [(one["line"], one["reason"]) for one in found] == [(4, "INTERNAL"), (18, "INTERNAL")]
    assert await orders_of(sql) == 23


async def test_rejects_of_a_killed_import_are_not_kept_twice(api: Api, tmp_path: Path) -> None:
    """Those that were written and not yet counted when it ended."""
    file = written(tmp_path, b"broken", line(), b"broken too")
    assert (await imported(api.address, file, "--batch-size", "1")).code == 5
    kept = file.with_name(f"{file.name}.progress.json")
    facts = json.loads(kept.read_text())
    first = len(file.with_name(f"{file.name}.rejects.jsonl").read_bytes().splitlines(keepends=True)[0])
    kept.write_text(
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
    assert (await imported(api.address, file)).json["rejected"] == 2
    assert [one["line"] for one in rejects(file)] == [1, 3]


async def test_it_waits_for_a_server_that_comes_back(
    database_url: str, processes: Processes, sql: Sql, tmp_path: Path
) -> None:
    """Killed on the way: it is said, and nothing is lost or doubled."""
    file = northwind(tmp_path)
    server = processes.server(database_url)
    await server.serving()
    process = await start(server.address, "import", str(file), "--batch-size", "2", "-o", "json")

    async def under_way() -> bool:
        return int(progress(file)["line"]) > 20

    await eventually(under_way)
    server.signal(signal.SIGKILL)
    await server.ended()
    assert process.stderr is not None
    assert "Waiting: UNAVAILABLE" in (await bounded(process.stderr.readline(), 30)).decode()
    again = processes.server(database_url, address=server.address)
    await again.serving()
    ended = await finished(process)
    assert (ended.code, ended.json["created"]) == (0, 415)
    assert await orders_of(sql) == 415


async def test_it_gives_up_and_says_how_to_go_on(tmp_path: Path) -> None:
    """At once when there is no server from the beginning."""
    file = written(tmp_path, line())
    ended = await imported("127.0.0.1:1", file)
    assert (ended.code, ended.text) == (4, "")
    assert "does not answer" in ended.complaint
    assert "the same command goes on from there" in ended.complaint


async def test_ctrl_c_ends_it_between_two_orders(api: Api, tmp_path: Path) -> None:
    """With what is done, and an exit code of its own."""
    file = northwind(tmp_path)
    async with open_proxy(f"tcp://{api.address}") as proxy:
        process = await start(proxy.url.removeprefix("tcp://"), "import", str(file), "--batch-size", "10")

        async def under_way() -> bool:
            return int(progress(file)["line"]) > 20

        await eventually(under_way)
        proxy.freeze()
        process.send_signal(signal.SIGINT)
        ended = await finished(process)
    assert ended.code == 130
    assert f"{progress(file)['line']} lines are done" in ended.complaint


async def test_a_terminal_sees_how_it_goes(api: Api, tmp_path: Path) -> None:
    """A bar with the lines that are done, the rate and the time that is left, in 60 columns."""
    seen = await on_a_terminal(60, api.address, "import", str(northwind(tmp_path)), "--batch-size", "20")
    assert re.search(r"100% ━+ line 415, \d+/s 00:00", seen), seen
    assert max(len(line) for line in seen.splitlines()) <= 60
    assert "already there" in seen


async def test_another_file_of_the_same_name_is_not_taken_for_it(api: Api, sql: Sql, tmp_path: Path) -> None:
    """It is refused, with what to do; nothing is sent."""
    file = written(tmp_path, line())
    assert (await imported(api.address, file)).code == 0
    written(tmp_path, line(), line())
    refused = await imported(api.address, file)
    assert (refused.code, refused.text) == (1, "")
    assert "has been changed" in refused.complaint
    assert await orders_of(sql) == 1
    file.with_name(f"{file.name}.progress.json").write_text("{")
    broken = await imported(api.address, file)
    assert "Remove it to begin again" in broken.complaint


async def test_two_imports_of_one_file_do_not_meet(api: Api, tmp_path: Path) -> None:
    """The second one is told of the first and ends."""
    file = northwind(tmp_path)
    async with open_proxy(f"tcp://{api.address}") as proxy:
        process = await start(proxy.url.removeprefix("tcp://"), "import", str(file), "--batch-size", "10")

        async def under_way() -> bool:
            return int(progress(file)["line"]) > 20

        await eventually(under_way)
        proxy.freeze()
        second = await imported(api.address, file)
        process.kill()
        await finished(process)
    assert second.code == 1
    assert "Another import of this file" in second.complaint


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
async def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    """As a fault of the command line."""
    ended = await imported("127.0.0.1:1", tmp_path / name)
    assert (ended.code, ended.text) == (2, "")
