"""The sockets that HTTP listens on."""

import socket

from wms_core.listeners import open_listeners
from wms_dev.ports import free_port


def test_a_connection_sends_what_it_has() -> None:
    """The body of an answer does not wait until the client has acknowledged the head."""
    with (
        open_listeners("HTTP_ADDR", f"127.0.0.1:{free_port()}") as listeners,
        socket.create_connection(listeners[0].getsockname()),
        listeners[0].accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
