"""ListWorkers, SetWorkerMode and StepDown on real processes with the lease in Postgres."""

import asyncio

import pytest

from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from tests.support.processes.processes import (
    FULFILLMENT_HEALTH,
    RELAY_HEALTH,
    UNREACHABLE_KAFKA,
    Process,
    Processes,
)
from tests.support.processes.zookeeper_workers import wait_for_log_entries
from tests.support.waiting import eventually
from wms.orders.v1 import fulfillment_pb2 as pb

# A handover must not wait for the end of the lease.
LONG = "30s"


@pytest.fixture
def workers(processes: Processes, database_url: str) -> "WorkerStarter":
    """Return a starter of workers on the test's database."""
    return WorkerStarter(processes, database_url)


class WorkerStarter:
    """Start workers by their ids."""

    def __init__(self, processes: Processes, database_url: str) -> None:
        self._processes = processes
        self._database_url = database_url

    async def active(self, name: str) -> Process:
        """Start a worker and wait until it is active."""
        worker = self._start(name)
        await worker.wait_until_serving(FULFILLMENT_HEALTH)
        return worker

    async def passive(self, name: str) -> Process:
        """Start a worker and wait until it is passive."""
        worker = self._start(name)
        await wait_for_log_entries(worker, "passive")
        return worker

    async def declining(self, name: str) -> Process:
        """Start a worker and wait until it declines its role."""
        worker = self._start(name)
        await wait_for_log_entries(worker, "role_declined")
        return worker

    def _start(self, name: str) -> Process:
        return self._processes.worker(self._database_url, worker_id=name, standalone_lease=LONG)


async def list_workers(api: Api) -> dict[str, pb.Worker]:
    """Return all replicas by id."""
    response = await api.fulfillment.ListWorkers(pb.ListWorkersRequest())
    return {worker.worker_id: worker for worker in response.workers}


async def set_mode(api: Api, name: str, mode: "pb.WorkerMode.ValueType") -> pb.Worker:
    """Set the mode of a replica."""
    request = pb.SetWorkerModeRequest(worker_id=name, mode=mode)
    return (await api.fulfillment.SetWorkerMode(request)).worker


@pytest.mark.one_postgres
async def test_every_replica_is_listed_with_its_role(api: Api, workers: "WorkerStarter") -> None:
    """The active one with its start and its last progress; the other one as passive."""
    await workers.active("first")
    await workers.passive("second")

    async def list_both() -> dict[str, pb.Worker]:
        replicas = await list_workers(api)
        return replicas if len(replicas) == 2 and replicas["first"].HasField("last_cycle_at") else {}

    replicas = await eventually(list_both)
    (role,) = replicas["first"].roles
    assert (role.role, role.active, role.epoch) == ("fulfillment", True, 1)
    assert role.HasField("held_for")
    (role,) = replicas["second"].roles
    assert (role.role, role.active, role.epoch) == ("fulfillment", False, 0)
    assert not role.HasField("lease_age")
    for worker in replicas.values():
        assert worker.mode == pb.WORKER_MODE_AUTO
        assert worker.version
        assert worker.host
        assert worker.heartbeat_at.ToDatetime() >= worker.started_at.ToDatetime()


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_each_role_is_handed_over_separately(api: Api, processes: Processes, database_url: str) -> None:
    """A replica may have both roles. Each role has its own epoch, health and successor."""
    settings = {
        "worker_roles": "fulfillment,relay",
        "standalone_lease": LONG,
        "kafka_brokers": UNREACHABLE_KAFKA,
    }
    first = processes.worker(database_url, worker_id="first", **settings)
    await first.wait_until_serving(FULFILLMENT_HEALTH)
    await first.wait_until_serving(RELAY_HEALTH)
    second = processes.worker(database_url, worker_id="second", **settings)
    await wait_for_log_entries(second, "passive", times=2)
    await api.fulfillment.StepDown(pb.StepDownRequest(role="relay"))
    await second.wait_until_serving(RELAY_HEALTH, within=2)
    assert await first.is_serving(FULFILLMENT_HEALTH)
    await first.wait_until_not_serving(RELAY_HEALTH)

    async def is_handed_over() -> bool:
        roles = {
            (name, role.role): (role.active, role.epoch)
            for name, worker in (await list_workers(api)).items()
            for role in worker.roles
        }
        return roles == {
            ("first", "fulfillment"): (True, 1),
            ("first", "relay"): (False, 1),
            ("second", "fulfillment"): (False, 0),
            ("second", "relay"): (True, 2),
        }

    await eventually(is_handed_over)
    assert await first.terminate_and_wait() == 0
    await second.wait_until_serving(FULFILLMENT_HEALTH, within=3)
    assert await second.terminate_and_wait() == 0


