"""From grpc.aio to the pipeline and back: handlers made from the descriptors of the contract's services."""

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

from wms_core.application.ports import Database
from wms_core.domain.caller import Caller
from wms_core.domain.errors import NotServed, TooManyStreams, WmsError
from wms_server.calls import CORRELATION, Call, caller_from
from wms_server.errors import internal_status, status_of
from wms_server.ingesting import MAX_INGEST_STREAMS, Line, in_order
from wms_server.pipeline import (
    Metadata,
    Pipeline,
    StreamWork,
    Work,
    joined_work_of,
    stream_work_of,
    work_of,
)
from wms_server.request_decoding import RequestDecoder
from wms_server.spans import end_span
from wms_server.streams import send_in_time

T = TypeVar("T")
Context = Any  # grpc.aio.ServicerContext, whose stubs disagree with the library about metadata
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_log = structlog.get_logger("wms_server.calls")


def handlers(
    pipeline: Pipeline, services: Mapping[ServiceDescriptor, object]
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Give the handlers of services, and one that answers for all calls of their package without a method."""
    made: list[grpc.GenericRpcHandler] = []
    for descriptor, service in services.items():
        served = [method for method in descriptor.methods if hasattr(service, snake_case(method.name))]
        methods = {method.name: _handler(pipeline, method, service) for method in served}
        made.append(grpc.method_handlers_generic_handler(descriptor.full_name, methods))
    return (*made, _Unserved(frozenset(descriptor.file.package for descriptor in services)))


def snake_case(name: str) -> str:
    """Write an rpc's name in the way of Python: `CreateOrder` becomes `create_order`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _handler(pipeline: Pipeline, method: MethodDescriptor, service: object) -> Any:
    pipeline.requests.expect(method.name)
    served: Any = getattr(service, snake_case(method.name))
    if method.client_streaming:
        return _ingesting(pipeline, method, service, served)
    if method.server_streaming:
        return _streaming(pipeline, method, served)
    return _unary(pipeline, method, unary_work(pipeline, method, served))


def unary_work(pipeline: Pipeline, method: MethodDescriptor, served: Any) -> Work:
    """Give the work of an rpc with one request and one answer, as its method is marked."""
    if getattr(served, "joins", False):
        return joined_work_of(pipeline, served, method)
    return work_of(pipeline, served, method)


def _unary(pipeline: Pipeline, method: MethodDescriptor, work: Work) -> Any:
    async def unary(_requests: object, context: Context) -> bytes:
        request = await _request_of(pipeline, method, context)
        started = time.perf_counter()
        call = pipeline.begin(method, _metadata(context), context.time_remaining(), context.peer())
        # The id comes back at the end only: what is sent ahead is an operation of its own (docs/adr/0017).
        correlation = _correlation(call.caller)
        running = _refused(request) if isinstance(request, WmsError) else pipeline.run(work, call, request)
        # gRPC keeps the frame of a call that is aborted until the next collection.
        del request
        outcome = await outcome_of(running, call)
        tell(call, outcome, time.perf_counter() - started)
        if isinstance(outcome, Status):
            return await abort(context, outcome, correlation)
        context.set_trailing_metadata(correlation)
        pipeline.outgoing.hold(context, len(outcome))
        return outcome

    # On the wire it is the same; so we are asked before the request is whole.
    return grpc.stream_unary_rpc_method_handler(unary)


def _ingesting(pipeline: Pipeline, method: MethodDescriptor, service: object, served: Any) -> Any:
    """Each message of the stream brings a request of another rpc, and is done as a call of that."""
    element: MethodDescriptor = method.containing_service.methods_by_name[served.ingests]
    work = unary_work(pipeline, element, getattr(service, snake_case(element.name)))
    decoder = RequestDecoder(method)
    lines: set[Line] = set()

    async def begin(stream: Call, raw: bytes, line: Line) -> Awaitable[bytes | Status]:
        call = pipeline.element(element.name, stream)
        line.add(len(raw))
        try:
            request = decoder.accept(raw).request.SerializeToString()  # type: ignore[attr-defined]
        except WmsError as error:
            return outcome_of(_refused(error), call)
        return outcome_of(await pipeline.begin_when_there_is_room(work, call, request), call)

    def names(raw: bytes) -> Collection[str]:
        try:
            return served.names(decoder.decode(raw).request)  # type: ignore[no-any-return, attr-defined]
        except WmsError:
            return ()

    async def outcomes(
        _: Database, call: Call, requests: AsyncIterator[bytes]
    ) -> AsyncGenerator[bytes, None]:
        if len(lines) >= MAX_INGEST_STREAMS:
            raise TooManyStreams(limit=MAX_INGEST_STREAMS)
        line = Line(pipeline.memory)
        lines.add(line)
        try:
            async with aclosing(in_order(requests, lambda raw: begin(call, raw, line), names)) as found:
                async for outcome in found:
                    yield served(outcome).SerializeToString()
                    line.remove()
        finally:
            lines.discard(line)
            line.clear()

    async def stream(requests: AsyncIterator[bytes], context: Context) -> None:
        await _flow(pipeline, outcomes, method, requests, context)

    return grpc.stream_stream_rpc_method_handler(stream)


def _streaming(pipeline: Pipeline, method: MethodDescriptor, served: Any) -> Any:
    work = stream_work_of(served, method)

    async def stream(_requests: object, context: Context) -> None:
        await _flow(pipeline, work, method, await _request_of(pipeline, method, context), context)

    return grpc.stream_stream_rpc_method_handler(stream)


async def _request_of(pipeline: Pipeline, method: MethodDescriptor, context: Context) -> bytes | WmsError:
    """Return the request of a call, or the error with which it ends before it is whole."""

    async def end(error: WmsError) -> None:
        call = pipeline.begin(method, _metadata(context), context.time_remaining())
        tell(call, status_of(error), 0.0, lasting=True)
        await end_unread(context, error)

    try:
        return await pipeline.incoming.read(context, end)
    except WmsError as error:
        return error.with_traceback(None)


async def end_unread(context: Context, error: WmsError) -> None:
    """End a call whose request is not whole; raises what gRPC ends a call with."""
    await abort(context, status_of(error), _correlation(caller_from(_metadata(context))))


async def _flow(
    pipeline: Pipeline, work: StreamWork, method: MethodDescriptor, request: Any, context: Context
) -> None:
    started = time.perf_counter()
    call = pipeline.begin(method, _metadata(context), context.time_remaining(), context.peer())
    correlation = _correlation(call.caller)
    running = (
        _refused(request)
        if isinstance(request, WmsError)
        else pipeline.stream(work, call, request, pipeline.outgoing.sender(context))
    )
    del request
    outcome = await outcome_of(_begun(context, correlation, running), call)
    tell(call, outcome, time.perf_counter() - started, lasting=True)
    if isinstance(outcome, Status):
        with pipeline.hold_stream_place():
            await abort(context, outcome, correlation)
    context.set_trailing_metadata(correlation)


async def _begun(
    context: Context, correlation: tuple[tuple[str, str], ...], running: Coroutine[Any, Any, None]
) -> None:
    """Run a stream once its headers are sent."""
    with closing(running):
        await send_in_time(context.send_initial_metadata, correlation)
        await running


async def outcome_of(running: Awaitable[T], call: Call) -> T | Status:
    """Run a call; an error is a status here, and a fault of ours is in the log under an id."""
    try:
        return await running
    except WmsError as error:
        return status_of(error)
    except asyncio.CancelledError:
        left(call)
        raise
    except grpc.aio.InternalError:
        # A write failed because the caller is gone. gRPC cancels the call only later, or never.
        left(call)
        raise asyncio.CancelledError from None
    except Exception:
        error_id = str(uuid.uuid4())
        _log.exception(
            "call_broke", rpc=call.rpc, error_id=error_id, correlation_id=call.caller.correlation_id
        )
        return internal_status(error_id)


async def _refused(error: WmsError) -> NoReturn:
    try:
        raise error
    finally:
        # See `pipeline._finished`.
        del error


def left(call: Call) -> None:
    """Log and count a call whose caller has gone, and end its span."""
    _log.info("call_left", rpc=call.rpc, correlation_id=call.caller.correlation_id)
    end_span(call.span, grpc.StatusCode.CANCELLED)
    call.requests.ended(call.rpc, grpc.StatusCode.CANCELLED.name)


def tell(call: Call, outcome: object, seconds: float, *, lasting: bool = False) -> None:
    """Log and count a call that is over, and end its span; the time of a lasting one says nothing of us."""
    code = _CODES[outcome.code] if isinstance(outcome, Status) else grpc.StatusCode.OK
    end_span(call.span, code)
    call.requests.ended(call.rpc, code.name, None if lasting else seconds)
    _log.debug(
        "call",
        rpc=call.rpc,
        code=code.name,
        seconds=round(seconds, 6),
        correlation_id=call.caller.correlation_id,
    )


def _correlation(caller: Caller) -> tuple[tuple[str, str], ...]:
    return ((CORRELATION, caller.correlation_id),)


def _metadata(context: Context) -> Metadata:
    return context.invocation_metadata() or ()


async def abort(context: Context, status: Status, metadata: tuple[tuple[str, str], ...] = ()) -> bytes:
    """End a call with a status and its details; raises what gRPC ends a call with."""
    trailer = (*metadata, ("grpc-status-details-bin", status.SerializeToString()))
    await context.abort(_CODES[status.code], status.message, trailer)
    raise AssertionError("abort raises")


class _Unserved(grpc.GenericRpcHandler):
    """Tells the caller of a method that this server does not know what is wrong; asked after all others."""

    def __init__(self, packages: frozenset[str]) -> None:
        """Answer for services of these packages; those of others are not ours."""
        self._packages = packages

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Give what answers; a client that sends one message, or waits for one, is understood, too."""
        service, _, method = str(handler_call_details.method).lstrip("/").partition("/")
        if service.rpartition(".")[0] not in self._packages:
            return None
        status = status_of(NotServed(method=method))

        async def refuse(_requests: Any, context: Context) -> AsyncGenerator[bytes, None]:
            await abort(context, status, _correlation(caller_from(_metadata(context))))
            yield b""

        return grpc.stream_stream_rpc_method_handler(refuse)
