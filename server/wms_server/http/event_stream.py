"""A stream over HTTP: server-sent events, each a message of the call as JSON.

The name of an event is that of the message's one field (`event`, `heartbeat`, `move`); where messages have
positions, the event's id is the position, and a client that comes back with `Last-Event-ID` goes on after it.
An error before the first event is an answer like any other; a later one is an event named `status`.
"""

import asyncio
import time
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status
from starlette.types import Receive, Scope, Send

from wms_core.domain.errors import InvalidFields
from wms_core.tasks import running
from wms_server.calls import Call
from wms_server.http.answers import caller_headers, failed
from wms_server.http.bindings import Binding
from wms_server.http.calling import begun, check_headers, headers_of
from wms_server.http.json_writing import status_json, to_bytes, to_json
from wms_server.http.transcoding import Asked, Transcoder
from wms_server.pipeline import Pipeline, StreamWork
from wms_server.rpc import outcome_of, tell


class StreamEndpoint:
    """Answers the calls of one binding with events until an error ends them or the client leaves."""

    def __init__(
        self, pipeline: Pipeline, binding: Binding, work: StreamWork, transcoder: Transcoder
    ) -> None:
        """Do this work for each call."""
        self._pipeline = pipeline
        self._binding = binding
        self._work = work
        self._transcoder = transcoder
        self._message = GetMessageClass(binding.call.output_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, values: tuple[bytes, ...]) -> None:
        """Answer one request."""
        started = time.perf_counter()
        headers = headers_of(scope)
        call = begun(self._pipeline, self._binding, headers, scope)
        out = _Events(send, caller_headers(call.caller))
        asked = Asked(values, scope["query_string"], None, headers)
        async with running(_gone(receive)) as gone, running(self._flow(call, asked, out)) as flow:
            await asyncio.wait({gone, flow}, return_when=asyncio.FIRST_COMPLETED)
            if not flow.done():
                # `outcome_of` tells that it was left.
                return
            outcome = flow.result()
        tell(call, outcome, time.perf_counter() - started, lasting=True)
        if isinstance(outcome, Status) and not out.begun:
            await failed(outcome, caller_headers(call.caller))(scope, receive, send)
        else:
            await out.end(outcome)

    async def _flow(self, call: Call, asked: Asked, out: "_Events") -> Status | None:
        async def told(raw: bytes) -> None:
            async with self._pipeline.outgoing.sending(len(raw)):
                await out.tell(self._message.FromString(raw))

        async def flow() -> None:
            check_headers(call, asked.headers)
            request = (await self._transcoder.read(asked)).message
            try:
                await self._pipeline.stream(self._work, call, request.SerializeToString(), told)
            except InvalidFields as error:
                raise self._transcoder.named(error) from None

        return await outcome_of(flow(), call)


class _Events:
    """The events of one answer; sending waits while the client does not read."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send = send
        self._headers = {
            **headers,
            "content-type": "text/event-stream",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
        }
        self.begun = False

    async def tell(self, message: Message) -> None:
        """Send a message as an event."""
        ((field, content),) = message.ListFields()
        position = getattr(content, "position", None)
        await self._write(field.name, to_json(message), position)

    async def end(self, status: Status | None) -> None:
        """Send the error that ends the events, if one does, and end them."""
        if status is not None:
            await self._write("status", status_json(status), None)
        await self._send({"type": "http.response.body", "body": b""})

    async def _write(self, name: str, data: Any, position: int | None) -> None:
        if not self.begun:
            self.begun = True
            headers = [(key.encode(), value.encode("latin-1")) for key, value in self._headers.items()]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        number = b"" if position is None else b"id: %d\n" % position
        event = b"%sevent: %s\ndata: %s\n\n" % (number, name.encode(), to_bytes(data))
        await self._send({"type": "http.response.body", "body": event, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