@pytest.mark.one_postgres
async def test_a_removed_role_of_a_replica_is_not_listed(
    api: Api, processes: Processes, database_url: str
) -> None:
    """The replica had it before a restart with other settings."""
    for roles, expected in (("fulfillment,relay", ["fulfillment", "relay"]), ("relay", ["relay"])):
        worker = processes.worker(
            database_url, worker_id="first", worker_roles=roles, kafka_brokers=UNREACHABLE_KAFKA
        )
        await worker.wait_until_serving(RELAY_HEALTH)

        async def has_roles(expected: list[str] = expected) -> bool:
            listed_worker = (await list_workers(api)).get("first", pb.Worker())
            return [role.role for role in listed_worker.roles] == expected

        await eventually(has_roles)
        assert await worker.terminate_and_wait() == 0


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_a_replica_that_stepped_down_waits_until_another_has_the_role(
    api: Api, workers: "WorkerStarter"
) -> None:
    """Then it takes part in the election again, and can take over later."""
    first, second = await workers.active("first"), await workers.passive("second")
    response = await api.fulfillment.StepDown(pb.StepDownRequest())
    assert response.worker.worker_id == "first"
    await second.wait_until_serving(FULFILLMENT_HEALTH, within=2)
    await first.wait_until_not_serving(FULFILLMENT_HEALTH)
    assert first.find_log_entries("stepped_down")[0]["cause"] == "asked to step down"
    await wait_for_log_entries(first, "passive")
    assert await second.terminate_and_wait() == 0
    await first.wait_until_serving(FULFILLMENT_HEALTH, within=2)


@pytest.mark.one_postgres
async def test_a_single_replica_takes_the_role_again_after_stepping_down(
    api: Api, workers: "WorkerStarter"
) -> None:
    """In a new epoch, because there is no other replica to wait for."""
    first = await workers.active("first")
    await api.fulfillment.StepDown(pb.StepDownRequest(worker_id="first"))
    await wait_for_log_entries(first, "active", times=2)
    assert [entry["epoch"] for entry in first.find_log_entries("active")] == [1, 2]


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_an_active_replica_set_to_passive_hands_over_and_stays_passive(
    api: Api, workers: "WorkerStarter"
) -> None:
    """Also after a restart. Set to automatic, it takes part again."""
    first, second = await workers.active("first"), await workers.passive("second")
    assert (await set_mode(api, "first", pb.WORKER_MODE_PASSIVE)).mode == pb.WORKER_MODE_PASSIVE
    await second.wait_until_serving(FULFILLMENT_HEALTH, within=2)
    assert first.find_log_entries("stepped_down")[0]["cause"] == "told to stay passive"
    assert await first.terminate_and_wait() == 0
    restarted = await workers.declining("first")
    assert await second.terminate_and_wait() == 0
    await asyncio.sleep(1)
    assert not await restarted.is_serving(FULFILLMENT_HEALTH)
    await set_mode(api, "first", pb.WORKER_MODE_AUTO)
    await restarted.wait_until_serving(FULFILLMENT_HEALTH, within=2)


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_a_waiting_replica_set_to_passive_leaves_the_election(
    api: Api, workers: "WorkerStarter"
) -> None:
    """The role stays free although there is a replica."""
    first, second = await workers.active("first"), await workers.passive("second")
    await set_mode(api, "second", pb.WORKER_MODE_PASSIVE)
    await wait_for_log_entries(second, "role_declined")
    assert await first.terminate_and_wait() == 0
    await asyncio.sleep(1)
    assert not await second.is_serving(FULFILLMENT_HEALTH)


