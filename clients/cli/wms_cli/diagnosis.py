"""Why a server does not answer: what a plain connection and a TLS handshake find."""

import contextlib
import socket
import ssl

from wms_cli.connection import Connection

_SECONDS = 2.0


def cause(connection: Connection) -> str:
    """Say in a sentence or two what is wrong, and what to do. Takes a few seconds at most."""
    host, port = _parts(connection.target)
    if not port:
        return "An address is host:port, or :port for this machine."
    try:
        with socket.create_connection((host, port), timeout=_SECONDS) as plain:
            return _secured(connection, plain, host) if connection.secure else _unsecured(plain)
    except socket.gaierror:
        return f"There is no host named {host}: see that the address is written right."
    except TimeoutError:
        return "Nothing answers there, not even with a refusal: see to the host, the port and the firewall."
    except OSError as error:
        return f"{error.strerror or error}. See that the server runs there, and on that port."


def _unsecured(plain: socket.socket) -> str:
    """Say why a listener did not answer gRPC without TLS."""
    lenient = ssl.create_default_context()
    lenient.check_hostname, lenient.verify_mode = False, ssl.CERT_NONE
    lenient.set_alpn_protocols(["h2"])
    with contextlib.suppress(OSError), lenient.wrap_socket(plain):
        return "The server expects TLS: say --tls, and --ca FILE when its authority is one of your own."
    return (
        "Something listens there and does not answer as a gRPC server: "
        "it may be the port of HTTP, or the server may be starting or overloaded."
    )


def _secured(connection: Connection, plain: socket.socket, host: str) -> str:
    """Say why a listener did not answer gRPC with TLS."""
    strict = ssl.create_default_context(cafile=connection.authority)
    strict.set_alpn_protocols(["h2"])
    try:
        with strict.wrap_socket(plain, server_hostname=host):
            return (
                "TLS is spoken there, and yet no call is answered: "
                "the server may ask for a certificate of yours (--cert, --key), or be starting or overloaded."
            )
    except ssl.SSLCertVerificationError as error:
        return (
            f"The server's certificate is not trusted ({error.verify_message}): "
            "name its authority with --ca FILE, and the server by a name that its certificate has."
        )
    except (ssl.SSLError, OSError):
        return "The server does not speak TLS: leave out --tls, --ca, --cert and --key."


def _parts(target: str) -> tuple[str, int]:
    """Give host and port; port 0 when there is none."""
    host, _, port = target.removeprefix("dns:///").rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() and int(port) < 65536 else 0
