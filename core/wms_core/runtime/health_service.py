"""The gRPC health service of a process; a slow watcher delays neither the process nor other clients.

The servicer of grpcio-health-checking writes to each watcher under a lock that `set` needs. A single client
that does not read then blocks all changes of readiness and roles.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

#: SERVING while the process runs; for liveness probes, which must not depend on the database.
LIVENESS_SERVICE = "liveness"
#: Trailing metadata of `Check` with the readiness of the process: the JSON of its page `/ready`.
READINESS_METADATA = "wms-readiness-bin"
#: A watcher that does not read a state within this time is disconnected.
SEND_TIMEOUT_SECONDS = 5.0
RpcContext = Any  # grpc.aio.ServicerContext, whose stubs disagree with the library about metadata
HealthResponse = health_pb2.HealthCheckResponse


class HealthServicer(health_pb2_grpc.HealthServicer):
    """States of named services, and the clients that watch them."""

    def __init__(self, watcher_limit: int, describe_readiness: Callable[[], bytes]) -> None:
        """Start alive and without other services; at most `watcher_limit` clients may watch at a time."""
        self._states_by_service: dict[str, int] = {LIVENESS_SERVICE: HealthResponse.SERVING}
        self._watcher_limit = watcher_limit
        self._describe_readiness = describe_readiness
        # A watcher has at most one pending change: when it handles it, it sends the state of that moment.
        self._watcher_events: set[asyncio.Event] = set()

    @property
    def count(self) -> int:
        """The number of watching clients."""
        return len(self._watcher_events)

    def set_serving(self, service: str, *, is_serving: bool) -> None:
        """Set the state of a service. Each watcher is notified later, by its own task."""
        self._states_by_service[service] = (
            HealthResponse.SERVING if is_serving else HealthResponse.NOT_SERVING
        )
        for watcher_event in self._watcher_events:
            watcher_event.set()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: RpcContext) -> HealthResponse:  # noqa: N802
        """Return the state of a service; NOT_FOUND for an unknown service."""
        state = self._states_by_service.get(request.service)
        if state is None:
            await context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"unknown service; this process has {', '.join(map(repr, self._states_by_service))}",
            )
        context.set_trailing_metadata(((READINESS_METADATA, self._describe_readiness()),))
        return HealthResponse(status=state)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: RpcContext) -> None:  # noqa: N802
        """Send the state of a service now and after each change, while the client reads."""
        if len(self._watcher_events) >= self._watcher_limit:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{self._watcher_limit} clients watch the health of this process, which is its limit;"
                " try again later, or call Check",
            )
        change_event = asyncio.Event()
        self._watcher_events.add(change_event)
        try:
            await self._send_states(request.service, context, change_event)
        except TimeoutError:
            await context.abort(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the client has read nothing for {SEND_TIMEOUT_SECONDS:g} s",
            )
        except grpc.aio.InternalError:
            # The client disconnected during the write.
            return
        finally:
            self._watcher_events.discard(change_event)

    async def _send_states(self, service: str, rpc_context: RpcContext, change_event: asyncio.Event) -> None:
        """Send states until cancelled. Raises TimeoutError when the client does not read."""
        last_sent_state: int | None = None
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            # Separate from the first state: gRPC cannot end a stream whose first write does not end.
            await rpc_context.send_initial_metadata(())
        while True:
            state = self._states_by_service.get(service, HealthResponse.SERVICE_UNKNOWN)
            if state != last_sent_state:
                async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                    await rpc_context.write(HealthResponse(status=state))
                last_sent_state = state
            await change_event.wait()
            change_event.clear()
