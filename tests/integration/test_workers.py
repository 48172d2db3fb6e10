"""ListWorkers, SetWorkerMode, StepDown: on real processes, elected by Postgres alone."""

import asyncio

import pytest

from tests.support.api import Api
from tests.support.election import said
from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.processes import FULFILLMENT, NO_KAFKA, RELAY, Process, Processes
from tests.support.waiting import eventually
from wms.orders.v1 import fulfillment_pb2 as pb

# Handing over must not need the lease to end.
LONG = "30s"


@pytest.fixture
def workers(processes: Processes, database_url: str) -> "Starter":
    """Give a way to start workers on the test's database."""
    return Starter(processes, database_url)


class Starter:
    """Starts workers by their names."""

    def __init__(self, processes: Processes, database_url: str) -> None:
        """On one database."""
        self._processes = processes
        self._database_url = database_url

    async def active(self, name: str) -> Process:
        """Start one and wait until it acts."""
        worker = self._start(name)
        await worker.serving(FULFILLMENT)
        return worker

    async def passive(self, name: str) -> Process:
        """Start one and wait until it stands in line."""
        worker = self._start(name)
        await said(worker, "passive")
        return worker

    async def abstaining(self, name: str) -> Process:
        """Start one and wait until it says that it may not stand."""
        worker = self._start(name)
        await said(worker, "abstaining")
        return worker

    def _start(self, name: str) -> Process:
        return self._processes.worker(self._database_url, worker_id=name, standalone_lease=LONG)


async def listed(api: Api) -> dict[str, pb.Worker]:
    """Give all replicas by name."""
    answer = await api.fulfillment.ListWorkers(pb.ListWorkersRequest())
    return {worker.worker_id: worker for worker in answer.workers}


async def set_mode(api: Api, name: str, mode: "pb.WorkerMode.ValueType") -> pb.Worker:
    """Tell a replica."""
    request = pb.SetWorkerModeRequest(worker_id=name, mode=mode)
    return (await api.fulfillment.SetWorkerMode(request)).worker


@pytest.mark.one_postgres
async def test_every_replica_is_listed_with_what_it_does(api: Api, workers: "Starter") -> None:
    """Who holds the role, since when, and when it last worked; who does not."""
    await workers.active("first")
    await workers.passive("second")

    async def both() -> dict[str, pb.Worker]:
        found = await listed(api)
        return found if len(found) == 2 and found["first"].HasField("last_cycle_at") else {}

    found = await eventually(both)
    (role,) = found["first"].roles
    assert (role.role, role.active, role.epoch) == ("fulfillment", True, 1)
    assert role.HasField("held_for")
    (role,) = found["second"].roles
    assert (role.role, role.active, role.epoch) == ("fulfillment", False, 0)
    assert not role.HasField("lease_age")
    for worker in found.values():
        assert worker.mode == pb.WORKER_MODE_AUTO
        assert worker.version
        assert worker.host
        assert worker.heartbeat_at.ToDatetime() >= worker.started_at.ToDatetime()


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_each_role_is_held_and_handed_over_by_itself(
    api: Api, processes: Processes, database_url: str
) -> None:
    """A replica may hold both; each has its own epoch, its own health, its own successor."""
    both = {"worker_roles": "fulfillment,relay", "standalone_lease": LONG, "kafka_brokers": NO_KAFKA}
    first = processes.worker(database_url, worker_id="first", **both)
    await first.serving(FULFILLMENT)
    await first.serving(RELAY)
    second = processes.worker(database_url, worker_id="second", **both)
    await said(second, "passive", times=2)
    await api.fulfillment.StepDown(pb.StepDownRequest(role="relay"))
    await second.serving(RELAY, within=2)
    assert await first.is_serving(FULFILLMENT)
    await first.not_serving(RELAY)

    async def seen() -> bool:
        roles = {
            (name, role.role): (role.active, role.epoch)
            for name, worker in (await listed(api)).items()
            for role in worker.roles
        }
        return roles == {
            ("first", "fulfillment"): (True, 1),
            ("first", "relay"): (False, 1),
            ("second", "fulfillment"): (False, 0),
            ("second", "relay"): (True, 2),
        }

    await eventually(seen)
    assert await first.stopped() == 0
    await second.serving(FULFILLMENT, within=3)
    assert await second.stopped() == 0


