"""Wait until a process is ready, by the gRPC health service."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health_pb2

from wms_dev.api_client import CHANNEL_OPTIONS
from wms_dev.errors import UserError

POLL_SECONDS = 0.1
RESPONSE_TIMEOUT_SECONDS = 1.0
HEALTH_CHECK_METHOD = "/grpc.health.v1.Health/Check"


HealthCheck: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[Any, health_pb2.HealthCheckResponse]"


class NotReady(UserError):
    """A process runs but did not become ready in time."""


async def wait_until_serving(
    name: str, target: str, service: str, *, timeout_seconds: float, raise_if_exited: Callable[[], None]
) -> None:
    """Return when `service` at the address `target` is SERVING.

    Raises:
        NotReady: It is not ready after `timeout_seconds`.
        UserError: The error that `raise_if_exited` raises when the process has exited.
    """
    deadline = time.monotonic() + timeout_seconds
    async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
        check = channel.unary_unary(
            HEALTH_CHECK_METHOD,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        while True:
            raise_if_exited()
            serving_status = await _read_serving_status(check, service)
            if serving_status == "SERVING":
                return
            if time.monotonic() > deadline:
                raise NotReady(
                    f"The {name} at {target} was not ready after {timeout_seconds:.0f} s; the last response"
                    f" to its health check was: {serving_status}"
                )
            await asyncio.sleep(POLL_SECONDS)


async def _read_serving_status(check: HealthCheck, service: str) -> str:
    try:
        response = await check(
            health_pb2.HealthCheckRequest(service=service), timeout=RESPONSE_TIMEOUT_SECONDS
        )
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name} {error.details()}"
    return health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
