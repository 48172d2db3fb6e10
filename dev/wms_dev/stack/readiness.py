"""Whether a child says that it is ready, by the health service of gRPC."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health_pb2

from wms_dev.client import CHANNEL_OPTIONS
from wms_dev.problem import Problem

LOOK_SECONDS = 0.1
ANSWER_SECONDS = 1.0
CHECK = "/grpc.health.v1.Health/Check"


HealthCheck: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[Any, health_pb2.HealthCheckResponse]"


class NotReady(Problem):
    """A child runs but did not become ready in time."""


async def until_serving(
    name: str, target: str, service: str, *, seconds: float, still_there: Callable[[], None]
) -> None:
    """Return when `service` at `host:port` is SERVING.

    Raises `NotReady` when it takes too long, and what `still_there` raises when the child has ended.
    """
    deadline = time.monotonic() + seconds
    async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
        check = channel.unary_unary(
            CHECK,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        while True:
            still_there()
            answer = await _answer(check, service)
            if answer == "SERVING":
                return
            if time.monotonic() > deadline:
                raise NotReady(
                    f"The {name} at {target} was not ready after {seconds:.0f} s; the last answer to its"
                    f" health check was: {answer}"
                )
            await asyncio.sleep(LOOK_SECONDS)


async def _answer(check: HealthCheck, service: str) -> str:
    try:
        answer = await check(health_pb2.HealthCheckRequest(service=service), timeout=ANSWER_SECONDS)
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name} {error.details()}"
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