# Bad input


@pytest.fixture
async def idle(api: Api, sql: SqlConnection) -> Api:
    """Return an API with a replica that reports and has no role."""
    await sql.execute(
        "INSERT INTO workers (worker_id, host, version, started_at, heartbeat_at)"
        " VALUES ('idle', 'h', '0', now(), now()), ('gone', 'h', '0', now(), now() - interval '1 h')"
    )
    return api


@pytest.mark.parametrize(
    ("request_", "reason", "metadata"),
    [
        (pb.StepDownRequest(), "NO_ACTIVE_WORKER", {"role": "fulfillment"}),
        (pb.StepDownRequest(role="relay"), "NO_ACTIVE_WORKER", {"role": "relay"}),
        (pb.StepDownRequest(role="dancing"), "ROLE_NOT_FOUND", {"role": "dancing"}),
        (pb.StepDownRequest(worker_id="idle"), "NO_ACTIVE_WORKER", {"role": "fulfillment"}),
        (pb.StepDownRequest(worker_id="unknown"), "WORKER_NOT_FOUND", {"workerId": "unknown"}),
        (pb.StepDownRequest(worker_id="gone"), "WORKER_NOT_FOUND", {"workerId": "gone"}),
    ],
)
async def test_a_step_down_without_its_subject_is_rejected(
    idle: Api, request_: pb.StepDownRequest, reason: str, metadata: dict[str, str]
) -> None:
    """An unknown role, an unknown replica, and a role without a leader: the error reports which."""
    failure = await expect_failure(idle.fulfillment.StepDown(request_))
    assert (failure.reason, failure.metadata) == (reason, metadata)


async def test_a_replica_without_the_role_cannot_step_down(idle: Api, sql: SqlConnection) -> None:
    """Although another replica has the role."""
    await sql.execute("UPDATE worker_roles SET worker_id = 'other', heartbeat_at = now()")
    failure = await expect_failure(idle.fulfillment.StepDown(pb.StepDownRequest(worker_id="idle")))
    assert (failure.reason, failure.metadata) == (
        "ROLE_NOT_FOUND",
        {"role": "fulfillment", "workerId": "idle"},
    )


async def test_live_replicas_are_listed_in_pages(idle: Api, sql: SqlConnection) -> None:
    """By id. Replicas without a report within a minute are not listed."""
    await sql.execute(
        "INSERT INTO workers (worker_id, host, version, started_at, heartbeat_at)"
        " SELECT 'w-' || n, 'h', '0', now(), now() FROM generate_series(1, 3) AS n"
    )
    request = pb.ListWorkersRequest(page_size=3)
    first = await idle.fulfillment.ListWorkers(request)
    request.page_token = first.next_page_token
    second = await idle.fulfillment.ListWorkers(request)
    names = [worker.worker_id for worker in [*first.workers, *second.workers]]
    assert names == ["idle", "w-1", "w-2", "w-3"]
    assert second.next_page_token == ""


async def test_a_stopped_passive_replica_can_be_set_to_automatic(idle: Api, sql: SqlConnection) -> None:
    """Otherwise it would start as passive forever. A stopped replica without a mode is not found."""
    await sql.execute("UPDATE workers SET mode = 'passive' WHERE worker_id = 'gone'")
    assert (await set_mode(idle, "gone", pb.WORKER_MODE_AUTO)).mode == pb.WORKER_MODE_AUTO
    request = pb.SetWorkerModeRequest(worker_id="gone", mode=pb.WORKER_MODE_PASSIVE)
    assert (await expect_failure(idle.fulfillment.SetWorkerMode(request))).reason == "WORKER_NOT_FOUND"
