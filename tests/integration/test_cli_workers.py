"""`wms-orders workers`: as an operator types it, against a real server and real workers."""

import re

import pytest

from tests.support.api import Api
from tests.support.cli import Done, run
from tests.support.election import said
from tests.support.processes import FULFILLMENT, NO_KAFKA, Processes
from wms_dev.ports import free_port


async def workers(server: str, *arguments: str) -> Done:
    """Run `wms-orders workers` to its end."""
    return await run(server, "workers", *arguments)


@pytest.mark.one_postgres
async def test_replicas_are_listed_stepped_down_and_told(
    api: Api, processes: Processes, database_url: str
) -> None:
    """For people and for programs; what was asked for happens."""
    settings = {
        "standalone_lease": "30s",
        "worker_roles": "fulfillment,relay",
        "kafka_brokers": NO_KAFKA,
    }
    first = processes.worker(database_url, worker_id="first", **settings)
    await first.serving(FULFILLMENT)
    second = processes.worker(database_url, worker_id="second", **settings)
    await said(second, "passive", times=2)

    shown = await workers(api.address, "list")
    assert shown.code == 0
    standing, ages = r"active for [0-9.]+ s +1 +[0-9.]+ s", r"(never|[0-9.]+ s ago) +[0-9.]+ s ago"
    row = rf"first +auto +fulfillment +{standing} +{ages}"
    assert re.search(row, shown.text), shown.text
    (one, other) = (await workers(api.address, "list", "--output", "json")).json["workers"]
    assert [one["workerId"], other["workerId"]] == ["first", "second"]
    assert [role["role"] for role in other["roles"]] == ["fulfillment", "relay"]

    done = await workers(api.address, "step-down", "-o", "json")
    assert done.json["worker"]["workerId"] == "first"
    await second.serving(FULFILLMENT, within=3)
    done = await workers(api.address, "mode", "second", "passive", "-o", "json")
    assert done.json["worker"]["mode"] == "WORKER_MODE_PASSIVE"
    await first.serving(FULFILLMENT, within=3)


@pytest.mark.one_postgres
async def test_fulfillment_is_paused_and_resumed(api: Api) -> None:
    """With the reason, the end and who did it; what is left is printed."""
    done = await workers(api.address, "pause", "stocktaking", "--minutes", "5", "-o", "json")
    pause = done.json["pause"]
    assert pause["reason"] == "stocktaking"
    assert pause["pausedBy"].startswith("cli/")
    assert "expiresAt" in pause
    done = await workers(api.address, "pause", "no electricity")
    assert "somebody resumes" in done.text
    assert (await workers(api.address, "resume")).text == "No pauses.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "reason", "advice"),
    [
        (["mode", "nobody", "auto"], 3, "nobody", "`wms-orders workers list`"),
        (["step-down", "--role", "dancing"], 3, "dancing", "fulfillment and relay"),
        (["step-down"], 1, "NO_ACTIVE_WORKER", "Start a worker"),
        (["pause", " "], 1, "INVALID_REQUEST", "reason"),
        (["mode", "nobody", "asleep"], 2, "asleep", "passive"),
    ],
)
@pytest.mark.one_postgres
async def test_what_cannot_be_done_is_said_with_what_to_do(
    api: Api, arguments: list[str], code: int, reason: str, advice: str
) -> None:
    """Nothing on standard output, a sentence on the other, and an exit code of its own."""
    done = await workers(api.address, *arguments)
    assert (done.code, done.text) == (code, "")
    assert reason in done.complaint
    assert advice in done.complaint
    assert "Traceback" not in done.complaint


async def test_a_server_that_is_not_there_is_named() -> None:
    """With how to name another one."""
    done = await workers(f"127.0.0.1:{free_port()}", "list")
    assert (done.code, done.text) == (4, "")
    assert "--address" in done.complaint
