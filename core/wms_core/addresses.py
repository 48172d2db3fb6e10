"""Addresses to listen on, as the configuration writes them."""


class AddressError(ValueError):
    """Not host:port, nor :port."""


def listen_address(text: str) -> str:
    """Give the address for gRPC: `:8001` listens on all interfaces. Raises AddressError."""
    host, colon, port = text.rpartition(":")
    if not (colon and port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise AddressError(f"{text!r} is not host:port or :port")
    return f"{host or '[::]'}:{port}"
