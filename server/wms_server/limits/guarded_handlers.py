"""Handlers that are not built from the contract (health, channelz), with the same limits for requests."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc

from wms_core.domain.errors import WmsError
from wms_server.grpc_api import end_unread
from wms_server.limits.incoming_requests import IncomingRequests

#: Limits of requests like those of calls: being read, being read slowly, and waiting.
MAX_READING, MAX_SLOW, MAX_WAITING = 4, 2, 16


class GuardedServer:
    """Adds servicers to a server with a limited number of requests that are read concurrently.

    These limits are separate from those of calls, so probes are served when calls reach theirs.
    """

    def __init__(self, server: grpc.aio.Server, timeout_seconds: float) -> None:
        self._server = server
        self._incoming_requests = IncomingRequests(timeout_seconds, MAX_READING, MAX_SLOW, MAX_WAITING)

    def add_generic_rpc_handlers(self, generic_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Add handlers to the server, with limits."""
        self._server.add_generic_rpc_handlers(
            [
                _GuardedHandler(generic_handler, self._incoming_requests)
                for generic_handler in generic_handlers
            ]
        )

    def add_registered_method_handlers(self, _service: str, _method_handlers: Mapping[str, Any]) -> None:
        """Ignore registered methods: the generic handlers contain them, too."""


class _GuardedHandler(grpc.GenericRpcHandler):
    def __init__(self, generic_handler: grpc.GenericRpcHandler, incoming_requests: IncomingRequests) -> None:
        self._generic_handler = generic_handler
        self._incoming_requests = incoming_requests

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        rpc_handler: Any = self._generic_handler.service(handler_call_details)
        if rpc_handler is None or rpc_handler.request_streaming:
            return rpc_handler
        handle_request = (
            rpc_handler.unary_stream if rpc_handler.response_streaming else rpc_handler.unary_unary
        )

        async def answer_call(_request_stream: object, rpc_context: Any) -> Any:
            try:
                request = await self._incoming_requests.read_request(
                    rpc_context, lambda error: end_unread(rpc_context, error)
                )
            except WmsError as error:
                return await end_unread(rpc_context, error)
            return await handle_request(request, rpc_context)

        make_handler: Any = (
            grpc.stream_stream_rpc_method_handler
            if rpc_handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        return make_handler(answer_call, rpc_handler.request_deserializer, rpc_handler.response_serializer)
