"""Choice of a free port on loopback."""

import os
import secrets
import socket
from collections import deque

# Below the range from which Linux takes ports of outgoing connections.
MIN_PORT, MAX_PORT = 20_000, 32_767
MAX_ATTEMPTS = 200
MAX_CLAIMED_PORTS = 200

# The newest ports that this process claimed. Until its user listens on it, a port is guarded by an abstract
# socket, whose name only one process on this machine can bind. The kernel releases it when this process
# exits.
_claimed_port_sockets: deque[int] = deque(maxlen=MAX_CLAIMED_PORTS)


def find_free_port() -> int:
    """Return a port that is free and that no other call, in any process, has claimed.

    Only a program that does not use this function can take the port before its user listens on it.

    Raises:
        OSError: No free port was found in `MAX_ATTEMPTS` attempts.
    """
    for _ in range(MAX_ATTEMPTS):
        port = MIN_PORT + secrets.randbelow(MAX_PORT - MIN_PORT + 1)
        if _claim_port(port) and is_port_free(port):
            return port
    raise OSError(f"no free port between {MIN_PORT} and {MAX_PORT} in {MAX_ATTEMPTS} tries")


def is_port_free(port: int) -> bool:
    """Return whether a program can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _claim_port(port: int) -> bool:
    """Claim the port for this process. Return False when another process has claimed it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0wms-orders-port-{port}")
    except OSError:
        claim.close()
        return False
    if len(_claimed_port_sockets) == MAX_CLAIMED_PORTS:
        os.close(_claimed_port_sockets[0])
    _claimed_port_sockets.append(claim.detach())
    return True
