"""The only wiring of the server: what it consists of, how it starts and how it ends."""

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
from wms_core.health import HealthServicer
from wms_core.listeners import bind_port
from wms_core.postgres.availability import AvailabilityProbe
from wms_core.postgres.database import PostgresDatabase, open_database
from wms_core.postgres.page_token_store import read_page_token_keys
from wms_core.postgres.sequencer import IDLE, STANDING_BY, Sequencer
from wms_core.postgres.start import prepare
from wms_core.postgres.timekeeping import keep_time
from wms_core.readiness import Readiness
from wms_core.tasks import finished, running
from wms_core.traces import open_tracing
from wms_server.event_watch import EventWatch
from wms_server.guarded_handlers import GuardedServer
from wms_server.heap import return_free_memory
from wms_server.http.api import Api, HttpOptions
from wms_server.http.pages import beside, pages
from wms_server.http.request_guard import AllowedHosts, guarded
from wms_server.http.serving import serve
from wms_server.janitor import fold_counts, forget_answers, forget_events
from wms_server.joining import JoiningLimits
from wms_server.metrics import Watchable, collectors, registry
from wms_server.move_watch import MoveWatch
from wms_server.page_tokens import PageTokens
from wms_server.pipeline import Limits, Pipeline
from wms_server.reflection import add_reflection
from wms_server.request_limits import MAX_REQUEST_BYTES
from wms_server.rpc import handlers
from wms_server.services.dead_letters import DeadLetterQueueService
from wms_server.services.fulfillment import FulfillmentService
from wms_server.services.orders import OrderService
from wms_server.services.reprocessing import ReprocessingService
from wms_server.services.storage import StorageService
from wms_server.settings import ServerSettings
from wms_server.shared_metrics import SharedMetrics, restarts, shared_folder

_log = structlog.get_logger(__name__)


