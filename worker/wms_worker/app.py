"""Composition root of the worker: the only module that connects its parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from opentelemetry.sdk.trace.export import SpanExporter

from wms_core.application.database import Database, RoleLeases
from wms_core.domain.workers import Role
from wms_core.postgres.availability import AvailabilityProbe
from wms_core.postgres.clock_sync import run_clock_sync
from wms_core.postgres.database import open_database
from wms_core.postgres.role_leases import PostgresRoleLeases
from wms_core.postgres.startup import prepare_database
from wms_core.runtime.background_tasks import background_task
from wms_core.runtime.readiness import ReadinessMonitor
from wms_core.runtime.tracing import SpanTracing, open_tracing
from wms_worker.fulfillment.role import FulfillmentRole
from wms_worker.leadership.election import RoleElection
from wms_worker.leadership.postgres_election import PostgresElection
from wms_worker.leadership.remote_control import RemoteControl
from wms_worker.leadership.role_runner import RoleHandler, RoleRunner
from wms_worker.leadership.zookeeper_election import ZooKeeperElection
from wms_worker.observability.backlog_gauges import BacklogGauges
from wms_worker.observability.health_server import AdminPages, open_health_server, serve_admin_pages
from wms_worker.observability.metrics import WorkerMetrics
from wms_worker.observability.replica_status import ReplicaStatus, RoleStatus
from wms_worker.relay.role import RelayRole
from wms_worker.settings import WorkerSettings


def open_election(settings: WorkerSettings, role_leases: RoleLeases, role_status: RoleStatus) -> RoleElection:
    """Return the election by ZooKeeper if `ZOOKEEPER_HOSTS` is set, else the election by Postgres."""
    zookeeper_config = settings.zookeeper_config
    if zookeeper_config is None:
        return PostgresElection(role_leases, role_status.role, settings.worker_id, settings.standalone_lease)
    return ZooKeeperElection(
        role_leases, role_status.role, settings.worker_id, zookeeper_config, role_status.set_reason
    )


def open_role_handler(
    role_status: RoleStatus,
    settings: WorkerSettings,
    database: Database,
    remote_control: RemoteControl,
    worker_metrics: WorkerMetrics,
    span_tracing: SpanTracing,
    readiness_monitor: ReadinessMonitor,
) -> RoleHandler:
    """Return the handler of a role: the relay or the fulfillment cycles."""
    kafka_config = settings.kafka_config
    if role_status.role == Role.RELAY and kafka_config is not None:
        return RelayRole(
            kafka_config,
            database,
            remote_control.worker_id,
            role_status.set_reason,
            worker_metrics,
            span_tracing,
        )
    return FulfillmentRole(
        settings, database, remote_control, worker_metrics, span_tracing, readiness_monitor
    )


@asynccontextmanager
async def open_application(
    settings: WorkerSettings, span_exporter: SpanExporter | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a replica and yield its main task.

    On exit the replica finishes its current step and releases its roles. Spans go to `span_exporter`, by
    default to the collector of the settings.
    """
    async with AsyncExitStack() as exit_stack:
        span_tracing = await exit_stack.enter_async_context(
            open_tracing(settings, f"{settings.service_name}-worker", span_exporter)
        )
        url = settings.database_url.get_secret_value()
        database = await exit_stack.enter_async_context(
            open_database(url, settings.build_pool_options(f"{settings.service_name}-worker"))
        )
        worker_metrics = WorkerMetrics(*settings.all_roles)
        backlog_gauges = BacklogGauges(database, settings.age_limits, settings.metrics_refresh)
        worker_metrics.collector_registry.register(backlog_gauges)
        replica_status = ReplicaStatus(settings.worker_id, settings.all_roles)
        for role in set(settings.all_roles) - set(settings.eligible_roles):
            replica_status.role_statuses[role].set_reason("not a candidate: KAFKA_BROKERS is not set")
        readiness_monitor = ReadinessMonitor(
            requires_kafka=settings.readiness_requires_kafka, describe_process=replica_status.to_json_object
        )
        admin_pages = AdminPages(replica_status, readiness_monitor, worker_metrics, backlog_gauges)
        await exit_stack.enter_async_context(
            serve_admin_pages(admin_pages.build_application(), settings.worker_http_addr)
        )
        health_reporter = await exit_stack.enter_async_context(
            open_health_server(settings.worker_addr, replica_status, worker_metrics, readiness_monitor)
        )
        role_leases = PostgresRoleLeases(database)
        elections_by_role = {
            role: open_election(settings, role_leases, replica_status.role_statuses[role])
            for role in settings.eligible_roles
        }
        remote_controls = {
            role: RemoteControl(database, role, settings.worker_id, settings.eligible_roles)
            for role in elections_by_role
        }

        async def run_role(role: str) -> None:
            role_status = replica_status.role_statuses[role]
            role_handler = open_role_handler(
                role_status,
                settings,
                database,
                remote_controls[role],
                worker_metrics,
                span_tracing,
                readiness_monitor,
            )
            async with background_task(remote_controls[role].run()):
                await RoleRunner(
                    role_handler,
                    elections_by_role[role],
                    remote_controls[role],
                    health_reporter,
                    worker_metrics,
                ).run()

        async def run_tasks() -> None:
            await prepare_database(url, settings.default_warehouse_id)
            async with asyncio.TaskGroup() as task_group:
                interval_seconds = settings.readiness_interval.total_seconds()
                task_group.create_task(
                    readiness_monitor.run(AvailabilityProbe(database, url), interval_seconds)
                )
                task_group.create_task(run_clock_sync(database))
                for role in settings.eligible_roles:
                    task_group.create_task(run_role(role))

        task = await exit_stack.enter_async_context(background_task(run_tasks()))
        exit_stack.callback(readiness_monitor.stop)
        yield task
