"""The only wiring of the worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from opentelemetry.sdk.trace.export import SpanExporter

from wms_core.application.ports import Database, RoleStore
from wms_core.domain.workers import Role
from wms_core.postgres.availability import AvailabilityProbe
from wms_core.postgres.database import open_database
from wms_core.postgres.roles import PostgresRoles
from wms_core.postgres.start import prepare
from wms_core.postgres.timekeeping import keep_time
from wms_core.readiness import Readiness
from wms_core.tasks import running
from wms_core.traces import Tracing, open_tracing
from wms_worker.candidature import Candidature, Office
from wms_worker.duty import Duty
from wms_worker.elected import ZooKeeperElection
from wms_worker.election import Election
from wms_worker.fulfillment import FulfillmentOffice
from wms_worker.health import health_server
from wms_worker.levels import LevelGauges
from wms_worker.metrics import Metrics
from wms_worker.relay import RelayOffice
from wms_worker.settings import WorkerSettings
from wms_worker.standalone import StandaloneElection
from wms_worker.standing import Part, Standing
from wms_worker.web import Pages, serve_pages


def open_election(settings: WorkerSettings, roles: RoleStore, part: Part) -> Election:
    """Give the election of the settings: by ZooKeeper when there is one, else by Postgres alone."""
    ensemble = settings.ensemble
    if ensemble is None:
        return StandaloneElection(roles, part.role, settings.worker_id, settings.standalone_lease)
    return ZooKeeperElection(roles, part.role, settings.worker_id, ensemble, part.report)


def open_office(
    part: Part,
    settings: WorkerSettings,
    database: Database,
    duty: Duty,
    metrics: Metrics,
    tracing: Tracing,
    readiness: Readiness,
) -> Office:
    """Give what is done in a role."""
    brokers = settings.brokers
    if part.role == Role.RELAY and brokers is not None:
        return RelayOffice(brokers, database, duty.worker_id, part.report, metrics, tracing)
    return FulfillmentOffice(settings, database, duty, metrics, tracing, readiness)


@asynccontextmanager
async def open_application(
    settings: WorkerSettings, exporter: SpanExporter | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a replica; at the end it finishes its step and gives its role up. Gives the task of its work.

    Spans go to the exporter, by default to the collector of the settings.
    """
    async with AsyncExitStack() as stack:
        tracing = await stack.enter_async_context(
            open_tracing(settings, f"{settings.service_name}-worker", exporter)
        )
        url = settings.database_url.get_secret_value()
        database = await stack.enter_async_context(
            open_database(url, settings.pool_options(f"{settings.service_name}-worker"))
        )
        metrics = Metrics(*settings.named_roles)
        levels = LevelGauges(database, settings.unfulfilled_after, settings.metrics_refresh)
        metrics.registry.register(levels)
        standing = Standing(settings.worker_id, settings.named_roles)
        for role in set(settings.named_roles) - set(settings.roles):
            standing.parts[role].report("not standing: without KAFKA_BROKERS there is nothing to relay to")
        readiness = Readiness(requires_kafka=settings.readiness_requires_kafka, describe=standing.facts)
        pages = Pages(standing, readiness, metrics, levels)
        await stack.enter_async_context(serve_pages(pages.application(), settings.worker_http_addr))
        health = await stack.enter_async_context(
            health_server(settings.worker_addr, standing, metrics, readiness)
        )
        roles = PostgresRoles(database)
        elections = {role: open_election(settings, roles, standing.parts[role]) for role in settings.roles}
        duties = {role: Duty(database, role, settings.worker_id, settings.roles) for role in elections}

        async def stand(role: str) -> None:
            part = standing.parts[role]
            office = open_office(part, settings, database, duties[role], metrics, tracing, readiness)
            async with running(duties[role].run()):
                await Candidature(office, elections[role], duties[role], health, metrics).run()

        async def work() -> None:
            await prepare(url, settings.default_warehouse_id)
            async with asyncio.TaskGroup() as group:
                interval = settings.readiness_interval.total_seconds()
                group.create_task(readiness.run(AvailabilityProbe(database, url), interval))
                group.create_task(keep_time(database))
                for role in settings.roles:
                    group.create_task(stand(role))

        task = await stack.enter_async_context(running(work()))
        stack.callback(readiness.stop)
        yield task
