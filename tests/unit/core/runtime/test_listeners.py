"""Listen addresses."""

import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pytest_plugins.requirements import skip_or_fail

from wms_core.runtime.listeners import (
    AddressError,
    PortInUse,
    bind_port,
    open_listeners,
    parse_listen_address,
    reserve_port,
)
from wms_dev.free_port import find_free_port


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8001", "[::]:8001"),
        ("127.0.0.1:8001", "127.0.0.1:8001"),
        ("[::1]:8001", "[::1]:8001"),
        ("orders.example:65535", "orders.example:65535"),
    ],
)
def test_address_has_a_host_and_a_port(text: str, address: str) -> None:
    """Without a host, the address is every interface of IPv4 and IPv6."""
    assert parse_listen_address(text) == address


@pytest.mark.parametrize(
    "text", ["", ":", "8001", "localhost", "localhost:", ":0", ":65536", ":-1", ":٨", ":²"]
)
def test_invalid_address_is_rejected(text: str) -> None:
    """The error repeats the text, which is no secret, and has the expected form."""
    with pytest.raises(AddressError) as caught:
        parse_listen_address(text)
    assert repr(text) in str(caught.value)
    assert "host:port" in str(caught.value)


@given(st.text())
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    """The parser returns an address with a port or raises the documented error."""
    try:
        address = parse_listen_address(text)
    except AddressError:
        return
    assert 0 < int(address.rpartition(":")[2]) < 65536


# Sockets


@pytest.mark.parametrize(
    ("host", "reachable_hosts"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("[::1]", ["::1"]),
        ("localhost", ["localhost"]),
        ("[::]", ["127.0.0.1", "::1"]),
        ("0.0.0.0", ["127.0.0.1"]),  # noqa: S104 # as an operator writes it
        ("", ["127.0.0.1", "::1"]),
    ],
)
@pytest.mark.parametrize("is_shared", [False, True])
def test_every_form_of_an_address_is_reachable(
    host: str, reachable_hosts: list[str], is_shared: bool
) -> None:
    """The forms are IPv4, IPv6, names, and all interfaces of both families."""
    _require_ipv6(host, *reachable_hosts)
    port = find_free_port()
    with open_listeners("HTTP_ADDR", f"{host}:{port}", is_shared=is_shared):
        for name in reachable_hosts:
            socket.create_connection((name, port), timeout=5).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((reachable_hosts[0], port), timeout=5)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", ""])
@pytest.mark.parametrize("open_address", [open_listeners, reserve_port])
def test_address_in_use_is_reported(
    host: str, open_address: Callable[..., AbstractContextManager[Any]]
) -> None:
    """The error names the variable of the address."""
    _require_ipv6(host)
    address = f"{host}:{find_free_port()}"
    with (
        open_listeners("WORKER_ADDR", address),
        pytest.raises(PortInUse, match=re.escape(f"HTTP_ADDR={address} is in use")),
        open_address("HTTP_ADDR", address),
    ):
        pass


def test_unknown_host_name_is_reported() -> None:
    """The error has the reason."""
    with (
        pytest.raises(PortInUse, match=r"HTTP_ADDR=no\.such\.invalid:8080"),
        open_listeners("HTTP_ADDR", "no.such.invalid:8080"),
    ):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", ""])
async def test_grpc_port_in_use_is_reported(host: str) -> None:
    """The error has the same form as for HTTP."""
    _require_ipv6(host)
    address = f"{host}:{find_free_port()}"
    servers = [grpc.aio.server(options=(("grpc.so_reuseport", 0),)) for _ in range(2)]
    bind_port(servers[0].add_insecure_port, "SERVER_ADDR", address)
    await servers[0].start()
    with pytest.raises(PortInUse, match=re.escape(f"SERVER_ADDR={address} is in use")):
        bind_port(servers[1].add_insecure_port, "SERVER_ADDR", address)
    await servers[0].stop(None)


def _require_ipv6(*hosts: str) -> None:
    """Skip the test if it needs IPv6 and the machine has none."""
    if not any(":" in host for host in hosts):
        return
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        skip_or_fail("this machine has no IPv6")
