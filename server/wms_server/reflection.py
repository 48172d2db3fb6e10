"""Reflection as the server offers it: its streams are counted, bounded and ended as all others are."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from wms_core.domain.errors import WmsError
from wms_server.errors import status_of
from wms_server.pipeline import Pipeline
from wms_server.rpc import abort
from wms_server.streams import send_in_time


class BoundedReflection(reflection_pb2_grpc.ServerReflectionServicer):
    """Describes services; a client that does not read is disconnected, as one that watches is."""

    def __init__(self, pipeline: Pipeline, service_names: Iterable[str]) -> None:
        """Count the streams among those of a pipeline."""
        self._servicer: Any = reflection.aio.ReflectionServicer(service_names)
        self._pipeline = pipeline

    async def ServerReflectionInfo(  # noqa: N802 # the contract's name
        self, requests: AsyncIterator[reflection_pb2.ServerReflectionRequest], context: Any
    ) -> None:
        """Answer requests in their order."""
        responses = self._servicer.ServerReflectionInfo(requests, context)
        try:
            # Apart from the first message: gRPC could not end a stream whose first write does not end.
            await send_in_time(context.send_initial_metadata, ())
            await self._pipeline.send_all(responses, context.write)
        except WmsError as error:
            with self._pipeline.hold_stream_place():
                await abort(context, status_of(error))


def add_reflection(server: grpc.aio.Server, pipeline: Pipeline, service_names: Iterable[str]) -> None:
    """Have a server describe services, and reflection itself."""
    servicer = BoundedReflection(pipeline, (*service_names, reflection.SERVICE_NAME))
    add: Any = reflection_pb2_grpc.add_ServerReflectionServicer_to_server  # which has no types
    add(servicer, server)
