"""Addresses to listen on."""

import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.requirements import skip_or_fail
from wms_core.listeners import (
    AddressError,
    PortInUse,
    bind_port,
    listen_address,
    open_listeners,
    reserve_port,
)
from wms_dev.ports import free_port


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8001", "[::]:8001"),
        ("127.0.0.1:8001", "127.0.0.1:8001"),
        ("[::1]:8001", "[::1]:8001"),
        ("orders.example:65535", "orders.example:65535"),
    ],
)
def test_an_address_is_host_and_port(text: str, address: str) -> None:
    """Without a host it is every interface, IPv4 and IPv6."""
    assert listen_address(text) == address


@pytest.mark.parametrize(
    "text", ["", ":", "8001", "localhost", "localhost:", ":0", ":65536", ":-1", ":٨", ":²"]
)
def test_anything_else_is_refused(text: str) -> None:
    """The error repeats the text, which is no secret, and says what is expected."""
    with pytest.raises(AddressError) as caught:
        listen_address(text)
    assert repr(text) in str(caught.value)
    assert "host:port" in str(caught.value)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """It gives an address with a port or says that it can't."""
    try:
        address = listen_address(text)
    except AddressError:
        return
    assert 0 < int(address.rpartition(":")[2]) < 65536


# Sockets


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("[::1]", ["::1"]),
        ("localhost", ["localhost"]),
        ("[::]", ["127.0.0.1", "::1"]),
        ("0.0.0.0", ["127.0.0.1"]),  # noqa: S104 # as an operator writes it
        ("", ["127.0.0.1", "::1"]),
    ],
)
@pytest.mark.parametrize("shared", [False, True])
def test_an_address_is_listened_on_however_it_is_written(host: str, reached: list[str], shared: bool) -> None:
    """Of IPv4 and of IPv6; by name; on all interfaces of both families."""
    _require_ipv6(host, *reached)
    port = free_port()
    with open_listeners("HTTP_ADDR", f"{host}:{port}", shared=shared):
        for name in reached:
            socket.create_connection((name, port), timeout=5).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((reached[0], port), timeout=5)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", ""])
@pytest.mark.parametrize("opened", [open_listeners, reserve_port])
def test_an_address_in_use_is_named(host: str, opened: Callable[..., AbstractContextManager[Any]]) -> None:
    """With the variable that asks for it."""
    _require_ipv6(host)
    address = f"{host}:{free_port()}"
    with (
        open_listeners("WORKER_ADDR", address),
        pytest.raises(PortInUse, match=re.escape(f"HTTP_ADDR={address} is in use")),
        opened("HTTP_ADDR", address),
    ):
        pass


def test_a_name_that_nobody_knows_is_named() -> None:
    """With the reason."""
    with (
        pytest.raises(PortInUse, match=r"HTTP_ADDR=no\.such\.invalid:8080"),
        open_listeners("HTTP_ADDR", "no.such.invalid:8080"),
    ):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", ""])
async def test_grpc_is_bound_alike(host: str) -> None:
    """And says alike that an address is in use."""
    _require_ipv6(host)
    address = f"{host}:{free_port()}"
    servers = [grpc.aio.server(options=(("grpc.so_reuseport", 0),)) for _ in range(2)]
    bind_port(servers[0].add_insecure_port, "SERVER_ADDR", address)
    await servers[0].start()
    with pytest.raises(PortInUse, match=re.escape(f"SERVER_ADDR={address} is in use")):
        bind_port(servers[1].add_insecure_port, "SERVER_ADDR", address)
    await servers[0].stop(None)


def _require_ipv6(*hosts: str) -> None:
    """Skip the test where it needs IPv6 and the machine has none."""
    if not any(":" in host for host in hosts):
        return
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        skip_or_fail("this machine has no IPv6")
