"""Handlers that are not made from the contract (health, channelz), with the bounds of those that are."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc

from wms_core.domain.errors import WmsError
from wms_server.incoming_requests import IncomingRequests
from wms_server.rpc import end_unread

#: As those of calls: requests that are read, that are read for longer than a moment, and that wait.
MAX_READING, MAX_SLOW, MAX_WAITING = 4, 2, 16


class GuardedServer:
    """Adds servicers to a server so that a bounded number of their requests is read at a time.

    Apart from those of calls: whoever looks after the server is answered all the same.
    """

    def __init__(self, server: grpc.aio.Server, timeout_seconds: float) -> None:
        """Give each request so many seconds to arrive."""
        self._server = server
        self._incoming = IncomingRequests(timeout_seconds, MAX_READING, MAX_SLOW, MAX_WAITING)

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Do as a server does."""
        self._server.add_generic_rpc_handlers([_Guarded(handler, self._incoming) for handler in handlers])

    def add_registered_method_handlers(self, _service: str, _handlers: Mapping[str, Any]) -> None:
        """Leave it at the generic handlers, which say the same."""


class _Guarded(grpc.GenericRpcHandler):
    def __init__(self, handler: grpc.GenericRpcHandler, incoming: IncomingRequests) -> None:
        self._handler = handler
        self._incoming = incoming

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        handler: Any = self._handler.service(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        behaviour = handler.unary_stream if handler.response_streaming else handler.unary_unary

        async def answer(_requests: object, context: Any) -> Any:
            try:
                request = await self._incoming.read(context, lambda error: end_unread(context, error))
            except WmsError as error:
                return await end_unread(context, error)
            return await behaviour(request, context)

        make: Any = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        return make(answer, handler.request_deserializer, handler.response_serializer)
