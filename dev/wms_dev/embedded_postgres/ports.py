"""A port on loopback."""

import secrets
import socket

# Below the range from which Linux takes the ports of outgoing connections.
LOWEST, HIGHEST = 20_000, 32_767
TRIES = 200


def free_port() -> int:
    """A port that nobody listens on now; another program may still take it before Postgres does."""
    for _ in range(TRIES):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if is_free(port):
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST} in {TRIES} tries")


def is_free(port: int) -> bool:
    """Whether Postgres could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
