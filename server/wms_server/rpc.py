"""From grpc.aio to the pipeline and back: handlers made from the descriptors of the contract's services."""

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status

from wms_core.domain.caller import Caller
from wms_core.domain.errors import NotServed, WmsError
from wms_server.calls import CORRELATION, Call, caller_from
from wms_server.errors import internal_status, status_of
from wms_server.pipeline import Metadata, Pipeline, StreamWork, Work, joined_work_of, stream_work_of, work_of
from wms_server.spans import end_span

T = TypeVar("T")
Context = Any  # grpc.aio.ServicerContext, whose stubs disagree with the library about metadata
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_log = structlog.get_logger("wms_server.calls")


def handlers(
    pipeline: Pipeline, services: Mapping[ServiceDescriptor, object]
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Give the handlers of services; an rpc without a method of that name answers UNIMPLEMENTED."""
    made = []
    for descriptor, service in services.items():
        methods = {
            method.name: _handler(pipeline, method, getattr(service, snake_case(method.name), None))
            for method in descriptor.methods
        }
        made.append(grpc.method_handlers_generic_handler(descriptor.full_name, methods))
    return tuple(made)


def snake_case(name: str) -> str:
    """Write an rpc's name in the way of Python: `CreateOrder` becomes `create_order`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _handler(pipeline: Pipeline, method: MethodDescriptor, served: Any) -> Any:
    if served is None:
        return _unserved(method)
    if method.server_streaming:
        return _streaming(pipeline, method, served)
    request_type = GetMessageClass(method.input_type)
    if getattr(served, "joins", False):
        work = joined_work_of(pipeline.joining(served), method, request_type)
    else:
        work = work_of(served, method, request_type)

    async def unary(request: bytes, context: Context) -> bytes:
        return await _answer(pipeline, work, method, request, context)

    return grpc.unary_unary_rpc_method_handler(unary)


def _streaming(pipeline: Pipeline, method: MethodDescriptor, served: Any) -> Any:
    work = stream_work_of(served, GetMessageClass(method.input_type))

    async def stream(request: bytes, context: Context) -> None:
        await _flow(pipeline, work, method, request, context)

    return grpc.unary_stream_rpc_method_handler(stream)


async def _answer(
    pipeline: Pipeline, work: Work, method: MethodDescriptor, request: bytes, context: Context
) -> bytes:
    started = time.perf_counter()
    call = pipeline.begin(method, _metadata(context), context.time_remaining())
    correlation = _correlation(call.caller)
    await context.send_initial_metadata(correlation)
    outcome = await _outcome(pipeline.run(work, call, request), call)
    _tell(call, outcome, time.perf_counter() - started)
    if isinstance(outcome, Status):
        return await _abort(context, outcome, correlation)
    context.set_trailing_metadata(correlation)
    return outcome


async def _flow(
    pipeline: Pipeline, work: StreamWork, method: MethodDescriptor, request: bytes, context: Context
) -> None:
    started = time.perf_counter()
    call = pipeline.begin(method, _metadata(context), context.time_remaining())
    correlation = _correlation(call.caller)
    await context.send_initial_metadata(correlation)
    outcome = await _outcome(pipeline.stream(work, call, request, context.write), call)
    _tell(call, outcome, time.perf_counter() - started)
    if isinstance(outcome, Status):
        # A message that the client has not read yet does not stand in the way of the status.
        await _abort(context, outcome, correlation)
    context.set_trailing_metadata(correlation)


async def _outcome(running: Awaitable[T], call: Call) -> T | Status:
    """Run a call; an error is a status here, and a fault of ours is in the log under an id."""
    try:
        return await running
    except WmsError as error:
        return status_of(error)
    except asyncio.CancelledError:
        _log.info("call_left", rpc=call.rpc, correlation_id=call.caller.correlation_id)
        end_span(call.span, grpc.StatusCode.CANCELLED)
        raise
    except Exception:
        error_id = str(uuid.uuid4())
        _log.exception(
            "call_broke", rpc=call.rpc, error_id=error_id, correlation_id=call.caller.correlation_id
        )
        return internal_status(error_id)


def _tell(call: Call, outcome: bytes | Status | None, seconds: float) -> None:
    code = _CODES[outcome.code] if isinstance(outcome, Status) else grpc.StatusCode.OK
    end_span(call.span, code)
    _log.debug(
        "call",
        rpc=call.rpc,
        code=code.name,
        seconds=round(seconds, 6),
        actor=call.caller.actor,
        correlation_id=call.caller.correlation_id,
    )


def _correlation(caller: Caller) -> tuple[tuple[str, str], ...]:
    return ((CORRELATION, caller.correlation_id),)


def _metadata(context: Context) -> Metadata:
    return context.invocation_metadata() or ()


async def _abort(context: Context, status: Status, metadata: tuple[tuple[str, str], ...]) -> bytes:
    trailer = (*metadata, ("grpc-status-details-bin", status.SerializeToString()))
    await context.abort(_CODES[status.code], status.message, trailer)
    raise AssertionError("abort raises")


def _unserved(method: MethodDescriptor) -> Any:
    status = status_of(NotServed(method=method.name))

    async def unary(_request: bytes, context: Context) -> bytes:
        return await _abort(context, status, _correlation(caller_from(_metadata(context))))

    async def stream(_requests: Any, context: Context) -> Any:
        await _abort(context, status, _correlation(caller_from(_metadata(context))))
        yield b""

    kinds: dict[tuple[bool, bool], Callable[[Any], Any]] = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    behaviour: Callable[..., Awaitable[bytes] | Any] = stream if method.server_streaming else unary
    return kinds[method.client_streaming, method.server_streaming](behaviour)
