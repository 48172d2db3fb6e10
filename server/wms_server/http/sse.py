"""Server-streaming calls over HTTP as server-sent events, each with one message as JSON.

The name of an event is that of the message's one field (`event`, `heartbeat`, `move`). If messages have
positions, the id of an event is its position, and a client that reconnects with `Last-Event-ID` continues
after it. An error before the first event is an ordinary error response; a later one is an event named
`status`.
"""

import asyncio
import time
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status
from starlette.types import Receive, Scope, Send

from wms_core.domain.errors import InvalidFields
from wms_core.runtime.background_tasks import background_task
from wms_server.calls.call import Call
from wms_server.calls.pipeline import CallPipeline, StreamOperation
from wms_server.grpc_api import await_outcome, record_completion
from wms_server.http.bindings import HttpBinding
from wms_server.http.json_encoding import encode_json, message_to_json, status_to_json
from wms_server.http.request import check_headers, get_headers, start_call
from wms_server.http.responses import error_response, get_caller_headers
from wms_server.http.transcoder import HttpRequestData, HttpTranscoder


class StreamEndpoint:
    """Handles the streams of one binding until an error ends them or the client disconnects."""

    def __init__(
        self,
        call_pipeline: CallPipeline,
        http_binding: HttpBinding,
        stream_operation: StreamOperation,
        http_transcoder: HttpTranscoder,
    ) -> None:
        self._call_pipeline = call_pipeline
        self._http_binding = http_binding
        self._stream_operation = stream_operation
        self._http_transcoder = http_transcoder
        self._message_class = GetMessageClass(http_binding.method_descriptor.output_type)

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, path_values: tuple[bytes, ...]
    ) -> None:
        """Handle one request."""
        started_at = time.perf_counter()
        headers = get_headers(scope)
        call = start_call(self._call_pipeline, self._http_binding, headers, scope)
        event_writer = _EventWriter(send, get_caller_headers(call.caller))
        http_request = HttpRequestData(path_values, scope["query_string"], None, headers)
        async with (
            background_task(_wait_for_disconnect(receive)) as disconnect_task,
            background_task(self._stream_events(call, http_request, event_writer)) as stream_task,
        ):
            await asyncio.wait({disconnect_task, stream_task}, return_when=asyncio.FIRST_COMPLETED)
            if not stream_task.done():
                # The cancelled call records its cancellation itself.
                return
            error_status = stream_task.result()
        record_completion(call, error_status, time.perf_counter() - started_at, is_untimed=True)
        if isinstance(error_status, Status) and not event_writer.is_started:
            await error_response(error_status, get_caller_headers(call.caller))(scope, receive, send)
        else:
            await event_writer.end_stream(error_status)

    async def _stream_events(
        self, call: Call, http_request: HttpRequestData, event_writer: "_EventWriter"
    ) -> Status | None:
        async def send_message(message_bytes: bytes) -> None:
            async with self._call_pipeline.outgoing_responses.hold_message(len(message_bytes)):
                await event_writer.send_event(self._message_class.FromString(message_bytes))

        async def serve_stream() -> None:
            check_headers(call, http_request.headers)
            request = (await self._http_transcoder.decode_request(http_request)).request_message
            try:
                await self._call_pipeline.run_stream(
                    self._stream_operation, call, request.SerializeToString(), send_message
                )
            except InvalidFields as error:
                raise self._http_transcoder.with_json_paths(error) from None

        return await await_outcome(serve_stream(), call)


class _EventWriter:
    """Writes the events of one response; sending blocks while the client does not read."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send_asgi = send
        self._response_headers = {
            **headers,
            "content-type": "text/event-stream",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
        }
        self.is_started = False

    async def send_event(self, message: Message) -> None:
        """Send a message as an event."""
        ((field_descriptor, event_message),) = message.ListFields()
        position = getattr(event_message, "position", None)
        await self._write_event(field_descriptor.name, message_to_json(message), position)

    async def end_stream(self, status: Status | None) -> None:
        """Send the error that ended the stream, if any, and end the response."""
        if status is not None:
            await self._write_event("status", status_to_json(status), None)
        await self._send_asgi({"type": "http.response.body", "body": b""})

    async def _write_event(self, name: str, event_json: Any, position: int | None) -> None:
        if not self.is_started:
            self.is_started = True
            headers = [
                (key.encode(), value.encode("latin-1")) for key, value in self._response_headers.items()
            ]
            await self._send_asgi({"type": "http.response.start", "status": 200, "headers": headers})
        id_line = b"" if position is None else b"id: %d\n" % position
        event = b"%sevent: %s\ndata: %s\n\n" % (id_line, name.encode(), encode_json(event_json))
        await self._send_asgi({"type": "http.response.body", "body": event, "more_body": True})


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