@pytest.mark.one_postgres
async def test_a_role_that_a_replica_stands_for_no_more_is_not_listed(
    api: Api, processes: Processes, database_url: str
) -> None:
    """Though it did before it was started with other settings."""
    for roles, expected in (("fulfillment,relay", ["fulfillment", "relay"]), ("relay", ["relay"])):
        worker = processes.worker(database_url, worker_id="first", worker_roles=roles, kafka_brokers=NO_KAFKA)
        await worker.serving(RELAY)

        async def shown(expected: list[str] = expected) -> bool:
            found = (await listed(api)).get("first", pb.Worker())
            return [role.role for role in found.roles] == expected

        await eventually(shown)
        assert await worker.stopped() == 0


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_a_replica_that_steps_down_abstains_until_another_has_the_role(
    api: Api, workers: "Starter"
) -> None:
    """It stays in line after that, and takes over again when it is its turn."""
    first, second = await workers.active("first"), await workers.passive("second")
    answer = await api.fulfillment.StepDown(pb.StepDownRequest())
    assert answer.worker.worker_id == "first"
    await second.serving(FULFILLMENT, within=2)
    await first.not_serving(FULFILLMENT)
    assert first.said("stepped_down")[0]["cause"] == "asked to step down"
    await said(first, "passive")
    assert await second.stopped() == 0
    await first.serving(FULFILLMENT, within=2)


@pytest.mark.one_postgres
async def test_a_replica_that_is_alone_steps_down_and_goes_on(api: Api, workers: "Starter") -> None:
    """In a new term: there is nobody else for whom to wait."""
    first = await workers.active("first")
    await api.fulfillment.StepDown(pb.StepDownRequest(worker_id="first"))
    await said(first, "active", times=2)
    assert [entry["epoch"] for entry in first.said("active")] == [1, 2]


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_an_active_replica_that_is_told_to_stay_passive_hands_over_and_remembers(
    api: Api, workers: "Starter"
) -> None:
    """Also across a restart; told otherwise it stands again."""
    first, second = await workers.active("first"), await workers.passive("second")
    assert (await set_mode(api, "first", pb.WORKER_MODE_PASSIVE)).mode == pb.WORKER_MODE_PASSIVE
    await second.serving(FULFILLMENT, within=2)
    assert first.said("stepped_down")[0]["cause"] == "told to stay passive"
    assert await first.stopped() == 0
    again = await workers.abstaining("first")
    assert await second.stopped() == 0
    await asyncio.sleep(1)
    assert not await again.is_serving(FULFILLMENT)
    await set_mode(api, "first", pb.WORKER_MODE_AUTO)
    await again.serving(FULFILLMENT, within=2)


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_a_passive_replica_that_is_told_to_stay_so_leaves_the_line(
    api: Api, workers: "Starter"
) -> None:
    """The role is free then, though there is a replica."""
    first, second = await workers.active("first"), await workers.passive("second")
    await set_mode(api, "second", pb.WORKER_MODE_PASSIVE)
    await said(second, "abstaining")
    assert await first.stopped() == 0
    await asyncio.sleep(1)
    assert not await second.is_serving(FULFILLMENT)


# Bad input


@pytest.fixture
async def idle(api: Api, sql: Sql) -> Api:
    """Give a service with a replica that reports and holds nothing."""
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
        (pb.StepDownRequest(worker_id="nobody"), "WORKER_NOT_FOUND", {"workerId": "nobody"}),
        (pb.StepDownRequest(worker_id="gone"), "WORKER_NOT_FOUND", {"workerId": "gone"}),
    ],
)
async def test_what_cannot_step_down_is_named(
    idle: Api, request_: pb.StepDownRequest, reason: str, metadata: dict[str, str]
) -> None:
    """A role that does not exist, a replica that is not there, a role that nobody holds."""
    failure = await failing(idle.fulfillment.StepDown(request_))
    assert (failure.reason, failure.metadata) == (reason, metadata)


async def test_a_replica_that_does_not_hold_the_role_cannot_hand_it_over(idle: Api, sql: Sql) -> None:
    """Though another one does."""
    await sql.execute("UPDATE worker_roles SET worker_id = 'other', heartbeat_at = now()")
    failure = await failing(idle.fulfillment.StepDown(pb.StepDownRequest(worker_id="idle")))
    assert (failure.reason, failure.metadata) == (
        "ROLE_NOT_FOUND",
        {"role": "fulfillment", "workerId": "idle"},
    )


async def test_replicas_are_listed_in_pages_and_those_that_are_gone_are_not(idle: Api, sql: Sql) -> None:
    """By id; whoever has not reported for a minute is left out."""
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


async def test_a_replica_that_stays_passive_can_be_called_back_while_it_is_away(idle: Api, sql: Sql) -> None:
    """Else it would come back passive for ever; one that was told nothing is not there."""
    await sql.execute("UPDATE workers SET mode = 'passive' WHERE worker_id = 'gone'")
    assert (await set_mode(idle, "gone", pb.WORKER_MODE_AUTO)).mode == pb.WORKER_MODE_AUTO
    request = pb.SetWorkerModeRequest(worker_id="gone", mode=pb.WORKER_MODE_PASSIVE)
    assert (await failing(idle.fulfillment.SetWorkerMode(request))).reason == "WORKER_NOT_FOUND"
