"""gRPC's reflection, in both of its versions, and with the methods of services among its symbols.

grpcio-reflection serves `v1alpha` only, which newer tools do not ask for, and finds no methods, which
`grpcurl describe` asks for. Both versions have the same messages under another package.
"""

from collections.abc import AsyncIterator, Iterable
from itertools import chain
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2

from wms_core.domain.errors import TooManyStreams, WmsError
from wms_server.errors import status_of
from wms_server.pipeline import Pipeline
from wms_server.rpc import abort
from wms_server.streams import send_in_time

_OLD, _NEW = "grpc.reflection.v1alpha", "grpc.reflection.v1"
#: Streams at a time: of each one message may be under way, as large as the server takes any.
MAX_REFLECTION_STREAMS = 8
_SERVICE, _METHOD = "ServerReflection", "ServerReflectionInfo"


class _SymbolPool:
    """The descriptors of the process, in which methods are found too."""

    def __init__(self) -> None:
        self._pool: Any = descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 # as the pool calls it
        """Return the file that defines a symbol. Raises KeyError."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)  # type: ignore[no-any-return]
        except KeyError:
            service, _, method = symbol.rpartition(".")
            found = self._pool.FindServiceByName(service).methods_by_name[method]
            return found.containing_service.file  # type: ignore[no-any-return]


class _BoundedReflection:
    """Answers the streams of a servicer, which count among those of a pipeline and end as they do."""

    def __init__(self, servicer: Any, pipeline: Pipeline) -> None:
        self._servicer = servicer
        self._pipeline = pipeline
        self._open_count = 0

    async def answer(self, requests: AsyncIterator[Any], context: Any) -> None:
        """Answer requests in their order; a client that does not read is disconnected."""
        self._open_count += 1
        try:
            if self._open_count > MAX_REFLECTION_STREAMS:
                raise TooManyStreams(limit=MAX_REFLECTION_STREAMS)
            # Apart from the first message: gRPC could not end a stream whose first write does not end.
            await send_in_time(context.send_initial_metadata, ())
            responses = self._servicer.ServerReflectionInfo(requests, context)
            await self._pipeline.send_all(responses, context.write)
        except WmsError as error:
            with self._pipeline.hold_stream_place():
                await abort(context, status_of(error))
        finally:
            self._open_count -= 1


def add_reflection(server: grpc.aio.Server, pipeline: Pipeline, services: Iterable[str]) -> None:
    """Let a server describe these services, and reflection itself."""
    _define_new_version()
    names = (*services, f"{_OLD}.{_SERVICE}", f"{_NEW}.{_SERVICE}")
    servicer = reflection.aio.ReflectionServicer(names, pool=_SymbolPool())
    handler = grpc.stream_stream_rpc_method_handler(
        _BoundedReflection(servicer, pipeline).answer,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for package in (_OLD, _NEW):
        name = f"{package}.{_SERVICE}"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {_METHOD: handler}),))


def _define_new_version() -> None:
    """Define the new package like the old one, unless it is there."""
    pool: Any = descriptor_pool.Default()
    file = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = "grpc/reflection/v1/reflection.proto", _NEW
    for field in chain.from_iterable(message.field for message in file.message_type):
        if field.type_name:
            field.type_name = field.type_name.replace(_OLD, _NEW)
    for method in file.service[0].method:
        method.input_type = method.input_type.replace(_OLD, _NEW)
        method.output_type = method.output_type.replace(_OLD, _NEW)
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        pool.Add(file)
