"""Free ports on loopback, below those that the kernel hands out by itself."""

import random
import socket


def free_port() -> int:
    """Give a port of 127.0.0.1 that nobody listens on just now."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
