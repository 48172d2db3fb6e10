"""The door leads each connection by its first bytes, and lets nobody stay for ever."""

import asyncio
import uuid
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from wms_core.listeners import AddressError
from wms_dev.ports import free_port
from wms_worker import door
from wms_worker.door import PortTaken, open_door

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LARGE = b"x" * 3_000_000


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Give the port of a door to two servers, which say who they are and give back what they get."""
    number = free_port()
    grpc, http = (f"test-door-{uuid.uuid4()}" for _ in range(2))
    servers = [
        await asyncio.start_unix_server(echo(word), f"\0{name}")
        for word, name in ((b"G", grpc), (b"H", http))
    ]
    async with open_door(f"127.0.0.1:{number}", grpc, http):
        yield number
    for server in servers:
        server.close()


def echo(word: bytes) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
    """Give a server that says a word and then gives back what it gets."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(word)
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    return serve


async def talk(port: int, *parts: bytes) -> bytes:
    """Say the parts one after the other, end, and give all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(reader.read(-1))
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    writer.write_eof()
    try:
        return await asyncio.wait_for(answer, 10)
    finally:
        writer.close()


async def test_each_connection_gets_to_its_server_with_every_byte(port: int) -> None:
    """HTTP/2 with its preface goes to gRPC, all else to HTTP; nothing of either is lost."""
    assert await talk(port, PREFACE, LARGE) == b"G" + PREFACE + LARGE
    assert await talk(port, b"GET /metrics HTTP/1.1\r\n", LARGE) == b"HGET /metrics HTTP/1.1\r\n" + LARGE


async def test_first_bytes_may_come_one_by_one(port: int) -> None:
    """The door waits until it knows."""
    assert await talk(port, b"P", b"R", b"I", b" ", b"*") == b"GPRI *"
    assert await talk(port, b"P", b"U", b"T", b" ", b"/") == b"HPUT /"


async def test_who_says_nothing_is_shown_out(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection has to say what it is within a time, and an HTTP exchange has to end within another."""
    monkeypatch.setattr(door, "_FIRST_BYTES", 0.05)
    monkeypatch.setattr(door, "_HTTP", 0.1)
    for said, heard in ((b"", b""), (b"GE", b""), (b"GET /", b"HGET /")):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert await asyncio.wait_for(reader.read(-1), 5) == heard
        writer.close()


async def test_a_closed_door_ends_its_connections() -> None:
    """Whoever is still connected hears the end."""
    number = free_port()
    nowhere = "nobody"
    async with open_door(f"127.0.0.1:{number}", nowhere, nowhere):
        reader, writer = await asyncio.open_connection("127.0.0.1", number)
    assert await asyncio.wait_for(reader.read(-1), 5) == b""
    writer.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
async def test_an_address_that_is_taken_is_named(host: str) -> None:
    """However it is written."""
    nowhere = "nobody"
    address = f"{host}:{free_port()}"
    async with open_door(address, nowhere, nowhere):
        with pytest.raises(PortTaken, match=f"WORKER_ADDR={address} is taken"):
            async with open_door(address, nowhere, nowhere):
                pass


async def test_an_address_that_is_none_is_refused() -> None:
    """It says what an address looks like."""
    with pytest.raises(AddressError):
        async with open_door("worker", "nobody", "nobody"):
            pass
