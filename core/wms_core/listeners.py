"""Addresses to listen on, and the sockets that listen there: alike for gRPC and HTTP, server and worker."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

_UNAVAILABLE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_BACKLOG = 2048
_SocketAddress = tuple[int, Any]  # a family, and an address in the form of that family


class AddressError(ValueError):
    """Not host:port, nor :port."""


class PortInUse(Exception):
    """Nobody can listen on the address."""

    def __init__(self, variable: str, address: str, reason: str = "") -> None:
        why = f": {reason}" if reason else ""
        super().__init__(f"{variable}={address} is in use or can't be listened on{why}")


def listen_address(text: str) -> str:
    """Return the address as gRPC writes it: `:8001` means all interfaces. Raises AddressError."""
    host, colon, port = text.rpartition(":")
    if not (colon and port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise AddressError(f"{text!r} is not host:port or :port")
    return f"{host or '[::]'}:{port}"


def bind_port(add_port: Callable[[str], int], variable: str, address: str) -> None:
    """Bind an address by a function that returns its port, such as gRPC's.

    Raises AddressError, PortInUse.
    """
    try:
        port = add_port(listen_address(address))
    except RuntimeError:
        port = 0
    if not port:
        raise PortInUse(variable, address)


@contextmanager
def open_listeners(variable: str, address: str, *, shared: bool = False) -> Iterator[list[socket.socket]]:
    """Listen on every socket address that an address stands for; close them at the end.

    With `shared` other processes may listen there too. Raises AddressError, PortInUse.
    """

    def listen(place: _SocketAddress) -> socket.socket:
        listener = _bind(place, shared=shared)
        listener.listen(_BACKLOG)
        # Connections inherit it. asyncio sets it only for sockets with an explicit protocol; without it each
        # response on a kept connection waits 40 ms for the delayed ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener

    with ExitStack() as stack:
        yield _open_each(stack, variable, address, listen)


@contextmanager
def reserve_port(variable: str, address: str) -> Iterator[None]:
    """Reserve an address for child processes, which share it by SO_REUSEPORT.

    The reserving sockets do not listen, so no client connects to a process that does not answer. Nobody else
    can listen meanwhile, except a process of the same user that sets SO_REUSEPORT without looking first.
    Raises AddressError; PortInUse also when a process that listens there has set SO_REUSEPORT.
    """
    with ExitStack() as stack:
        _open_each(stack, variable, address, _reserve)
        yield


def _open_each(
    stack: ExitStack, variable: str, address: str, open_socket: Callable[[_SocketAddress], socket.socket]
) -> list[socket.socket]:
    """Open a socket for each socket address; those of a family that the machine has not are skipped."""
    sockets: list[socket.socket] = []
    refusal = OSError("no such address")
    for place in _resolve(variable, address):
        try:
            sockets.append(stack.enter_context(open_socket(place)))
        except OSError as error:
            if error.errno not in _UNAVAILABLE:
                raise PortInUse(variable, address, error.strerror or str(error)) from None
            refusal = error
        else:
            if place[1][0] == "::":
                # It stands for IPv4 too.
                break
    if not sockets:
        raise PortInUse(variable, address, refusal.strerror or str(refusal))
    return sockets


def _resolve(variable: str, address: str) -> list[_SocketAddress]:
    """Return the socket addresses that a host and port stand for."""
    host, _, port = listen_address(address).rpartition(":")
    if host == "[::]":
        any_ipv4: _SocketAddress = (socket.AF_INET, ("0.0.0.0", int(port)))  # noqa: S104 # the operator asked
        return [(socket.AF_INET6, ("::", int(port))), any_ipv4] if socket.has_dualstack_ipv6() else [any_ipv4]
    try:
        resolved = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise PortInUse(variable, address, error.strerror or str(error)) from None
    return list(dict.fromkeys((family, place) for family, _, _, _, place in resolved))


def _reserve(place: _SocketAddress) -> socket.socket:
    """Bind a socket address and make sure that nobody listens there. Raises OSError."""
    holder, probe = _bind(place, shared=True), None
    try:
        # A socket without SO_REUSEPORT can listen only where no other one listens.
        probe = _bind(place, shared=False)
        probe.listen()
        # From now on another process that looks in this way finds the holder, also before a child listens.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except BaseException:
        holder.close()
        raise
    finally:
        if probe is not None:
            probe.close()
    return holder


def _bind(place: _SocketAddress, *, shared: bool) -> socket.socket:
    family, address = place
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Without it, connections in TIME_WAIT would look like a process that listens.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound
