"""One unary call over HTTP: the stages that a call passes over gRPC too, with JSON at both ends."""

import time
from collections.abc import Mapping
from typing import Any

from google.rpc.status_pb2 import Status
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from wms_core.domain.errors import FieldFault, InvalidFields
from wms_server.calls import Call
from wms_server.http.answers import answered, caller_headers, failed, not_modified
from wms_server.http.bindings import Binding
from wms_server.http.bodies import is_announced, read_json
from wms_server.http.calling import begun, check_headers, headers_of
from wms_server.http.conditions import IF_MATCH, expect_match, is_known
from wms_server.http.transcoding import Asked, Transcoder
from wms_server.pipeline import Pipeline, Work
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send, values: tuple[bytes, ...]) -> None:
        """Answer one request. A client that goes away before its request is whole has asked for nothing."""
        started = time.perf_counter()
        headers = headers_of(scope)
        call = begun(self._pipeline, self._binding, headers, scope)
        asked = Asked(values, scope["query_string"], None, headers)
        outcome = await outcome_of(self._answer(call, asked, receive), call)
        if outcome is None:
            left(call)
            return
        tell(call, outcome, time.perf_counter() - started)
        back = caller_headers(call.caller)
        if isinstance(outcome, Status):
            response = failed(outcome, back, conditional=IF_MATCH in headers)
        elif self._binding.reads and is_known(outcome, headers):
            response = not_modified(outcome["etag"], back)
        else:
            response = answered(outcome, 201 if self._binding.creates else 200, back)
        await response(scope, receive, send)

    async def _answer(self, call: Call, asked: Asked, receive: Receive) -> Any:
        """Give what the answer's JSON is made from; None when the client has gone."""
        check_headers(call, asked.headers)
        try:
            body = await self._body(asked.headers, receive)
        except ClientDisconnect:
            return None
        request = await self._transcoder.read(asked.with_body(body))
        call.expect_time()
        try:
            raw = await self._pipeline.run(self._work, call, request.message.SerializeToString())
        except InvalidFields as error:
            raise self._transcoder.named(error) from None
        answer = self._transcoder.answer(raw, request.refused)
        if self._binding.reads:
            expect_match(answer, asked.headers)
        return answer

    async def _body(self, headers: Mapping[str, str], receive: Receive) -> Any:
        if self._transcoder.takes_body:
            return await read_json(headers, receive, self._patience)
        if is_announced(headers):
            raise InvalidFields([FieldFault("body", "is not taken by this call", "body.none")])
        return None
