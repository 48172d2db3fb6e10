"""The only wiring of the worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from wms_core.application.ports import RoleStore
from wms_core.postgres.database import open_database
from wms_core.postgres.roles import PostgresRoles
from wms_core.postgres.start import prepare
from wms_core.tasks import running
from wms_worker.duty import Duty
from wms_worker.elected import ZooKeeperElection
from wms_worker.election import Election
from wms_worker.fulfillment import ROLE, FulfillmentRole
from wms_worker.health import health_server
from wms_worker.levels import LevelGauges
from wms_worker.metrics import Metrics
from wms_worker.settings import WorkerSettings
from wms_worker.standalone import StandaloneElection
from wms_worker.standing import Standing
from wms_worker.web import Pages


def open_election(settings: WorkerSettings, roles: RoleStore, standing: Standing) -> Election:
    """Give the election of the settings: by ZooKeeper when there is one, else by Postgres alone.

    Raises `EnsembleUnusable` when the settings need a package that is not installed.
    """
    ensemble = settings.ensemble
    if ensemble is None:
        return StandaloneElection(roles, ROLE, settings.worker_id, settings.standalone_lease)
    ensemble.require_parts()
    return ZooKeeperElection(roles, ROLE, settings.worker_id, ensemble, standing.report)


@asynccontextmanager
async def open_application(settings: WorkerSettings) -> AsyncIterator[asyncio.Task[None]]:
    """Run a replica; at the end it finishes its step and gives its role up. Gives the task of its work."""
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        database = await stack.enter_async_context(
            open_database(url, settings.pool_options(f"{settings.service_name}-worker"))
        )
        metrics = Metrics(ROLE)
        levels = LevelGauges(database, settings.unfulfilled_after, settings.metrics_refresh)
        metrics.registry.register(levels)
        standing = Standing(settings.worker_id, ROLE)
        pages = Pages(standing, database, metrics, levels)
        health = await stack.enter_async_context(
            health_server(settings.worker_addr, standing, metrics, pages)
        )
        election = open_election(settings, PostgresRoles(database), standing)
        duty = Duty(database, ROLE, settings.worker_id)
        role = FulfillmentRole(settings, database, election, duty, health, metrics)

        async def work() -> None:
            await prepare(url, settings.default_warehouse_id)
            async with running(duty.run()):
                await role.run()

        yield await stack.enter_async_context(running(work()))
