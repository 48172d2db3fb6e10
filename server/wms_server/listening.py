"""The ports of the server: held for its processes, and refused when somebody else listens there."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from wms_core.addresses import listen_address

_UNAVAILABLE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_Place = tuple[int, Any]  # a family, and an address in its form


class PortTaken(Exception):
    """The address can't be listened on."""

    def __init__(self, variable: str, address: str, reason: str = "") -> None:
        why = f": {reason}" if reason else ""
        super().__init__(f"{variable}={address} is taken or can't be listened on{why}")


@contextmanager
def held(variable: str, address: str) -> Iterator[None]:
    """Hold an address for the processes of this server; they share it by SO_REUSEPORT.

    Nothing is listened on here, so nobody is connected to a process that does not answer. Nobody else can
    listen meanwhile, except a process of the same user that asks for SO_REUSEPORT without looking first.
    Raises AddressError; PortTaken also when whoever listens there already has set SO_REUSEPORT.
    """
    with ExitStack() as stack:
        held_any, refusal = False, OSError("no such address")
        for place in _places(variable, address):
            try:
                stack.enter_context(_held(place))
                held_any = True
            except OSError as error:
                if error.errno not in _UNAVAILABLE:
                    raise PortTaken(variable, address, error.strerror or str(error)) from None
                refusal = error
        if not held_any:
            raise PortTaken(variable, address, refusal.strerror or str(refusal))
        yield


def _places(variable: str, address: str) -> list[_Place]:
    """Give all places that a host and port stand for."""
    host, _, port = listen_address(address).rpartition(":")
    if host == "[::]":
        return [everywhere(int(port))]
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise PortTaken(variable, address, error.strerror or str(error)) from None
    return [(family, place) for family, _, _, _, place in found]


def everywhere(port: int) -> _Place:
    """Give the place that stands for all interfaces, of IPv4 only where the machine has no other."""
    if socket.has_dualstack_ipv6():
        return socket.AF_INET6, ("::", port)
    return socket.AF_INET, ("0.0.0.0", port)  # noqa: S104 # what the operator asked for


def _held(place: _Place) -> socket.socket:
    """Bind a place and make sure that nobody listens there. Raises OSError."""
    holder, probe = _bound(place, shared=True), None
    try:
        # Who listens without SO_REUSEPORT can do so only where nobody else listens.
        probe = _bound(place, shared=False)
        probe.listen()
        # From now on another one that looks in this way finds the holder, also before any process listens.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except BaseException:
        holder.close()
        raise
    finally:
        if probe is not None:
            probe.close()
    return holder


def _bound(place: _Place, *, shared: bool) -> socket.socket:
    family, where = place
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Or the remains of old connections would look like somebody who listens.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(where[0] != "::"))
        made.bind(where)
    except BaseException:
        made.close()
        raise
    return made
