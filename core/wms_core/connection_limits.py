"""How many connections a listener serves: in total, for each peer, and a few more that get one response."""

import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv6Address
from typing import Protocol

import structlog

#: Connections beyond the limits that still get one response, so that probes do; one more is closed at once.
OVERFLOW_CONNECTIONS = 64
OVERFLOW_CONNECTIONS_PER_PEER = 16
#: How long a connection is idle before it is closed in favour of a new one.
IDLE_SECONDS = 5.0
#: The shortest time between two log lines about connections that were refused.
_LOG_INTERVAL_SECONDS = 10.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections are served at a time, and how long a client may take."""

    max_connections: int
    max_connections_per_peer: int
    request_timeout_seconds: float
    keep_alive_seconds: float


class Admission(Enum):
    """What becomes of a new connection."""

    SERVED = auto()
    OVERFLOW = auto()
    REFUSED = auto()


class Connection(Protocol):
    """A connection on which the next request is waited for."""

    @property
    def peer(self) -> str:
        """The network address of the client."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class ConnectionLimiter:
    """Counts the connections of a listener, and closes an idle one where a new one has no room."""

    def __init__(self, limits: ConnectionLimits) -> None:
        """Start without connections."""
        self.limits = limits
        self._served: Counter[str] = Counter()
        self._overflow: Counter[str] = Counter()
        # The time of the last response by connection, in its order.
        self._idle: dict[Connection, float] = {}
        self._refused = 0
        self._logged = -_LOG_INTERVAL_SECONDS

    def admit(self, peer: str) -> Admission:
        """Decide on a new connection and count it; `release` has to follow."""
        if self._has_room(peer):
            self._served[peer] += 1
            return Admission.SERVED
        self._log_refusal(peer)
        if (
            self._overflow.total() < OVERFLOW_CONNECTIONS
            and self._overflow[peer] < OVERFLOW_CONNECTIONS_PER_PEER
        ):
            self._overflow[peer] += 1
            return Admission.OVERFLOW
        return Admission.REFUSED

    def release(self, peer: str, admission: Admission) -> None:
        """Note that a connection has ended."""
        counts = self._served if admission is Admission.SERVED else self._overflow
        if admission is not Admission.REFUSED:
            counts[peer] -= 1
            if not counts[peer]:
                del counts[peer]

    def idle(self, connection: Connection) -> None:
        """Note that a connection waits for its next request."""
        self._idle[connection] = time.monotonic()

    def busy(self, connection: Connection) -> None:
        """Note that a connection no longer waits."""
        self._idle.pop(connection, None)

    def _has_room(self, peer: str) -> bool:
        if self._served[peer] >= self.limits.max_connections_per_peer:
            return self._close_idle(peer)
        return self._served.total() < self.limits.max_connections or self._close_idle(None)

    def _close_idle(self, peer: str | None) -> bool:
        """Close the longest idle connection, of a peer if one is given; return False when there is none."""
        connection = next((idle for idle in self._idle if peer in (None, idle.peer)), None)
        if connection is None or time.monotonic() - self._idle[connection] < IDLE_SECONDS:
            return False
        self.busy(connection)
        connection.close()
        return True

    def _log_refusal(self, peer: str) -> None:
        self._refused += 1
        now = time.monotonic()
        if now - self._logged >= _LOG_INTERVAL_SECONDS:
            _log.warning(
                "http_connections_at_limit",
                refused=self._refused,
                connections=self._served.total(),
                last_peer=peer,
                connections_of_peer=self._served[peer],
            )
            self._refused = 0
            self._logged = now


def peer_of(client: tuple[str, int] | None) -> str:
    """Return the network address of a client; of IPv6 its /64, which is what one host is given."""
    host = client[0] if client else ""
    if ":" not in host:
        return host
    address = IPv6Address(host)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
