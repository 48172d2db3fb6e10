"""Readiness: whether this server can do its work, told by the gRPC health service."""

import asyncio
from collections.abc import Iterable

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as grpc_health

from wms_core.domain.errors import StorageUnavailable
from wms_core.postgres.database import PostgresDatabase

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_log = structlog.get_logger(__name__)

#: Serving for as long as the process runs; for liveness probes, which must not depend on the database.
LIVENESS = "liveness"


class Readiness:
    """Keeps the health service's answers in step with the database."""

    def __init__(self, servicer: grpc_health.HealthServicer, services: Iterable[str]) -> None:
        """Tell of the services and, under the empty name, of all of them."""
        self._servicer = servicer
        self._services = ("", *services)
        self._ready: bool | None = None

    @property
    def is_ready(self) -> bool:
        """Whether this server can do its work."""
        return self._ready is True

    async def start(self) -> None:
        """Be alive, and not ready."""
        await self._servicer.set(LIVENESS, _SERVING)
        await self._set(ready=False)

    async def watch(self, database: PostgresDatabase, interval: float) -> None:
        """Ask the database again and again; ready while it answers within two seconds."""
        while True:
            try:
                await database.check(within=2.0)
            except StorageUnavailable as error:
                await self._set(ready=False, cause=str(error.__cause__ or error))
            else:
                await self._set(ready=True)
            await asyncio.sleep(interval)

    async def stop(self) -> None:
        """Be unready for good."""
        self._ready = False
        await self._servicer.enter_graceful_shutdown()

    async def _set(self, *, ready: bool, cause: str = "") -> None:
        if ready is self._ready:
            return
        if self._ready is not None:
            _log.warning("readiness_changed", ready=ready, cause=cause)
        self._ready = ready
        for service in self._services:
            await self._servicer.set(service, _SERVING if ready else _NOT_SERVING)
