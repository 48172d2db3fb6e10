"""`wms-orders workers` against a real server and real workers."""

import re

import pytest
from tests.support.clients.cli import CommandResult, run_command
from tests.support.clients.grpc_api import Api
from tests.support.processes.processes import FULFILLMENT_HEALTH, UNREACHABLE_KAFKA, Processes
from tests.support.processes.zookeeper_workers import wait_for_log_entries

from wms_dev.free_port import find_free_port


async def run_workers_command(server: str, *arguments: str) -> CommandResult:
    """Run `wms-orders workers` to its end."""
    return await run_command(server, "workers", *arguments)


@pytest.mark.one_postgres
async def test_replicas_are_listed_stepped_down_and_set_to_a_mode(
    api: Api, processes: Processes, database_url: str
) -> None:
    """With output for people and for programs."""
    settings = {
        "standalone_lease": "30s",
        "worker_roles": "fulfillment,relay",
        "kafka_brokers": UNREACHABLE_KAFKA,
    }
    first = processes.worker(database_url, worker_id="first", **settings)
    await first.wait_until_serving(FULFILLMENT_HEALTH)
    second = processes.worker(database_url, worker_id="second", **settings)
    await wait_for_log_entries(second, "passive", times=2)

    result = await run_workers_command(api.address, "list")
    assert result.exit_code == 0
    active_pattern, ages_pattern = (
        r"active for [0-9.]+ s +1 +[0-9.]+ s",
        r"(never|[0-9.]+ s ago) +[0-9.]+ s ago",
    )
    row = rf"first +auto +fulfillment +{active_pattern} +{ages_pattern}"
    assert re.search(row, result.stdout_text), result.stdout_text
    (worker, other_worker) = (await run_workers_command(api.address, "list", "--output", "json")).stdout_json[
        "workers"
    ]
    assert [worker["workerId"], other_worker["workerId"]] == ["first", "second"]
    assert [role["role"] for role in other_worker["roles"]] == ["fulfillment", "relay"]

    done = await run_workers_command(api.address, "step-down", "-o", "json")
    assert done.stdout_json["worker"]["workerId"] == "first"
    await second.wait_until_serving(FULFILLMENT_HEALTH, within=3)
    done = await run_workers_command(api.address, "mode", "second", "passive", "-o", "json")
    assert done.stdout_json["worker"]["mode"] == "WORKER_MODE_PASSIVE"
    await first.wait_until_serving(FULFILLMENT_HEALTH, within=3)


@pytest.mark.one_postgres
async def test_fulfillment_is_paused_and_resumed(api: Api) -> None:
    """With reason, expiry and actor. The remaining pauses are printed."""
    result = await run_workers_command(api.address, "pause", "stocktaking", "--minutes", "5", "-o", "json")
    pause = result.stdout_json["pause"]
    assert pause["reason"] == "stocktaking"
    assert pause["pausedBy"].startswith("cli/")
    assert "expiresAt" in pause
    result = await run_workers_command(api.address, "pause", "no electricity")
    assert "resumed" in result.stdout_text
    assert (await run_workers_command(api.address, "resume")).stdout_text == "No pauses.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "reason", "advice"),
    [
        (["mode", "unknown", "auto"], 3, "unknown", "`wms-orders workers list`"),
        (["step-down", "--role", "dancing"], 3, "dancing", "fulfillment and relay"),
        (["step-down"], 1, "NO_ACTIVE_WORKER", "Start a worker"),
        (["pause", " "], 1, "INVALID_REQUEST", "reason"),
        (["mode", "unknown", "asleep"], 2, "asleep", "passive"),
    ],
)
@pytest.mark.one_postgres
async def test_errors_have_advice(
    api: Api, arguments: list[str], code: int, reason: str, advice: str
) -> None:
    """Standard output is empty. Standard error has a sentence, and the error has its own exit code."""
    done = await run_workers_command(api.address, *arguments)
    assert (done.exit_code, done.stdout_text) == (code, "")
    assert reason in done.stderr_text
    assert advice in done.stderr_text
    assert "Traceback" not in done.stderr_text


async def test_an_unreachable_server_is_reported() -> None:
    """With the option for another address."""
    done = await run_workers_command(f"127.0.0.1:{find_free_port()}", "list")
    assert (done.exit_code, done.stdout_text) == (4, "")
    assert "--address" in done.stderr_text
