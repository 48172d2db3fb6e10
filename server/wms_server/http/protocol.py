"""HTTP on one connection: uvicorn's, with bounds on how slowly a client may write and read, and on headers.

uvicorn itself waits for ever for the end of the headers, keeps as many as come, and keeps an answer that its
client does not read. Its own bound of connections would refuse probes, too.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wms_core.domain.errors import MalformedMessage, MessageTooLarge, WmsError
from wms_server.errors import status_of
from wms_server.http.crowding import PATIENCE, RESERVE, crowded_out
from wms_server.http.json_writing import status_json, to_bytes
from wms_server.http.refusals import RequestTooSlow

HEAD_LIMIT = 64 * 1024  # bytes of the request line and the headers


class BoundedProtocol(HttpToolsProtocol):
    """Answers 408 to headers that are not whole in time, 431 to too many of them, 400 to what is no HTTP.

    Beyond `most` connections it answers probes and refuses calls, quickly; beyond `RESERVE` more it closes.
    """

    def __init__(self, *arguments: Any, patience: float, most: int, **named: Any) -> None:
        """Bear with a client for so many seconds, from connection or first byte to last header."""
        super().__init__(*arguments, **named)
        self.patience = patience
        self._most = most
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        beyond = len(self.connections) - self._most
        if beyond > RESERVE:
            transport.abort()
            return
        if beyond > 0:
            self.patience = min(self.patience, PATIENCE)
            self.app = crowded_out(self.app, self._most, self.patience)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._disarm()
        if self._reading is not None:
            self._reading.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what comes, while it is not too much."""
        if self._timer is not None:
            self._head += len(data)
            # What came before this was no whole head; in this there may be a part of the body.
            if self._head > HEAD_LIMIT + len(data):
                self._refuse(431, "Request Header Fields Too Large", MessageTooLarge(limit=HEAD_LIMIT))
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        if self._timer is None:
            self._arm()

    def on_headers_complete(self) -> None:
        """Hand the request over."""
        self._disarm()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Begin to watch a client that reads more slowly than it is answered."""
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Watch it no longer."""
        if self._reading is not None:
            self._reading.cancel()
        super().resume_writing()

    def _watch(self, waiting: int) -> None:
        self._reading = self.loop.call_later(self.patience, self._check, waiting)

    def _check(self, before: int) -> None:
        """Cut a client off that has read nothing at all for so long."""
        waiting = self.transport.get_write_buffer_size()
        if waiting < before:
            self._watch(waiting)
        else:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 # uvicorn's words
        """Answer what is no HTTP."""
        self._refuse(400, "Bad Request", MalformedMessage())

    def _arm(self) -> None:
        self._head = 0
        self._timer = self.loop.call_later(self.patience, self._give_up)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._head and (self.cycle is None or self.cycle.response_complete):
            self._refuse(408, "Request Timeout", RequestTooSlow(seconds=f"{self.patience:g}"))
        else:
            self.transport.close()

    def _refuse(self, code: int, phrase: str, error: WmsError) -> None:
        self._disarm()
        body = to_bytes(status_json(status_of(error)))
        head = (
            f"HTTP/1.1 {code} {phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
