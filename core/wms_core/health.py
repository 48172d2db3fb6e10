"""The gRPC health service of a process: it never waits for a client, and no client makes it wait.

grpcio-health-checking's own servicer writes to each watcher while it holds a lock that `set` needs. A single
client that does not read then stops every change of readiness and of roles.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

#: SERVING for as long as the process runs; for liveness probes, which must not depend on the database.
LIVENESS = "liveness"
#: The trailing metadata of `Check` that has the readiness of the process: the JSON of its page `/ready`.
READINESS_METADATA = "wms-readiness-bin"
#: A watcher that has not read a state for so long is disconnected.
SEND_TIMEOUT_SECONDS = 5.0
Context = Any  # grpc.aio.ServicerContext, whose stubs disagree with the library about metadata
Response = health_pb2.HealthCheckResponse


class HealthServicer(health_pb2_grpc.HealthServicer):
    """The states of named services, and the clients that watch them."""

    def __init__(self, watcher_limit: int, describe_readiness: Callable[[], bytes]) -> None:
        """Start alive, and knowing no other service; at most so many clients may watch at a time."""
        self._states: dict[str, int] = {LIVENESS: Response.SERVING}
        self._watcher_limit = watcher_limit
        self._describe_readiness = describe_readiness
        # A watcher has at most one pending change: it then reads the state of that moment.
        self._watchers: set[asyncio.Event] = set()

    @property
    def count(self) -> int:
        """How many clients watch."""
        return len(self._watchers)

    def set(self, service: str, *, serving: bool) -> None:
        """Set the state of a service. Watchers are told of it later, each by its own task."""
        self._states[service] = Response.SERVING if serving else Response.NOT_SERVING
        for watcher in self._watchers:
            watcher.set()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> Response:  # noqa: N802
        """Return the state of a service; NOT_FOUND for one that the process does not know."""
        state = self._states.get(request.service)
        if state is None:
            await context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"unknown service; this process has {', '.join(map(repr, self._states))}",
            )
        context.set_trailing_metadata(((READINESS_METADATA, self._describe_readiness()),))
        return Response(status=state)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:  # noqa: N802
        """Send the state of a service now and after each change, until the client leaves or stops reading."""
        if len(self._watchers) >= self._watcher_limit:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{self._watcher_limit} clients watch the health of this process, the most it serves;"
                " ask again later, or call Check",
            )
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            await self._send_states(request.service, context, changed)
        except TimeoutError:
            await context.abort(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the client has read nothing for {SEND_TIMEOUT_SECONDS:g} s",
            )
        except grpc.aio.InternalError:
            # The client left during the write.
            return
        finally:
            self._watchers.discard(changed)

    async def _send_states(self, service: str, context: Context, changed: asyncio.Event) -> None:
        """Send states for ever. Raises TimeoutError when the client does not read."""
        sent: int | None = None
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            # Apart from the first state: gRPC could not end a stream whose first write does not end.
            await context.send_initial_metadata(())
        while True:
            state = self._states.get(service, Response.SERVICE_UNKNOWN)
            if state != sent:
                async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                    await context.write(Response(status=state))
                sent = state
            await changed.wait()
            changed.clear()
