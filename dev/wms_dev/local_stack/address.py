"""The address on which a process listens."""

import re
import socket
from dataclasses import dataclass

from wms_dev.errors import UserError
from wms_dev.free_port import find_free_port

LOOPBACK = "127.0.0.1"
ALL_INTERFACES = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


class InvalidAddress(UserError):
    """A variable contains an invalid or unusable address."""


@dataclass(frozen=True)
class Address:
    """A host and a port. An empty host means all interfaces."""

    host: str
    port: int

    @classmethod
    def on_free_port(cls) -> "Address":
        """Return an address on loopback with a free port."""
        return cls(LOOPBACK, find_free_port())

    @classmethod
    def parse(cls, variable: str, text: str) -> "Address":
        """Parse `host:port` or `:port`.

        Raises:
            InvalidAddress: The text is not an address. The message names the variable.
        """
        match = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:\[\]]*)):(\d{1,5})", text.strip())
        if not match or not 1 <= int(match[3]) <= 65535:
            raise InvalidAddress(
                f"{variable}={text!r} is not an address: use host:port or :port with a port from 1 to 65535"
            )
        return cls(match[1] or match[2] or "", int(match[3]))

    @property
    def target(self) -> str:
        """The address to which a client on this machine connects."""
        return _join_host_port(LOOPBACK if self.host in ALL_INTERFACES else self.host, self.port)

    def __str__(self) -> str:
        return _join_host_port(self.host, self.port)

    def require_free(self, variable: str) -> None:
        """Raise `InvalidAddress`, which names the variable, when no program can listen on this address."""
        try:
            address_infos = socket.getaddrinfo(
                self.host or None, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, kind, protocol, _, socket_address in address_infos:
                with socket.socket(family, kind, protocol) as probe_socket:
                    probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    if family == socket.AF_INET6:
                        probe_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    probe_socket.bind(socket_address)
        except OSError as error:
            raise InvalidAddress(
                f"Cannot listen on {self} ({error.strerror}). Another program uses it, perhaps another"
                f" `make dev`. Set {variable} to another address, for example"
                f" {variable}={Address.on_free_port()}"
            ) from None


def _join_host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