class Application:
    """One server process. `ready` is set once it serves; `drain` ends it gracefully."""

    def __init__(
        self, settings: ServerSettings, database: PostgresDatabase, pipeline: Pipeline, number: int | None
    ) -> None:
        """Use `open_application` instead."""
        self._settings = settings
        self._database = database
        self._pipeline = pipeline
        self._pipeline.hold()
        self._readiness = Readiness(requires_kafka=settings.readiness_requires_kafka)
        self._health = HealthServicer(HEALTH_WATCHER_LIMIT, self._readiness.report_json)
        patience = settings.patience
        self._moves = MoveWatch(database, patience)
        self._events = EventWatch(database, patience)
        self._page_tokens = PageTokens(settings.page_token_secrets)
        self._services = _services(settings, self._moves, self._events, self._page_tokens)
        watches: dict[str, Watchable] = {
            "moves": self._moves,
            "orders": self._events,
            "health": self._health,
        }
        self._looked_at = collectors(pipeline, watches, database.bulkheads)
        self._shared = None if number is None else SharedMetrics(self._looked_at)
        # The first process looks for all of them; should it be gone, the others do it less often.
        self._sequencer_idle = STANDING_BY if number else IDLE
        self._set_ready(False)
        self._readiness.on_change = self._set_ready
        self._server = self._new_server()

    def _new_server(self) -> grpc.aio.Server:
        settings = self._settings
        options = (
            *_OPTIONS,
            ("grpc.so_reuseport", int(self._shared is not None)),
            # What is at work on an old connection goes on, for as long as it likes.
            ("grpc.max_connection_age_ms", int(settings.connection_age.total_seconds() * 1000)),
            ("grpc.max_connection_idle_ms", int(settings.grpc_connection_idle.total_seconds() * 1000)),
            ("grpc.max_allowed_incoming_connections", settings.grpc_max_connections),
            ("grpc.max_concurrent_streams", settings.grpc_streams_per_connection),
        )
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers(handlers(self._pipeline, self._services))
        probes: Any = GuardedServer(server, settings.deadline_cap.total_seconds())
        health_pb2_grpc.add_HealthServicer_to_server(self._health, probes)
        if self._settings.reflection_enabled:
            names = [service.full_name for service in self._services]
            health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
            add_reflection(server, self._pipeline, (*names, health))
        if self._settings.channelz_enabled:
            channelz_pb2_grpc.add_ChannelzServicer_to_server(channelz.aio.ChannelzServicer(), probes)
        return server

    def _set_ready(self, ready: bool) -> None:
        """Set the health of the services and, under the empty name, of all of them."""
        for name in ("", *(service.full_name for service in self._services)):
            self._health.set(name, serving=ready)

    def http(self) -> ASGIApp:
        """Give what HTTP shows: the calls, and the pages beside them."""
        told = [self._shared] if self._shared else [*self._looked_at, restarts()]
        shown = pages(self._readiness, registry(*told))
        settings = self._settings
        timeout_seconds = settings.http_request_timeout.total_seconds()
        options = HttpOptions(settings.default_currency, timeout_seconds)
        served = beside(shown, Api(self._pipeline, self._services, options))
        return guarded(served, AllowedHosts(settings.http_host_names), timeout_seconds)

    async def start(self) -> None:
        """Listen; ready later, when the database is. Raises PortInUse."""
        address = self._settings.server_addr
        bind_port(self._server.add_insecure_port, "SERVER_ADDR", address)
        await self._server.start()
        _log.info("listening", address=address)

    async def work(self) -> None:
        """Prepare the database, then keep the house until cancelled. Raises MigrationError."""
        settings = self._settings
        url = settings.database_url.get_secret_value()
        await prepare(url, settings.default_warehouse_id)
        if not self._page_tokens.keys:
            self._page_tokens.keys = await read_page_token_keys(self._database)
        self._pipeline.open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_time(self._database))
            interval = settings.readiness_interval.total_seconds()
            tasks.create_task(self._readiness.run(AvailabilityProbe(self._database, url), interval))
            tasks.create_task(Sequencer(self._database, self._sequencer_idle).run())
            tasks.create_task(self._moves.run())
            tasks.create_task(self._events.run())
            tasks.create_task(forget_answers(self._database, settings.request_answers_kept))
            tasks.create_task(forget_events(self._database, settings.event_retention))
            tasks.create_task(fold_counts(self._database))
            tasks.create_task(return_free_memory())
            if self._shared:
                tasks.create_task(self._shared.keep_telling())

    async def drain(self, hurry: asyncio.Event) -> None:
        """Be unready, refuse new calls, let those at work finish within the grace, then stop.

        In a hurry those at work are cut off.
        """
        _log.info("draining", at_work=self._pipeline.at_work, streams=self._pipeline.streams)
        self._readiness.stop()
        delay, grace = self._settings.drain_delay.total_seconds(), self._settings.drain_grace.total_seconds()
        await finished(asyncio.sleep(delay), delay, hurry)
        self._pipeline.close()
        if not await finished(self._pipeline.drained(), grace, hurry):
            _log.warning("drain_cut_off", at_work=self._pipeline.at_work)
        await self._let_callers_leave()
        # The last answers are still on their way; what does not end by then is cut off.
        await self._server.stop(grace=0.5)
        _log.info("stopped")

    async def _let_callers_leave(self) -> None:
        """Go on refusing for a moment: calls that gRPC has not handed over when it stops get no reason."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._pipeline.left_alone(0.05)


#: Clients of one process that may watch its health at a time; each costs some 20 kB.
HEALTH_WATCHER_LIMIT = 1_000
#: Leaves room for our own, clearer refusal.
RECEIVE_LIMIT_BYTES = MAX_REQUEST_BYTES + 64 * 1024
#: What comes of a message before it is read.
WINDOW_BYTES = 256 * 1024
#: Calls that wait until they are taken, each with some 4 KiB; beyond, gRPC cancels some of them.
MAX_PENDING_CALLS = 10_000
_OPTIONS = (
    ("grpc.max_receive_message_length", RECEIVE_LIMIT_BYTES),
    # To probe the line costs a ping for each piece that is read, a fifth of what a small call costs
    # (docs/adr/0017). A message that is being read widens the window to its own size.
    ("grpc.http2.bdp_probe", 0),
    # Calls that wait until Python takes them. Beyond 1,000 gRPC cancels some by chance, whoever sent them. A
    # client that opens and resets streams makes more in a moment.
    ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_PENDING_CALLS),
    ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
    # A client that says nothing at first, or that has gone without a word.
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


def _services(
    settings: ServerSettings, moves: MoveWatch, events: EventWatch, tokens: PageTokens
) -> dict[ServiceDescriptor, object]:
    return {
        orders_pb2.DESCRIPTOR.services_by_name["OrderService"]: OrderService(
            settings.default_warehouse_id, events, tokens
        ),
        reprocessing_pb2.DESCRIPTOR.services_by_name["ReprocessingService"]: ReprocessingService(
            settings.retry_policy
        ),
        dead_letters_pb2.DESCRIPTOR.services_by_name["DeadLetterQueueService"]: DeadLetterQueueService(
            tokens
        ),
        storage_pb2.DESCRIPTOR.services_by_name["StorageService"]: StorageService(
            settings.retry_policy, settings.partial_rule, moves, tokens
        ),
        fulfillment_pb2.DESCRIPTOR.services_by_name["FulfillmentService"]: FulfillmentService(tokens),
    }


@asynccontextmanager
async def open_application(
    settings: ServerSettings,
    exporter: SpanExporter | None = None,
    *,
    number: int | None = None,
    hurry: asyncio.Event | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a server; at the end it drains. Gives the task of its work, which ends only by a fault.

    Spans go to the exporter, by default to the collector of the settings. With a number it is one of several
    processes that share its ports, which somebody holds for them. `hurry` cuts its drain short.
    """
    async with AsyncExitStack() as stack:
        said = None if number is None else Path(shared_folder()) / "traces_not_delivered"
        tracing = await stack.enter_async_context(
            open_tracing(settings, settings.service_name, exporter, said)
        )
        url = settings.database_url.get_secret_value()
        database = await stack.enter_async_context(open_database(url, settings.shared_pool_options))
        limits = Limits(
            settings.max_in_flight,
            settings.max_bytes_in_flight,
            settings.deadline_cap.total_seconds(),
            settings.max_streams,
            JoiningLimits(settings.group_commit_calls),
        )
        pipeline = Pipeline(database, limits, tracing)
        application = Application(settings, database, pipeline, number)
        connections, shared = settings.http_connection_limits, number is not None
        await stack.enter_async_context(
            serve(application.http(), settings.http_addr, connections, pipeline.memory, shared=shared)
        )
        await application.start()
        work = await stack.enter_async_context(running(application.work()))
        stack.push_async_callback(application.drain, hurry or asyncio.Event())
        yield work
