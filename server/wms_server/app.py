"""Composition root of the server: its parts, their start and their graceful shutdown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_channelz.v1 import channelz, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.sdk.trace.export import SpanExporter
from starlette.types import ASGIApp

from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_core.postgres.availability import AvailabilityProbe
from wms_core.postgres.clock_sync import run_clock_sync
from wms_core.postgres.database import PostgresDatabase, open_database
from wms_core.postgres.event_sequencer import IDLE_POLL_SECONDS, STANDBY_POLL_SECONDS, EventSequencer
from wms_core.postgres.repositories.page_token_keys import read_page_token_keys
from wms_core.postgres.startup import prepare_database
from wms_core.runtime.background_tasks import background_task, wait_for_shutdown_step
from wms_core.runtime.health_service import HealthServicer
from wms_core.runtime.listeners import bind_port
from wms_core.runtime.readiness import ReadinessMonitor
from wms_core.runtime.tracing import open_tracing
from wms_server.calls.batching import BatchLimits
from wms_server.calls.page_tokens import PageTokens
from wms_server.calls.pipeline import CallPipeline, PipelineLimits
from wms_server.calls.reflection import add_reflection
from wms_server.grpc_api import build_handlers
from wms_server.http.admin import combine_apps, create_admin_app
from wms_server.http.app import HttpApi, HttpOptions
from wms_server.http.request_guard import AllowedHosts, guard_requests
from wms_server.http.uvicorn_server import serve
from wms_server.limits.guarded_handlers import GuardedServer
from wms_server.limits.request_limits import MAX_REQUEST_BYTES
from wms_server.observability.metrics import SubscriberSource, create_collectors, create_registry
from wms_server.observability.multiprocess_metrics import (
    SharedMetrics,
    create_restart_counter,
    get_shared_folder,
)
from wms_server.process.heap import return_free_memory
from wms_server.process.housekeeping import compact_counters, delete_expired_events, delete_expired_responses
from wms_server.services.dead_letters import DeadLetterQueueService
from wms_server.services.fulfillment import FulfillmentService
from wms_server.services.orders import OrderService
from wms_server.services.reprocessing import ReprocessingService
from wms_server.services.storage import StorageService
from wms_server.settings import ServerSettings
from wms_server.subscriptions.moves import MoveBroadcaster
from wms_server.subscriptions.order_events import EventBroadcaster

_log = structlog.get_logger(__name__)


class ServerApplication:
    """One server process. Create it with `open_application`; `drain_calls` ends it gracefully."""

    def __init__(
        self,
        settings: ServerSettings,
        database: PostgresDatabase,
        call_pipeline: CallPipeline,
        process_number: int | None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._call_pipeline = call_pipeline
        self._call_pipeline.hold_calls()
        self._readiness_monitor = ReadinessMonitor(requires_kafka=settings.readiness_requires_kafka)
        self._health_servicer = HealthServicer(MAX_HEALTH_WATCHERS, self._readiness_monitor.encode_report)
        subscriber_limits = settings.subscriber_limits
        self._move_broadcaster = MoveBroadcaster(database, subscriber_limits)
        self._event_broadcaster = EventBroadcaster(database, subscriber_limits)
        self._page_tokens = PageTokens(settings.page_token_secrets)
        self._services_by_descriptor = _create_services(
            settings, self._move_broadcaster, self._event_broadcaster, self._page_tokens
        )
        subscriber_sources: dict[str, SubscriberSource] = {
            "moves": self._move_broadcaster,
            "orders": self._event_broadcaster,
            "health": self._health_servicer,
        }
        self._process_collectors = create_collectors(
            call_pipeline, subscriber_sources, database.bulkheads_by_workload
        )
        self._shared_metrics = None if process_number is None else SharedMetrics(self._process_collectors)
        # Process 0 sequences for all processes. The others poll less often, in case it is down.
        self._sequencer_poll_seconds = STANDBY_POLL_SECONDS if process_number else IDLE_POLL_SECONDS
        self._set_ready(False)
        self._readiness_monitor.on_change = self._set_ready
        self._server = self._create_server()

    def _create_server(self) -> grpc.aio.Server:
        settings = self._settings
        options = (
            *_SERVER_OPTIONS,
            ("grpc.so_reuseport", int(self._shared_metrics is not None)),
            # No grace is set: in-flight calls on an old connection finish without a time limit.
            ("grpc.max_connection_age_ms", int(settings.connection_age.total_seconds() * 1000)),
            ("grpc.max_connection_idle_ms", int(settings.grpc_connection_idle.total_seconds() * 1000)),
            ("grpc.max_allowed_incoming_connections", settings.grpc_max_connections),
            ("grpc.max_concurrent_streams", settings.grpc_streams_per_connection),
        )
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers(build_handlers(self._call_pipeline, self._services_by_descriptor))
        probe_server: Any = GuardedServer(server, settings.deadline_cap.total_seconds())
        health_pb2_grpc.add_HealthServicer_to_server(self._health_servicer, probe_server)
        if self._settings.reflection_enabled:
            service_names = [service.full_name for service in self._services_by_descriptor]
            health_service = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
            add_reflection(server, self._call_pipeline, (*service_names, health_service))
        if self._settings.channelz_enabled:
            channelz_pb2_grpc.add_ChannelzServicer_to_server(channelz.aio.ChannelzServicer(), probe_server)
        return server

    def _set_ready(self, is_ready: bool) -> None:
        """Set the health of each service and, under the empty name, of the whole server."""
        for name in ("", *(service.full_name for service in self._services_by_descriptor)):
            self._health_servicer.set_serving(name, is_serving=is_ready)

    def create_http_app(self) -> ASGIApp:
        """Return the HTTP application: the API and the admin pages."""
        metric_collectors = (
            [self._shared_metrics]
            if self._shared_metrics
            else [*self._process_collectors, create_restart_counter()]
        )
        admin_app = create_admin_app(self._readiness_monitor, create_registry(*metric_collectors))
        settings = self._settings
        timeout_seconds = settings.http_request_timeout.total_seconds()
        options = HttpOptions(settings.default_currency, timeout_seconds)
        served_app = combine_apps(
            admin_app, HttpApi(self._call_pipeline, self._services_by_descriptor, options)
        )
        return guard_requests(served_app, AllowedHosts(settings.http_host_names), timeout_seconds)

    async def start(self) -> None:
        """Listen for gRPC calls. They are rejected until the database is ready.

        Raises:
            PortInUse: another process listens at `SERVER_ADDR`.
        """
        address = self._settings.server_addr
        bind_port(self._server.add_insecure_port, "SERVER_ADDR", address)
        await self._server.start()
        _log.info("listening", address=address)

    async def run_background_tasks(self) -> None:
        """Run migrations, then run the background tasks until cancelled.

        Raises:
            MigrationError: a migration failed.
        """
        settings = self._settings
        url = settings.database_url.get_secret_value()
        await prepare_database(url, settings.default_warehouse_id)
        if not self._page_tokens.signing_keys:
            self._page_tokens.signing_keys = await read_page_token_keys(self._database)
        self._call_pipeline.open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_clock_sync(self._database))
            interval_seconds = settings.readiness_interval.total_seconds()
            tasks.create_task(
                self._readiness_monitor.run(AvailabilityProbe(self._database, url), interval_seconds)
            )
            tasks.create_task(EventSequencer(self._database, self._sequencer_poll_seconds).run())
            tasks.create_task(self._move_broadcaster.run())
            tasks.create_task(self._event_broadcaster.run())
            tasks.create_task(delete_expired_responses(self._database, settings.request_answers_kept))
            tasks.create_task(delete_expired_events(self._database, settings.event_retention))
            tasks.create_task(compact_counters(self._database))
            tasks.create_task(return_free_memory())
            if self._shared_metrics:
                tasks.create_task(self._shared_metrics.write_periodically())

    async def drain_calls(self, force_shutdown: asyncio.Event) -> None:
        """Drain: become unready, reject new calls, wait for in-flight calls, then stop.

        The wait is limited by `DRAIN_GRACE`. `force_shutdown` ends it early, and in-flight calls are aborted.
        """
        _log.info(
            "draining", at_work=self._call_pipeline.in_flight, streams=self._call_pipeline.open_stream_count
        )
        self._readiness_monitor.stop()
        delay_seconds, grace_seconds = (
            self._settings.drain_delay.total_seconds(),
            self._settings.drain_grace.total_seconds(),
        )
        await wait_for_shutdown_step(asyncio.sleep(delay_seconds), delay_seconds, force_shutdown)
        self._call_pipeline.close()
        if not await wait_for_shutdown_step(self._call_pipeline.wait_idle(), grace_seconds, force_shutdown):
            _log.warning("drain_timed_out", at_work=self._call_pipeline.in_flight)
        await self._reject_until_quiet()
        # The grace lets the last responses reach their callers; later ones are aborted.
        await self._server.stop(grace=0.5)
        _log.info("stopped")

    async def _reject_until_quiet(self) -> None:
        """Reject calls for up to 1 s more: calls that gRPC still queues when it stops get no error reason."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._call_pipeline.wait_quiet_period(0.05)


