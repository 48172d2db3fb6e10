"""Interceptor of unary calls: it adds a request id and a deadline, and raises errors with reasons."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import Message

from wms_client.errors import OrdersError
from wms_client.policy import deadlines

REQUEST_ID = "request_id"


def with_request_id(request: Any) -> Any:
    """Return the request, or a copy with a new id if its field `request_id` is empty.

    It is a copy because the caller may use the message again for another request.
    """
    if not isinstance(request, Message):
        return request
    if REQUEST_ID not in request.DESCRIPTOR.fields_by_name or getattr(request, REQUEST_ID):
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    setattr(copy, REQUEST_ID, str(uuid4()))
    return copy


class Unary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc,unused-ignore]
    """Adds request id and deadline above gRPC's own retries, so that all attempts carry the same id.

    The deadline of the service config is set here because gRPC's core does not send it to the server.
    """

    def __init__(self) -> None:
        self._deadlines = deadlines()

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Make the call. Raises OrdersError."""
        if client_call_details.timeout is None:
            service, _, method = _name(client_call_details.method)[1:].partition("/")
            timeout = self._deadlines.get((service, method), self._deadlines.get((service, "")))
            client_call_details = grpc.aio.ClientCallDetails(
                client_call_details.method,
                timeout,
                client_call_details.metadata,
                client_call_details.credentials,
                client_call_details.wait_for_ready,
            )
        call = await continuation(client_call_details, with_request_id(request))
        try:
            await call
        except grpc.aio.AioRpcError as error:
            raise OrdersError(error) from None
        # A call can be awaited again, and has the metadata.
        return call


def _name(method: str | bytes) -> str:
    return method if isinstance(method, str) else method.decode()
