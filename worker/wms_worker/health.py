"""The worker's health over gRPC: alive, and active or not, by role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as grpc_health

from wms_core.addresses import listen_address

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class PortTaken(Exception):
    """The address can't be listened on."""


class Health:
    """Tells probes what this replica is."""

    def __init__(self, servicer: grpc_health.HealthServicer) -> None:
        """Use `health_server` instead."""
        self._servicer = servicer

    async def set_active(self, role: str, *, active: bool) -> None:
        """Say whether this replica acts in a role (`wms.orders.worker.<role>`)."""
        await self._servicer.set(f"wms.orders.worker.{role}", _SERVING if active else _NOT_SERVING)


@asynccontextmanager
async def health_server(address: str, role: str) -> AsyncIterator[Health]:
    """Serve the health of a replica that is alive and passive. Raises PortTaken."""
    servicer = grpc_health.HealthServicer()
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    try:
        port = server.add_insecure_port(listen_address(address))
    except RuntimeError:
        port = 0
    if not port:
        raise PortTaken(f"WORKER_ADDR={address} is taken or can't be listened on")
    health = Health(servicer)
    await servicer.set("", _SERVING)
    await health.set_active(role, active=False)
    await server.start()
    try:
        yield health
    finally:
        await servicer.enter_graceful_shutdown()
        await server.stop(grace=0.2)
