"""The only wiring of the worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from wms_core.domain.runs import ROLE
from wms_core.postgres.database import open_database
from wms_core.postgres.roles import PostgresRoles
from wms_core.postgres.start import prepare
from wms_core.tasks import running
from wms_worker.fulfillment import FulfillmentRole
from wms_worker.health import health_server
from wms_worker.levels import LevelGauges
from wms_worker.metrics import Metrics
from wms_worker.settings import WorkerSettings
from wms_worker.standalone import StandaloneElection
from wms_worker.standing import Standing
from wms_worker.web import Pages


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
        election = StandaloneElection(
            PostgresRoles(database), ROLE, settings.worker_id, settings.standalone_lease
        )
        role = FulfillmentRole(settings, database, election, health, metrics)

        async def work() -> None:
            await prepare(url, settings.default_warehouse_id)
            await role.run()

        yield await stack.enter_async_context(running(work()))
