"""Listen addresses and listening sockets for gRPC and HTTP, in server and worker."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

_FAMILY_UNAVAILABLE_ERRNOS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_LISTEN_BACKLOG = 2048
_SocketAddress = tuple[int, Any]  # a family, and an address in the form of that family


class AddressError(ValueError):
    """The text is neither host:port nor :port."""


class PortInUse(Exception):
    """The address cannot be listened on."""

    def __init__(self, variable_name: str, address: str, reason: str = "") -> None:
        reason_suffix = f": {reason}" if reason else ""
        super().__init__(f"{variable_name}={address} is in use or cannot be listened on{reason_suffix}")


def parse_listen_address(text: str) -> str:
    """Return the address in gRPC's format: `:8001` means all interfaces. Raises AddressError."""
    host, host_separator, port = text.rpartition(":")
    if not (host_separator and port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise AddressError(f"{text!r} is not host:port or :port")
    return f"{host or '[::]'}:{port}"


def bind_port(add_port: Callable[[str], int], variable_name: str, address: str) -> None:
    """Bind an address by a function that returns its port, such as gRPC's. Raises AddressError, PortInUse."""
    try:
        port = add_port(parse_listen_address(address))
    except RuntimeError:
        port = 0
    if not port:
        raise PortInUse(variable_name, address)


@contextmanager
def open_listeners(
    variable_name: str, address: str, *, is_shared: bool = False
) -> Iterator[list[socket.socket]]:
    """Listen on all socket addresses of an address; close them at the end.

    If `is_shared`, other processes may listen there, too. Raises AddressError, PortInUse.
    """

    def open_listener(socket_address: _SocketAddress) -> socket.socket:
        listening_socket = _bind_socket(socket_address, is_shared=is_shared)
        listening_socket.listen(_LISTEN_BACKLOG)
        # Connections inherit it. asyncio sets it only for sockets with an explicit protocol; without it each
        # response on a kept connection waits 40 ms for the delayed ACK.
        listening_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening_socket

    with ExitStack() as exit_stack:
        yield _open_sockets(exit_stack, variable_name, address, open_listener)


@contextmanager
def reserve_port(variable_name: str, address: str) -> Iterator[None]:
    """Reserve an address for child processes, which share it by SO_REUSEPORT.

    The reserving sockets do not listen, so clients never connect to a process that does not answer. Meanwhile
    no other process can listen there, except one of the same user that sets SO_REUSEPORT without a check.
    Raises AddressError. Raises PortInUse also for a listening process that has set SO_REUSEPORT.
    """
    with ExitStack() as exit_stack:
        _open_sockets(exit_stack, variable_name, address, _reserve_address)
        yield


def _open_sockets(
    exit_stack: ExitStack,
    variable_name: str,
    address: str,
    open_socket: Callable[[_SocketAddress], socket.socket],
) -> list[socket.socket]:
    """Open a socket for each socket address; families that the machine lacks are skipped."""
    opened_sockets: list[socket.socket] = []
    last_error = OSError("no such address")
    for socket_address in _resolve_address(variable_name, address):
        try:
            opened_sockets.append(exit_stack.enter_context(open_socket(socket_address)))
        except OSError as error:
            if error.errno not in _FAMILY_UNAVAILABLE_ERRNOS:
                raise PortInUse(variable_name, address, error.strerror or str(error)) from None
            last_error = error
        else:
            if socket_address[1][0] == "::":
                # The socket accepts IPv4, too.
                break
    if not opened_sockets:
        raise PortInUse(variable_name, address, last_error.strerror or str(last_error))
    return opened_sockets


def _resolve_address(variable_name: str, address: str) -> list[_SocketAddress]:
    """Return the socket addresses of a host and port."""
    host, _, port = parse_listen_address(address).rpartition(":")
    if host == "[::]":
        any_ipv4: _SocketAddress = (socket.AF_INET, ("0.0.0.0", int(port)))  # noqa: S104 # requested by the operator
        return [(socket.AF_INET6, ("::", int(port))), any_ipv4] if socket.has_dualstack_ipv6() else [any_ipv4]
    try:
        resolved_addresses = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise PortInUse(variable_name, address, error.strerror or str(error)) from None
    return list(
        dict.fromkeys(
            (address_family, socket_address) for address_family, _, _, _, socket_address in resolved_addresses
        )
    )


def _reserve_address(socket_address: _SocketAddress) -> socket.socket:
    """Bind a socket address and check that no process listens there. Raises OSError."""
    reserving_socket, probe_socket = _bind_socket(socket_address, is_shared=True), None
    try:
        # Without SO_REUSEPORT, listening fails if another process listens there.
        probe_socket = _bind_socket(socket_address, is_shared=False)
        probe_socket.listen()
        # From now on the same check by another process fails, even before a child listens.
        reserving_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except BaseException:
        reserving_socket.close()
        raise
    finally:
        if probe_socket is not None:
            probe_socket.close()
    return reserving_socket


def _bind_socket(socket_address: _SocketAddress, *, is_shared: bool) -> socket.socket:
    address_family, address = socket_address
    bound_socket = socket.socket(address_family, socket.SOCK_STREAM)
    try:
        # Without SO_REUSEADDR, connections in TIME_WAIT would look like a listening process.
        bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if address_family == socket.AF_INET6:
            bound_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        bound_socket.bind(address)
    except BaseException:
        bound_socket.close()
        raise
    return bound_socket
