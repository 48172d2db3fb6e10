"""Why a server does not answer: what a plain connection and a TLS handshake find."""

import contextlib
import socket
import ssl
from dataclasses import dataclass

from wms_cli.connection import Connection

_SECONDS = 2.0
#: OpenSSL's numbers for a certificate that is not valid yet, or no longer.
_WRONG_TIME = (9, 10)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong in a word or two, and in a sentence with what to do."""

    kind: str
    sentence: str


def diagnose(connection: Connection) -> Diagnosis:
    """Say why there is no answer. Takes a few seconds at most."""
    host, port = _parts(connection.target)
    if not port:
        return Diagnosis("no address", "An address is host:port, or :port for this machine.")
    try:
        with socket.create_connection((host, port), timeout=_SECONDS) as plain:
            return _secured(connection, plain, host) if connection.secure else _unsecured(plain)
    except OSError as error:
        return _unconnected(error, host)


def _unconnected(error: OSError, host: str) -> Diagnosis:
    """Say why there is no connection."""
    what = error.strerror or str(error)
    match error:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            kind = "name not resolved"
            sentence = (
                f"The host named {host} can't be looked up now: see to the name server of this machine."
            )
        case socket.gaierror():
            kind = "no such host"
            sentence = f"There is no host named {host}: see that the address is written right."
        case TimeoutError():
            kind = "timeout"
            sentence = (
                "Nothing answers there, not even with a refusal: see to the host, the port and the firewall."
            )
        case ConnectionRefusedError():
            kind = "refused"
            sentence = (
                f"{what}: nothing listens on that port. Start the server or worker there, "
                "or see which address it was given (SERVER_ADDR, WORKER_ADDR)."
            )
        case _:
            kind, sentence = what.lower(), f"{what}. See to the host and the network between."
    return Diagnosis(kind, sentence)


def _unsecured(plain: socket.socket) -> Diagnosis:
    """Say why a listener did not answer gRPC without TLS."""
    lenient = ssl.create_default_context()
    lenient.check_hostname, lenient.verify_mode = False, ssl.CERT_NONE
    lenient.set_alpn_protocols(["h2"])
    with contextlib.suppress(OSError), lenient.wrap_socket(plain):
        return Diagnosis(
            "TLS", "The server expects TLS: say --tls, and --ca FILE when its authority is one of your own."
        )
    return Diagnosis(
        "no answer",
        "Something listens there and does not answer as a gRPC server: "
        "it may be the port of HTTP, or the server may be starting or overloaded.",
    )


def _secured(connection: Connection, plain: socket.socket, host: str) -> Diagnosis:
    """Say why a listener did not answer gRPC with TLS."""
    strict = ssl.create_default_context(cafile=connection.authority)
    strict.set_alpn_protocols(["h2"])
    try:
        with strict.wrap_socket(plain, server_hostname=host):
            sentence = (
                "TLS is spoken there, and yet no call is answered: "
                "the server may ask for a certificate of yours (--cert, --key), or be starting or overloaded."
            )
    except ssl.SSLCertVerificationError as error:
        what = f"The server's certificate is not trusted ({error.verify_message})"
        if error.verify_code in _WRONG_TIME:
            sentence = f"{what}: see to its renewal, and to the clock of this machine."
        else:
            sentence = (
                f"{what}: name its authority with --ca FILE, "
                "and the server by a name that its certificate has."
            )
    except (ssl.SSLError, OSError):
        sentence = "The server does not speak TLS: leave out --tls, --ca, --cert and --key."
    return Diagnosis("TLS", sentence)


def _parts(target: str) -> tuple[str, int]:
    """Give host and port; port 0 when there is none."""
    host, _, port = target.removeprefix("dns:///").rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() and int(port) < 65536 else 0
