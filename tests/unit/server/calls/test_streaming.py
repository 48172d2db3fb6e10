"""Streams: their limit, and their end for any behavior of the client."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from wms_core.domain.errors import ShuttingDown, TooManyStreams, WatcherTooSlow
from wms_core.runtime.background_tasks import background_task
from wms_server.calls import streaming
from wms_server.calls.streaming import OpenStreams


class _Source:
    """An endless source of messages that records whether it was closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def messages(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"message"
                await asyncio.sleep(0)
        finally:
            self.closed.set()


async def _never_sent(_message: bytes) -> None:
    await asyncio.Event().wait()


async def _sent_at_once(_message: bytes) -> None:
    """Accept a message at once."""


@pytest.mark.parametrize("send", [_never_sent, _sent_at_once])
async def test_close_ends_every_stream(send: streaming.SendBytes) -> None:
    """The error is ShuttingDown, also if the client does not read.

    The source is closed. A second close does nothing.
    """
    open_streams, source = OpenStreams(limit=1), _Source()
    task = asyncio.create_task(open_streams.run_stream(source.messages(), send))
    await asyncio.sleep(0)
    assert open_streams.count == 1
    open_streams.close()
    open_streams.close()
    with pytest.raises(ShuttingDown):
        await task
    assert source.closed.is_set()
    assert open_streams.count == 0


async def test_stream_counts_until_its_status_is_sent() -> None:
    """A client that does not read its status occupies a place until it disconnects."""
    open_streams = OpenStreams(limit=1)
    with open_streams.hold_place():
        assert open_streams.count == 1
        with pytest.raises(TooManyStreams):
            await open_streams.run_stream(_Source().messages(), _sent_at_once)
    assert open_streams.count == 0


async def test_client_that_does_not_read_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stream ends after the timeout."""
    monkeypatch.setattr(streaming, "SEND_TIMEOUT_SECONDS", 0.01)
    open_streams, source = OpenStreams(limit=1), _Source()
    with pytest.raises(WatcherTooSlow):
        await open_streams.run_stream(source.messages(), _never_sent)
    assert source.closed.is_set()
    assert open_streams.count == 0


async def test_stream_above_the_limit_is_rejected() -> None:
    """Its source is never read."""
    open_streams, source = OpenStreams(limit=1), _Source()
    async with background_task(open_streams.run_stream(source.messages(), _sent_at_once)):
        await asyncio.sleep(0)
        with pytest.raises(TooManyStreams):
            await open_streams.run_stream(_Source().messages(), _sent_at_once)
    assert source.closed.is_set()
    assert open_streams.count == 0


async def test_error_of_the_source_is_raised_unchanged() -> None:
    """A timeout of the source is not confused with the send timeout."""

    async def fail() -> AsyncGenerator[bytes, None]:
        yield b"message"
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await OpenStreams(limit=1).run_stream(fail(), _sent_at_once)


async def test_stream_ends_after_its_last_message() -> None:
    """All messages were sent in order."""

    async def produce_three() -> AsyncGenerator[bytes, None]:
        for message in (b"1", b"2", b"3"):
            yield message

    sent: list[bytes] = []

    async def send(message: bytes) -> None:
        sent.append(message)

    await OpenStreams(limit=1).run_stream(produce_three(), send)
    assert sent == [b"1", b"2", b"3"]
