"""A port on loopback."""

import os
import secrets
import socket
from collections import deque

# Below the range from which Linux takes the ports of outgoing connections.
LOWEST, HIGHEST = 20_000, 32_767
TRIES = 200
CLAIMS_KEPT = 200

# The newest ports that this process was given: between being given and being listened on, a port is
# guarded by a name that one process of the machine can hold; the kernel takes it back when we end.
_claims: deque[int] = deque(maxlen=CLAIMS_KEPT)


def free_port() -> int:
    """A port that nobody listens on and that no other call, in any process, was given and still keeps.

    Only a program that does not ask here may take it before its user does.
    """
    for _ in range(TRIES):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if _claim(port) and is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST} in {TRIES} tries")


def is_free(port: int) -> bool:
    """Whether somebody could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _claim(port: int) -> bool:
    """Keep the port from every other call; false when another call keeps it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0wms-orders-port-{port}")
    except OSError:
        claim.close()
        return False
    if len(_claims) == CLAIMS_KEPT:
        os.close(_claims[0])
    _claims.append(claim.detach())
    return True
