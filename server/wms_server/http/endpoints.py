"""One unary call over HTTP: the stages that a call passes over gRPC too, with JSON at both ends."""

import time

from google.rpc.status_pb2 import Status
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from wms_core.domain.errors import FieldFault, InvalidFields
from wms_server.calls import Call
from wms_server.http.answers import answered, caller_headers, failed, not_modified
from wms_server.http.beside_loop import MAX_INLINE_RESPONSE_BYTES, beside_loop
from wms_server.http.bindings import Binding
from wms_server.http.bodies import read_body
from wms_server.http.calling import begun, check_headers, headers_of
from wms_server.http.conditions import IF_MATCH, expect_match, is_known
from wms_server.http.transcoding import Asked, Transcoded, Transcoder
from wms_server.memory_budget import RESPONSE_FACTOR, Reservation
from wms_server.pipeline import Pipeline, Work
from wms_server.request_limits import max_bytes
from wms_server.rpc import left, outcome_of, tell


class UnaryEndpoint:
    """Answers the calls of one binding; a request has `patience` seconds to arrive."""

    def __init__(
        self, pipeline: Pipeline, binding: Binding, work: Work, transcoder: Transcoder, patience: float
    ) -> None:
        """Do this work for each call."""
        self._pipeline = pipeline
        self._binding = binding
        self._work = work
        self._transcoder = transcoder
        self._patience = patience
        self._max_bytes = max_bytes(binding.call)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, values: tuple[bytes, ...]) -> None:
        """Answer one request. A client that goes away before its request is whole has asked for nothing."""
        started = time.perf_counter()
        headers = headers_of(scope)
        call = begun(self._pipeline, self._binding, headers, scope)
        asked = Asked(values, scope["query_string"], None, headers)
        with self._pipeline.memory.growing() as memory:
            outcome = await outcome_of(self._answer(call, asked, receive, memory), call)
            if outcome is None:
                left(call)
                return
            tell(call, outcome, time.perf_counter() - started)
            if isinstance(outcome, Status):
                response = failed(outcome, caller_headers(call.caller), conditional=IF_MATCH in headers)
            else:
                response = outcome
            await response(scope, receive, send)

    async def _answer(
        self, call: Call, asked: Asked, receive: Receive, memory: Reservation
    ) -> Response | None:
        """Give the answer; None when the client has gone."""
        check_headers(call, asked.headers)
        try:
            request = await self._request(asked, receive)
        except ClientDisconnect:
            return None
        call.expect_time()
        try:
            raw = await self._pipeline.run(self._work, call, request.message.SerializeToString())
        except InvalidFields as error:
            raise self._transcoder.named(error) from None
        memory.hold(RESPONSE_FACTOR * len(raw))

        def write() -> Response:
            answer, back = self._transcoder.answer(raw, request.refused), caller_headers(call.caller)
            if self._binding.reads:
                expect_match(answer, asked.headers)
                if is_known(answer, asked.headers):
                    return not_modified(answer["etag"], back)
            return answered(answer, 201 if self._binding.creates else 200, back)

        response = await beside_loop(write, len(raw), MAX_INLINE_RESPONSE_BYTES)
        # As JSON it is larger.
        memory.hold(RESPONSE_FACTOR * max(0, len(response.body) - len(raw)))
        return response

    async def _request(self, asked: Asked, receive: Receive) -> Transcoded:
        if not self._transcoder.takes_body:
            with self._pipeline.memory.growing() as memory:
                # A proxy may announce a body by its encoding and send none.
                if await read_body(asked.headers, receive, self._patience, self._max_bytes, memory):
                    raise InvalidFields([FieldFault("body", "is not taken by this call", "body.none")])
            return await self._transcoder.read(asked)
        with self._pipeline.memory.growing() as memory:
            body = await read_body(asked.headers, receive, self._patience, self._max_bytes, memory)
            return await self._transcoder.read(asked, body)
