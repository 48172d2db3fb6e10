"""The socket that HTTP listens on."""

import socket

from wms_dev.ports import free_port
from wms_server.http.serving import listener_at


def test_a_connection_sends_what_it_has() -> None:
    """The body of an answer does not wait until the client has acknowledged the head."""
    with (
        listener_at(f"127.0.0.1:{free_port()}", shared=False) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
