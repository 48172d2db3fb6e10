"""Connection limits of a listener: in total, per peer, and an overflow whose connections get one response."""

import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv6Address
from typing import Protocol

import structlog

#: Connections beyond the limits that still get one response, for probes; further ones are closed at once.
OVERFLOW_CONNECTIONS = 64
OVERFLOW_CONNECTIONS_PER_PEER = 16
#: Idle time after which a connection may be closed in favour of a new one.
IDLE_SECONDS = 5.0
#: Minimum interval between log lines about rejected connections.
_LOG_INTERVAL_SECONDS = 10.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of the served connections, and the timeouts of their clients."""

    max_connections: int
    max_connections_per_peer: int
    request_timeout_seconds: float
    keep_alive_seconds: float


class ConnectionAdmission(Enum):
    """Admission of a new connection."""

    WITHIN_LIMITS = auto()
    IN_OVERFLOW = auto()
    OVER_ALL_LIMITS = auto()


class ClosableConnection(Protocol):
    """A connection that waits for its next request."""

    @property
    def peer_address(self) -> str:
        """The network address of the client."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class ConnectionLimiter:
    """Counts the connections of a listener, and closes an idle one in favour of a new one."""

    def __init__(self, connection_limits: ConnectionLimits) -> None:
        self.connection_limits = connection_limits
        self._served_by_peer: Counter[str] = Counter()
        self._overflow_by_peer: Counter[str] = Counter()
        # Time of the last response by connection, oldest first.
        self._idle_since: dict[ClosableConnection, float] = {}
        self._rejected_count = 0
        self._last_logged_at = -_LOG_INTERVAL_SECONDS

    def admit_connection(self, peer_address: str) -> ConnectionAdmission:
        """Admit or reject a new connection and count it; call `release_connection` at its end."""
        if self._has_capacity(peer_address):
            self._served_by_peer[peer_address] += 1
            return ConnectionAdmission.WITHIN_LIMITS
        self._log_rejection(peer_address)
        if (
            self._overflow_by_peer.total() < OVERFLOW_CONNECTIONS
            and self._overflow_by_peer[peer_address] < OVERFLOW_CONNECTIONS_PER_PEER
        ):
            self._overflow_by_peer[peer_address] += 1
            return ConnectionAdmission.IN_OVERFLOW
        return ConnectionAdmission.OVER_ALL_LIMITS

    def release_connection(self, peer_address: str, connection_admission: ConnectionAdmission) -> None:
        """Record the end of a connection."""
        counts_by_peer = (
            self._served_by_peer
            if connection_admission is ConnectionAdmission.WITHIN_LIMITS
            else self._overflow_by_peer
        )
        if connection_admission is not ConnectionAdmission.OVER_ALL_LIMITS:
            counts_by_peer[peer_address] -= 1
            if not counts_by_peer[peer_address]:
                del counts_by_peer[peer_address]

    def mark_idle(self, connection: ClosableConnection) -> None:
        """Record that a connection waits for its next request."""
        self._idle_since[connection] = time.monotonic()

    def mark_busy(self, connection: ClosableConnection) -> None:
        """Record that a connection no longer waits."""
        self._idle_since.pop(connection, None)

    def _has_capacity(self, peer_address: str) -> bool:
        if self._served_by_peer[peer_address] >= self.connection_limits.max_connections_per_peer:
            return self._close_longest_idle(peer_address)
        return (
            self._served_by_peer.total() < self.connection_limits.max_connections
            or self._close_longest_idle(None)
        )

    def _close_longest_idle(self, peer_address: str | None) -> bool:
        """Close the longest idle connection, of the peer if given; return False when there is none."""
        connection = next(
            (
                idle_connection
                for idle_connection in self._idle_since
                if peer_address in (None, idle_connection.peer_address)
            ),
            None,
        )
        if connection is None or time.monotonic() - self._idle_since[connection] < IDLE_SECONDS:
            return False
        self.mark_busy(connection)
        connection.close()
        return True

    def _log_rejection(self, peer_address: str) -> None:
        self._rejected_count += 1
        now = time.monotonic()
        if now - self._last_logged_at >= _LOG_INTERVAL_SECONDS:
            _log.warning(
                "http_connections_at_limit",
                refused=self._rejected_count,
                connections=self._served_by_peer.total(),
                last_peer=peer_address,
                connections_of_peer=self._served_by_peer[peer_address],
            )
            self._rejected_count = 0
            self._last_logged_at = now


def get_peer_address(client: tuple[str, int] | None) -> str:
    """Return the network address of a client; for IPv6 its /64, the usual size of one host's network."""
    host = client[0] if client else ""
    if ":" not in host:
        return host
    address = IPv6Address(host)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
