"""Where a child listens."""

import re
import socket
from dataclasses import dataclass

from wms_dev.ports import free_port
from wms_dev.problem import Problem

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


class AddressWrong(Problem):
    """A variable does not hold a usable address."""


@dataclass(frozen=True)
class Address:
    """A host, perhaps empty for every interface, and a port."""

    host: str
    port: int

    @classmethod
    def free(cls) -> "Address":
        """A port on loopback that nobody listens on now."""
        return cls(LOOPBACK, free_port())

    @classmethod
    def parse(cls, variable: str, text: str) -> "Address":
        """Read `host:port` or `:port`; raises `AddressWrong` with the variable's name."""
        match = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:\[\]]*)):(\d{1,5})", text.strip())
        if not match or not 1 <= int(match[3]) <= 65535:
            raise AddressWrong(
                f"{variable}={text!r} is no address: write host:port or :port, the port from 1 to 65535"
            )
        return cls(match[1] or match[2] or "", int(match[3]))

    @property
    def target(self) -> str:
        """What a client on this machine connects to."""
        return _joined(LOOPBACK if self.host in EVERYWHERE else self.host, self.port)

    def __str__(self) -> str:
        return _joined(self.host, self.port)

    def require_free(self, variable: str) -> None:
        """Raise `AddressWrong`, naming the variable, when nobody could listen here now."""
        try:
            found = socket.getaddrinfo(
                self.host or None, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, kind, protocol, _, place in found:
                with socket.socket(family, kind, protocol) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    if family == socket.AF_INET6:
                        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    probe.bind(place)
        except OSError as error:
            raise AddressWrong(
                f"Nobody can listen on {self} ({error.strerror}): another program has it, perhaps another"
                f" `make dev`. Set {variable} to another address, for example {variable}={Address.free()}"
            ) from None


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
