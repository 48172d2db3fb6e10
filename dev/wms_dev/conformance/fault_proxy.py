"""A gRPC proxy that loses answers, breaks streams and keeps callers waiting, as a call asks it to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Self

import grpc

from wms_dev.ports import free_port

#: Says what is to happen to a call, and makes what is counted its own: `lose-2.<anything>`.
HEADER = "x-wms-correlation-id"
_LIMITS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_BREAKS = 3


class FaultProxy(grpc.GenericRpcHandler):
    """Passes calls on to a server, while entered; what it does to a call is in the header.

    - `lose-N`: the server does the call, and the answer is lost, the first N times;
    - `break-N`: the stream breaks after N messages, the first three times;
    - `hang-0`: no answer ever;
    - `deadline-N`: refused unless the caller waits N seconds, give or take a little;
    - `count-N.KEY`: refused unless the calls with the header KEY were N;
    - anything else: nothing.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._seen: Counter[str] = Counter()
        self.target = f"127.0.0.1:{free_port()}"

    async def __aenter__(self) -> Self:
        self._channel = grpc.aio.insecure_channel(self._target, options=_LIMITS)
        self._server = grpc.aio.server(options=_LIMITS)
        self._server.add_generic_rpc_handlers((self,))
        self._server.add_insecure_port(self.target)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(grace=None)
        await self._channel.close()

    def seen(self, header: str) -> int:
        """How many calls came with this header."""
        return self._seen[header]

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Take every call as a stream of bytes both ways, which on the wire all of them are."""
        method = str(handler_call_details.method)

        async def handle(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            async for message in self._handle(method, requests, context):
                yield message

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _handle(
        self, method: str, requests: AsyncIterator[bytes], context: Any
    ) -> AsyncIterator[bytes]:
        header = next((str(value) for name, value in context.invocation_metadata() if name == HEADER), "")
        mode, _, rest = header.partition("-")
        number, _, key = rest.partition(".")
        self._seen[header] += 1
        match mode:
            case "hang":
                await asyncio.sleep(3600)
            case "deadline":
                left = context.time_remaining() or 0.0
                await _require(context, int(number) - 5 < left < int(number) + 1, left)
            case "count":
                await _require(context, self._seen[key] == int(number), self._seen[key])
        passing: Any = self._channel.stream_stream(method)
        call = passing(
            requests, timeout=context.time_remaining(), metadata=((HEADER, header),) if header else ()
        )
        passed = 0
        try:
            async for message in call:
                if mode == "lose" and self._seen[header] <= int(number):
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "The answer was lost, as was asked for")
                if mode == "break" and passed == int(number) and self._seen[header] <= _BREAKS:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "The stream broke, as was asked for")
                yield message
                passed += 1
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
        finally:
            call.cancel()


async def _require(context: Any, held: bool, found: object) -> None:
    if not held:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"Not what the header asks for: {found}")
