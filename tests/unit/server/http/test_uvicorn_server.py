"""The sockets of the HTTP listener."""

import socket

from wms_core.runtime.listeners import open_listeners
from wms_dev.free_port import find_free_port


def test_accepted_connection_has_no_delay() -> None:
    """Without TCP_NODELAY, the body of a response would wait until the client acknowledges the head."""
    with (
        open_listeners("HTTP_ADDR", f"127.0.0.1:{find_free_port()}") as listeners,
        socket.create_connection(listeners[0].getsockname()),
        listeners[0].accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
