"""A gRPC proxy that drops responses, breaks streams and delays calls, as a header of the call requests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Self

import grpc

from wms_dev.free_port import find_free_port

# The name of the fault, and a suffix that separates the counts of a case: `lose-2.<anything>`.
FAULT_HEADER = "x-wms-correlation-id"
_MESSAGE_SIZE_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_MAX_STREAM_BREAKS = 3


class FaultProxy(grpc.GenericRpcHandler):
    """Forwards calls to a server, as a context manager. The header of a call selects its fault.

    - `lose-N`: the server executes the call, and the response is lost, the first N times
    - `break-N`: the stream breaks after N messages, the first three times
    - `hang-0`: no response
    - `deadline-N`: rejected unless the call's deadline is about N seconds
    - `count-N.KEY`: rejected unless there were N calls with the header KEY
    - any other value: no fault
    """

    def __init__(self, server_target: str) -> None:
        self._server_target = server_target
        self._call_counts: Counter[str] = Counter()
        self.target = f"127.0.0.1:{find_free_port()}"

    async def __aenter__(self) -> Self:
        self._channel = grpc.aio.insecure_channel(self._server_target, options=_MESSAGE_SIZE_OPTIONS)
        self._server = grpc.aio.server(options=_MESSAGE_SIZE_OPTIONS)
        self._server.add_generic_rpc_handlers((self,))
        self._server.add_insecure_port(self.target)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(grace=None)
        await self._channel.close()

    def count_calls(self, header: str) -> int:
        """Return the number of calls with this header."""
        return self._call_counts[header]

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Handle every call as a stream of bytes in both directions, which is its form on the wire."""
        method = str(handler_call_details.method)

        async def handle(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            async for message in self._handle(method, requests, context):
                yield message

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _handle(
        self, method: str, requests: AsyncIterator[bytes], context: Any
    ) -> AsyncIterator[bytes]:
        header = next(
            (str(value) for name, value in context.invocation_metadata() if name == FAULT_HEADER), ""
        )
        mode, _, rest = header.partition("-")
        number, _, key = rest.partition(".")
        self._call_counts[header] += 1
        match mode:
            case "hang":
                await asyncio.sleep(3600)
            case "deadline":
                remaining_seconds = context.time_remaining() or 0.0
                await _abort_unless(
                    context, int(number) - 5 < remaining_seconds < int(number) + 1, remaining_seconds
                )
            case "count":
                await _abort_unless(context, self._call_counts[key] == int(number), self._call_counts[key])
        forward_method: Any = self._channel.stream_stream(method)
        call = forward_method(
            requests, timeout=context.time_remaining(), metadata=((FAULT_HEADER, header),) if header else ()
        )
        forwarded_messages = 0
        try:
            async for message in call:
                if mode == "lose" and self._call_counts[header] <= int(number):
                    await context.abort(
                        grpc.StatusCode.UNAVAILABLE, "The response was lost, as requested by the header"
                    )
                if (
                    mode == "break"
                    and forwarded_messages == int(number)
                    and self._call_counts[header] <= _MAX_STREAM_BREAKS
                ):
                    await context.abort(
                        grpc.StatusCode.UNAVAILABLE, "The stream broke, as requested by the header"
                    )
                yield message
                forwarded_messages += 1
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
        finally:
            call.cancel()


async def _abort_unless(context: Any, is_met: bool, actual: object) -> None:
    if not is_met:
        await context.abort(
            grpc.StatusCode.FAILED_PRECONDITION, f"The condition of the header is not met: {actual}"
        )