#: Clients that may watch the health of one process at the same time; each costs about 20 kB.
MAX_HEALTH_WATCHERS = 1_000
#: Above `MAX_REQUEST_BYTES`, so that the server's own error, which is clearer, comes first.
MAX_RECEIVE_BYTES = MAX_REQUEST_BYTES + 64 * 1024
#: Bytes that gRPC buffers of a message before the server reads it.
WINDOW_BYTES = 256 * 1024
#: Calls that gRPC queues for Python, each with about 4 KiB. Beyond it, gRPC cancels some of them.
MAX_PENDING_CALLS = 10_000
_SERVER_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    # The probe sends a ping for each piece that is read, a fifth of the cost of a small call (docs/adr/0017).
    # Without it, a message that is being read still widens the window to its own size.
    ("grpc.http2.bdp_probe", 0),
    # Calls that gRPC queues for Python. At the default of 1,000 gRPC cancels random ones, of any client. A
    # client that opens and resets streams queues more than that in a moment.
    ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_PENDING_CALLS),
    ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
    # Limits for clients that are silent after connecting, or that disappeared without closing.
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


def _create_services(
    settings: ServerSettings,
    move_broadcaster: MoveBroadcaster,
    event_broadcaster: EventBroadcaster,
    page_tokens: PageTokens,
) -> dict[ServiceDescriptor, object]:
    return {
        orders_pb2.DESCRIPTOR.services_by_name["OrderService"]: OrderService(
            settings.default_warehouse_id, event_broadcaster, page_tokens
        ),
        reprocessing_pb2.DESCRIPTOR.services_by_name["ReprocessingService"]: ReprocessingService(
            settings.retry_policy
        ),
        dead_letters_pb2.DESCRIPTOR.services_by_name["DeadLetterQueueService"]: DeadLetterQueueService(
            page_tokens
        ),
        storage_pb2.DESCRIPTOR.services_by_name["StorageService"]: StorageService(
            settings.retry_policy, settings.partial_rule, move_broadcaster, page_tokens
        ),
        fulfillment_pb2.DESCRIPTOR.services_by_name["FulfillmentService"]: FulfillmentService(page_tokens),
    }


