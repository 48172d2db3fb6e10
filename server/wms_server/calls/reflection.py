"""gRPC reflection in both versions, with the methods of services among its symbols.

grpcio-reflection serves only `v1alpha`, but newer tools ask for `v1`. It finds no methods, but `grpcurl
describe` asks for them. Both versions have the same messages in different packages.
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
from wms_server.calls.error_status import to_status
from wms_server.calls.pipeline import CallPipeline
from wms_server.calls.streaming import send_with_timeout
from wms_server.grpc_api import abort_call

_OLD_PACKAGE, _NEW_PACKAGE = "grpc.reflection.v1alpha", "grpc.reflection.v1"
#: Concurrent reflection streams: each may hold one message of the maximum size of a request.
MAX_REFLECTION_STREAMS = 8
_SERVICE_NAME, _METHOD_NAME = "ServerReflection", "ServerReflectionInfo"


class _SymbolPool:
    """The default descriptor pool, extended by the lookup of methods."""

    def __init__(self) -> None:
        self._default_pool: Any = descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._default_pool, name)

    def FindFileContainingSymbol(self, symbol_name: str) -> FileDescriptor:  # noqa: N802 # as the pool calls it
        """Return the file that defines a symbol. Raises `KeyError` for an unknown one."""
        try:
            return self._default_pool.FindFileContainingSymbol(symbol_name)  # type: ignore[no-any-return]
        except KeyError:
            service, _, method = symbol_name.rpartition(".")
            method_descriptor = self._default_pool.FindServiceByName(service).methods_by_name[method]
            return method_descriptor.containing_service.file  # type: ignore[no-any-return]


class _BoundedReflection:
    """Answers the streams of a servicer within the stream limits of the pipeline."""

    def __init__(self, reflection_servicer: Any, call_pipeline: CallPipeline) -> None:
        self._reflection_servicer = reflection_servicer
        self._call_pipeline = call_pipeline
        self._open_stream_count = 0

    async def answer_requests(self, request_stream: AsyncIterator[Any], rpc_context: Any) -> None:
        """Answer requests in their order; disconnect a client that does not read."""
        self._open_stream_count += 1
        try:
            if self._open_stream_count > MAX_REFLECTION_STREAMS:
                raise TooManyStreams(limit=MAX_REFLECTION_STREAMS)
            # The headers are sent before the first message: gRPC cannot end a stream whose first write
            # blocks.
            await send_with_timeout(rpc_context.send_initial_metadata, ())
            response_stream = self._reflection_servicer.ServerReflectionInfo(request_stream, rpc_context)
            await self._call_pipeline.send_all(response_stream, rpc_context.write)
        except WmsError as error:
            with self._call_pipeline.hold_stream_place():
                await abort_call(rpc_context, to_status(error))
        finally:
            self._open_stream_count -= 1


def add_reflection(
    server: grpc.aio.Server, call_pipeline: CallPipeline, service_names: Iterable[str]
) -> None:
    """Add reflection of these services, and of reflection itself, to a server."""
    _define_new_version()
    reflected_services = (
        *service_names,
        f"{_OLD_PACKAGE}.{_SERVICE_NAME}",
        f"{_NEW_PACKAGE}.{_SERVICE_NAME}",
    )
    reflection_servicer = reflection.aio.ReflectionServicer(reflected_services, pool=_SymbolPool())
    rpc_handler = grpc.stream_stream_rpc_method_handler(
        _BoundedReflection(reflection_servicer, call_pipeline).answer_requests,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for package_name in (_OLD_PACKAGE, _NEW_PACKAGE):
        name = f"{package_name}.{_SERVICE_NAME}"
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, {_METHOD_NAME: rpc_handler}),)
        )


def _define_new_version() -> None:
    """Define the `v1` package as a copy of `v1alpha`, unless it is defined already."""
    pool: Any = descriptor_pool.Default()
    file_descriptor = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file_descriptor)
    file_descriptor.name, file_descriptor.package = "grpc/reflection/v1/reflection.proto", _NEW_PACKAGE
    for field in chain.from_iterable(message.field for message in file_descriptor.message_type):
        if field.type_name:
            field.type_name = field.type_name.replace(_OLD_PACKAGE, _NEW_PACKAGE)
    for method in file_descriptor.service[0].method:
        method.input_type = method.input_type.replace(_OLD_PACKAGE, _NEW_PACKAGE)
        method.output_type = method.output_type.replace(_OLD_PACKAGE, _NEW_PACKAGE)
    try:
        pool.FindFileByName(file_descriptor.name)
    except KeyError:
        pool.Add(file_descriptor)
