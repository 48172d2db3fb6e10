"""The gRPC API: handlers from the descriptors of the contract's services, on top of the pipeline."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection, Coroutine, Mapping
from contextlib import aclosing, closing
from typing import Any, NoReturn, TypeVar

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.rpc.status_pb2 import Status

from wms_core.application.database import Database
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import NotServed, TooManyStreams, WmsError
from wms_server.calls.call import CORRELATION_ID_HEADER, Call, parse_caller
from wms_server.calls.error_status import build_internal_status, to_status
from wms_server.calls.pipeline import (
    CallMetadata,
    CallPipeline,
    StreamOperation,
    UnaryOperation,
    build_batched_operation,
    build_stream_operation,
    build_unary_operation,
)
from wms_server.calls.streaming import MAX_INGEST_STREAMS, StreamBacklog, run_in_order, send_with_timeout
from wms_server.limits.request_decoding import RequestDecoder
from wms_server.observability.tracing import end_call_span

T = TypeVar("T")
RpcContext = Any  # grpc.aio.ServicerContext, whose stubs disagree with the library about metadata
_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}
_log = structlog.get_logger("wms_server.calls.call")


def build_handlers(
    call_pipeline: CallPipeline, services_by_descriptor: Mapping[ServiceDescriptor, object]
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Return the handlers of services, and a fallback that rejects unknown methods of their packages."""
    rpc_handlers: list[grpc.GenericRpcHandler] = []
    for service_descriptor, service in services_by_descriptor.items():
        served_methods = [
            method for method in service_descriptor.methods if hasattr(service, to_snake_case(method.name))
        ]
        handlers_by_method = {
            method.name: _build_handler(call_pipeline, method, service) for method in served_methods
        }
        rpc_handlers.append(
            grpc.method_handlers_generic_handler(service_descriptor.full_name, handlers_by_method)
        )
    return (
        *rpc_handlers,
        _UnservedMethods(
            frozenset(service_descriptor.file.package for service_descriptor in services_by_descriptor)
        ),
    )


