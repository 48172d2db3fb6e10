"""Unary calls over HTTP: the same pipeline as over gRPC, with JSON for request and response."""

import time

from google.rpc.status_pb2 import Status
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from wms_core.domain.errors import FieldError, InvalidFields
from wms_server.calls.call import Call
from wms_server.calls.pipeline import CallPipeline, UnaryOperation
from wms_server.grpc_api import await_outcome, record_cancellation, record_completion
from wms_server.http.beside_loop import MAX_INLINE_RESPONSE_BYTES, run_off_event_loop
from wms_server.http.bindings import HttpBinding
from wms_server.http.conditional_requests import IF_MATCH, check_if_match, is_not_modified
from wms_server.http.request import check_headers, get_headers, read_body, start_call
from wms_server.http.responses import error_response, get_caller_headers, json_response, not_modified_response
from wms_server.http.transcoder import HttpRequestData, HttpTranscoder, TranscodedRequest
from wms_server.limits.memory_budget import RESPONSE_FACTOR, ByteReservation
from wms_server.limits.request_limits import get_max_bytes


class UnaryEndpoint:
    """Handles the calls of one binding; a request has `request_timeout_seconds` to arrive."""

    def __init__(
        self,
        call_pipeline: CallPipeline,
        http_binding: HttpBinding,
        unary_operation: UnaryOperation,
        http_transcoder: HttpTranscoder,
        request_timeout_seconds: float,
    ) -> None:
        self._call_pipeline = call_pipeline
        self._http_binding = http_binding
        self._unary_operation = unary_operation
        self._http_transcoder = http_transcoder
        self._request_timeout_seconds = request_timeout_seconds
        self._max_request_bytes = get_max_bytes(http_binding.method_descriptor)

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, path_values: tuple[bytes, ...]
    ) -> None:
        """Handle one request. If the client disconnects before its request is complete, no call is made."""
        started_at = time.perf_counter()
        headers = get_headers(scope)
        call = start_call(self._call_pipeline, self._http_binding, headers, scope)
        http_request = HttpRequestData(path_values, scope["query_string"], None, headers)
        with self._call_pipeline.memory_budget.open_reservation() as memory_reservation:
            response_or_status = await await_outcome(
                self._build_response(call, http_request, receive, memory_reservation), call
            )
            if response_or_status is None:
                record_cancellation(call)
                return
            record_completion(call, response_or_status, time.perf_counter() - started_at)
            if isinstance(response_or_status, Status):
                response = error_response(
                    response_or_status, get_caller_headers(call.caller), is_conditional=IF_MATCH in headers
                )
            else:
                response = response_or_status
            await response(scope, receive, send)

    async def _build_response(
        self, call: Call, http_request: HttpRequestData, receive: Receive, memory_reservation: ByteReservation
    ) -> Response | None:
        """Return the response, or None when the client has disconnected."""
        check_headers(call, http_request.headers)
        try:
            transcoded_request = await self._read_request(http_request, receive)
        except ClientDisconnect:
            return None
        call.raise_if_expired()
        try:
            response_bytes = await self._call_pipeline.run_call(
                self._unary_operation, call, transcoded_request.request_message.SerializeToString()
            )
        except InvalidFields as error:
            raise self._http_transcoder.with_json_paths(error) from None
        memory_reservation.hold_bytes(RESPONSE_FACTOR * len(response_bytes))

        def build_response() -> Response:
            response_json, response_headers = (
                self._http_transcoder.encode_response(response_bytes, transcoded_request.errors_by_element),
                get_caller_headers(call.caller),
            )
            if self._http_binding.is_read_only:
                check_if_match(response_json, http_request.headers)
                if is_not_modified(response_json, http_request.headers):
                    return not_modified_response(response_json["etag"], response_headers)
            return json_response(
                response_json, 201 if self._http_binding.is_creation else 200, response_headers
            )

        response = await run_off_event_loop(build_response, len(response_bytes), MAX_INLINE_RESPONSE_BYTES)
        # The JSON is larger than the message.
        memory_reservation.hold_bytes(RESPONSE_FACTOR * max(0, len(response.body) - len(response_bytes)))
        return response

    async def _read_request(self, http_request: HttpRequestData, receive: Receive) -> TranscodedRequest:
        if not self._http_transcoder.is_body_allowed:
            with self._call_pipeline.memory_budget.open_reservation() as memory_reservation:
                # A proxy may announce a body by Transfer-Encoding and send an empty one.
                if await self._read_body(http_request, receive, memory_reservation):
                    raise InvalidFields([FieldError("body", "is not accepted by this call", "body.none")])
            return await self._http_transcoder.decode_request(http_request)
        with self._call_pipeline.memory_budget.open_reservation() as memory_reservation:
            body_bytes = await self._read_body(http_request, receive, memory_reservation)
            return await self._http_transcoder.decode_request(http_request, body_bytes)

    async def _read_body(
        self, http_request: HttpRequestData, receive: Receive, memory_reservation: ByteReservation
    ) -> bytes | None:
        return await read_body(
            http_request.headers,
            receive,
            self._request_timeout_seconds,
            self._max_request_bytes,
            memory_reservation,
        )