@asynccontextmanager
async def open_application(
    settings: ServerSettings,
    span_exporter: SpanExporter | None = None,
    *,
    process_number: int | None = None,
    force_shutdown: asyncio.Event | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a server and drain it at the end. Yield the background task, which ends only by an error.

    Spans go to the exporter, by default to the collector of the settings. With a `process_number` the server
    is one of several processes; they share the ports, which the supervisor reserves. `force_shutdown` cuts
    the drain short.
    """
    async with AsyncExitStack() as exit_stack:
        reported_file = None if process_number is None else Path(get_shared_folder()) / "traces_not_delivered"
        span_tracing = await exit_stack.enter_async_context(
            open_tracing(settings, settings.service_name, span_exporter, reported_file)
        )
        url = settings.database_url.get_secret_value()
        database = await exit_stack.enter_async_context(open_database(url, settings.caller_pool_options))
        pipeline_limits = PipelineLimits(
            settings.max_in_flight,
            settings.max_bytes_in_flight,
            settings.deadline_cap.total_seconds(),
            settings.max_streams,
            BatchLimits(settings.group_commit_calls),
        )
        call_pipeline = CallPipeline(database, pipeline_limits, span_tracing)
        server_application = ServerApplication(settings, database, call_pipeline, process_number)
        connection_limits, is_shared = settings.http_connection_limits, process_number is not None
        await exit_stack.enter_async_context(
            serve(
                server_application.create_http_app(),
                settings.http_addr,
                connection_limits,
                call_pipeline.memory_budget,
                is_shared=is_shared,
            )
        )
        await server_application.start()
        application_task = await exit_stack.enter_async_context(
            background_task(server_application.run_background_tasks())
        )
        exit_stack.push_async_callback(server_application.drain_calls, force_shutdown or asyncio.Event())
        yield application_task
