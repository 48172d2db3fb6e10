"""Streams: how many there may be and how each of them ends, whatever its client does."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from wms_core.domain.errors import ShuttingDown, TooManyStreams, WatcherTooSlow
from wms_core.tasks import running
from wms_server import streams
from wms_server.streams import Streams


class _Source:
    """Messages without end; knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def messages(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"news"
                await asyncio.sleep(0)
        finally:
            self.closed.set()


async def _never(_message: bytes) -> None:
    await asyncio.Event().wait()


async def _taken(_message: bytes) -> None:
    """Take a message at once."""


@pytest.mark.parametrize("send", [_never, _taken])
async def test_closing_ends_a_stream_whether_its_client_reads_or_not(send: streams.Send) -> None:
    """With ShuttingDown; what made the messages is closed, and a second time changes nothing."""
    open_streams, source = Streams(limit=1), _Source()
    task = asyncio.create_task(open_streams.run(source.messages(), send))
    await asyncio.sleep(0)
    assert open_streams.count == 1
    open_streams.close()
    open_streams.close()
    with pytest.raises(ShuttingDown):
        await task
    assert source.closed.is_set()
    assert open_streams.count == 0


async def test_a_stream_whose_status_is_not_sent_keeps_its_place() -> None:
    """Its client does not read it; until it leaves there is no room for another."""
    open_streams = Streams(limit=1)
    with open_streams.hold_place():
        assert open_streams.count == 1
        with pytest.raises(TooManyStreams):
            await open_streams.run(_Source().messages(), _taken)
    assert open_streams.count == 0


async def test_a_client_that_does_not_take_a_message_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream whose client does not read does not last for ever."""
    monkeypatch.setattr(streams, "SEND_PATIENCE", 0.01)
    open_streams, source = Streams(limit=1), _Source()
    with pytest.raises(WatcherTooSlow):
        await open_streams.run(source.messages(), _never)
    assert source.closed.is_set()
    assert open_streams.count == 0


async def test_a_stream_too_many_is_refused_until_another_one_ends() -> None:
    """Its messages are never asked for."""
    open_streams, source = Streams(limit=1), _Source()
    async with running(open_streams.run(source.messages(), _taken)):
        await asyncio.sleep(0)
        with pytest.raises(TooManyStreams):
            await open_streams.run(_Source().messages(), _taken)
    assert source.closed.is_set()
    assert open_streams.count == 0


async def test_what_breaks_while_messages_are_made_ends_the_stream_as_it_is() -> None:
    """A timeout of the method's own is not taken for ours."""

    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"news"
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await Streams(limit=1).run(broken(), _taken)


async def test_a_stream_that_has_nothing_more_to_say_ends() -> None:
    """All its messages were sent, in order."""

    async def three() -> AsyncGenerator[bytes, None]:
        for message in (b"1", b"2", b"3"):
            yield message

    sent: list[bytes] = []

    async def send(message: bytes) -> None:
        sent.append(message)

    await Streams(limit=1).run(three(), send)
    assert sent == [b"1", b"2", b"3"]