def to_snake_case(name: str) -> str:
    """Return an rpc's name in snake case: `CreateOrder` becomes `create_order`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _build_handler(call_pipeline: CallPipeline, method: MethodDescriptor, service: object) -> Any:
    call_pipeline.request_metrics.register_method(method.name)
    service_method: Any = getattr(service, to_snake_case(method.name))
    if method.client_streaming:
        return _build_ingest_handler(call_pipeline, method, service, service_method)
    if method.server_streaming:
        return _build_stream_handler(call_pipeline, method, service_method)
    return _build_unary_handler(
        call_pipeline, method, build_call_operation(call_pipeline, method, service_method)
    )


def build_call_operation(
    call_pipeline: CallPipeline, method: MethodDescriptor, service_method: Any
) -> UnaryOperation:
    """Return the operation of a unary rpc, batched or not, by the marks of its method."""
    if getattr(service_method, "is_batched", False):
        return build_batched_operation(call_pipeline, service_method, method)
    return build_unary_operation(call_pipeline, service_method, method)


def _build_unary_handler(
    call_pipeline: CallPipeline, method: MethodDescriptor, unary_operation: UnaryOperation
) -> Any:
    async def handle_unary(_request_stream: object, rpc_context: RpcContext) -> bytes:
        request = await _read_request(call_pipeline, method, rpc_context)
        started_at = time.perf_counter()
        call = call_pipeline.start_call(
            method, _get_metadata(rpc_context), rpc_context.time_remaining(), rpc_context.peer()
        )
        # The correlation id is sent in the trailers only: headers would cost a separate operation
        # (docs/adr/0017).
        correlation_metadata = _build_correlation_metadata(call.caller)
        pending_response = (
            _raise_error(request)
            if isinstance(request, WmsError)
            else call_pipeline.run_call(unary_operation, call, request)
        )
        # gRPC keeps the frame of an aborted call until the next garbage collection.
        del request
        call_outcome = await await_outcome(pending_response, call)
        record_completion(call, call_outcome, time.perf_counter() - started_at)
        if isinstance(call_outcome, Status):
            return await abort_call(rpc_context, call_outcome, correlation_metadata)
        rpc_context.set_trailing_metadata(correlation_metadata)
        call_pipeline.outgoing_responses.hold_response(rpc_context, len(call_outcome))
        return call_outcome

    # Same on the wire, but a stream handler is called before the request has arrived completely.
    return grpc.stream_unary_rpc_method_handler(handle_unary)


def _build_ingest_handler(
    call_pipeline: CallPipeline, method: MethodDescriptor, service: object, service_method: Any
) -> Any:
    """Build the handler of a stream whose messages each contain a request of another rpc."""
    element_method: MethodDescriptor = method.containing_service.methods_by_name[service_method.element_rpc]
    unary_operation = build_call_operation(
        call_pipeline, element_method, getattr(service, to_snake_case(element_method.name))
    )
    request_decoder = RequestDecoder(method)
    stream_backlogs: set[StreamBacklog] = set()

    async def start_element(
        stream_call: Call, raw_bytes: bytes, stream_backlog: StreamBacklog
    ) -> Awaitable[bytes | Status]:
        call = call_pipeline.create_element_call(element_method.name, stream_call)
        stream_backlog.add_request(len(raw_bytes))
        try:
            request = request_decoder.decode_and_validate(raw_bytes).request.SerializeToString()  # type: ignore[attr-defined]
        except WmsError as error:
            return await_outcome(_raise_error(error), call)
        return await_outcome(
            await call_pipeline.start_when_capacity_allows(unary_operation, call, request), call
        )

    def get_conflict_keys(raw_bytes: bytes) -> Collection[str]:
        try:
            return service_method.get_conflict_keys(request_decoder.decode(raw_bytes).request)  # type: ignore[no-any-return, attr-defined]
        except WmsError:
            return ()

    async def generate_responses(
        _: Database, call: Call, request_stream: AsyncIterator[bytes]
    ) -> AsyncGenerator[bytes, None]:
        if len(stream_backlogs) >= MAX_INGEST_STREAMS:
            raise TooManyStreams(limit=MAX_INGEST_STREAMS)
        stream_backlog = StreamBacklog(call_pipeline.memory_budget)
        stream_backlogs.add(stream_backlog)
        try:
            async with aclosing(
                run_in_order(
                    request_stream,
                    lambda raw_bytes: start_element(call, raw_bytes, stream_backlog),
                    get_conflict_keys,
                )
            ) as outcome_stream:
                async for call_outcome in outcome_stream:
                    yield service_method(call_outcome).SerializeToString()
                    stream_backlog.remove_first()
        finally:
            stream_backlogs.discard(stream_backlog)
            stream_backlog.release_all()

    async def handle_stream(request_stream: AsyncIterator[bytes], rpc_context: RpcContext) -> None:
        await _run_stream(call_pipeline, generate_responses, method, request_stream, rpc_context)

    return grpc.stream_stream_rpc_method_handler(handle_stream)


def _build_stream_handler(call_pipeline: CallPipeline, method: MethodDescriptor, service_method: Any) -> Any:
    stream_operation = build_stream_operation(service_method, method)

    async def handle_stream(_request_stream: object, rpc_context: RpcContext) -> None:
        await _run_stream(
            call_pipeline,
            stream_operation,
            method,
            await _read_request(call_pipeline, method, rpc_context),
            rpc_context,
        )

    return grpc.stream_stream_rpc_method_handler(handle_stream)


async def _read_request(
    call_pipeline: CallPipeline, method: MethodDescriptor, rpc_context: RpcContext
) -> bytes | WmsError:
    """Return the request of a call, or the error of a request that did not arrive completely."""

    async def end_call(error: WmsError) -> None:
        call = call_pipeline.start_call(method, _get_metadata(rpc_context), rpc_context.time_remaining())
        record_completion(call, to_status(error), 0.0, is_untimed=True)
        await end_unread(rpc_context, error)

    try:
        return await call_pipeline.incoming_requests.read_request(rpc_context, end_call)
    except WmsError as error:
        return error.with_traceback(None)


async def end_unread(rpc_context: RpcContext, error: WmsError) -> None:
    """Abort a call whose request has not arrived completely. Raises the error by which gRPC aborts."""
    await abort_call(
        rpc_context, to_status(error), _build_correlation_metadata(parse_caller(_get_metadata(rpc_context)))
    )


async def _run_stream(
    call_pipeline: CallPipeline,
    stream_operation: StreamOperation,
    method: MethodDescriptor,
    request: Any,
    rpc_context: RpcContext,
) -> None:
    started_at = time.perf_counter()
    call = call_pipeline.start_call(
        method, _get_metadata(rpc_context), rpc_context.time_remaining(), rpc_context.peer()
    )
    correlation_metadata = _build_correlation_metadata(call.caller)
    stream_coroutine = (
        _raise_error(request)
        if isinstance(request, WmsError)
        else call_pipeline.run_stream(
            stream_operation, call, request, call_pipeline.outgoing_responses.create_sender(rpc_context)
        )
    )
    del request
    call_outcome = await await_outcome(
        _send_headers_and_run(rpc_context, correlation_metadata, stream_coroutine), call
    )
    record_completion(call, call_outcome, time.perf_counter() - started_at, is_untimed=True)
    if isinstance(call_outcome, Status):
        with call_pipeline.hold_stream_place():
            await abort_call(rpc_context, call_outcome, correlation_metadata)
    rpc_context.set_trailing_metadata(correlation_metadata)


async def _send_headers_and_run(
    rpc_context: RpcContext,
    correlation_metadata: tuple[tuple[str, str], ...],
    stream_coroutine: Coroutine[Any, Any, None],
) -> None:
    """Send the headers of a stream, then run it."""
    with closing(stream_coroutine):
        await send_with_timeout(rpc_context.send_initial_metadata, correlation_metadata)
        await stream_coroutine


async def await_outcome(pending_outcome: Awaitable[T], call: Call) -> T | Status:
    """Return the result of a call, or the status of its error; unexpected errors are logged under an id."""
    try:
        return await pending_outcome
    except WmsError as error:
        return to_status(error)
    except asyncio.CancelledError:
        record_cancellation(call)
        raise
    except grpc.aio.InternalError:
        # A write failed because the client is gone. gRPC cancels the call only later, or never.
        record_cancellation(call)
        raise asyncio.CancelledError from None
    except Exception:
        error_id = str(uuid.uuid4())
        _log.exception(
            "call_failed", rpc=call.rpc_name, error_id=error_id, correlation_id=call.caller.correlation_id
        )
        return build_internal_status(error_id)


async def _raise_error(error: WmsError) -> NoReturn:
    try:
        raise error
    finally:
        # See `pipeline._wait_for_result`.
        del error


def record_cancellation(call: Call) -> None:
    """Log and count a call whose client has disconnected, and end its span."""
    _log.info("call_cancelled", rpc=call.rpc_name, correlation_id=call.caller.correlation_id)
    end_call_span(call.span, grpc.StatusCode.CANCELLED)
    call.request_metrics.record_call(call.rpc_name, grpc.StatusCode.CANCELLED.name)


def record_completion(
    call: Call, call_outcome: object, duration_seconds: float, *, is_untimed: bool = False
) -> None:
    """Log and count a finished call and end its span; durations of `is_untimed` calls are not recorded."""
    code = _STATUS_CODES[call_outcome.code] if isinstance(call_outcome, Status) else grpc.StatusCode.OK
    end_call_span(call.span, code)
    call.request_metrics.record_call(call.rpc_name, code.name, None if is_untimed else duration_seconds)
    _log.debug(
        "call_finished",
        rpc=call.rpc_name,
        code=code.name,
        seconds=round(duration_seconds, 6),
        correlation_id=call.caller.correlation_id,
    )


def _build_correlation_metadata(caller: Caller) -> tuple[tuple[str, str], ...]:
    return ((CORRELATION_ID_HEADER, caller.correlation_id),)


def _get_metadata(rpc_context: RpcContext) -> CallMetadata:
    return rpc_context.invocation_metadata() or ()


async def abort_call(
    rpc_context: RpcContext, status: Status, metadata: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """Abort a call with a status and its details. Raises the error by which gRPC aborts."""
    trailing_metadata = (*metadata, ("grpc-status-details-bin", status.SerializeToString()))
    await rpc_context.abort(_STATUS_CODES[status.code], status.message, trailing_metadata)
    raise AssertionError("abort raises")


class _UnservedMethods(grpc.GenericRpcHandler):
    """Fallback handler, asked last: rejects unknown methods of the served packages with a clear error."""

    def __init__(self, package_names: frozenset[str]) -> None:
        self._package_names = package_names

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return a handler for a method of a served package; a stream handler suits unary clients, too."""
        service, _, method = str(handler_call_details.method).lstrip("/").partition("/")
        if service.rpartition(".")[0] not in self._package_names:
            return None
        status = to_status(NotServed(method=method))

        async def reject_call(_request_stream: Any, rpc_context: RpcContext) -> AsyncGenerator[bytes, None]:
            await abort_call(
                rpc_context, status, _build_correlation_metadata(parse_caller(_get_metadata(rpc_context)))
            )
            yield b""

        return grpc.stream_stream_rpc_method_handler(reject_call)
