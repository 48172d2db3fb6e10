"""Diagnose why a server does not answer, by a plain connection and a TLS handshake."""

import contextlib
import socket
import ssl
from dataclasses import dataclass

from wms_cli.framework.connection import Connection

_CONNECT_TIMEOUT_SECONDS = 2.0
#: OpenSSL's codes for a certificate that is not valid yet or has expired.
_EXPIRED_OR_NOT_YET_VALID_CODES = (9, 10)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A problem in one or two words, and in a sentence with the remedy."""

    kind: str
    sentence: str


def diagnose_connection(connection: Connection) -> Diagnosis:
    """Return the cause of a missing answer. Takes a few seconds at most."""
    host, port = _split_target(connection.target)
    if not port:
        return Diagnosis("no address", "Give the address as host:port, or as :port for this machine.")
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_SECONDS) as tcp_socket:
            return (
                _diagnose_tls(connection, tcp_socket, host)
                if connection.uses_tls
                else _diagnose_plaintext(tcp_socket)
            )
    except OSError as error:
        return _diagnose_connect_error(error, host)


def _diagnose_connect_error(error: OSError, host: str) -> Diagnosis:
    """Return the cause of a failed connection."""
    error_text = error.strerror or str(error)
    match error:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            kind = "name not resolved"
            sentence = f"The host name {host} can't be resolved now: check the name server of this machine."
        case socket.gaierror():
            kind = "no such host"
            sentence = f"There is no host named {host}: check the address."
        case TimeoutError():
            kind = "timeout"
            sentence = (
                "The connection timed out without a refusal: check the host, the port and the firewall."
            )
        case ConnectionRefusedError():
            kind = "refused"
            sentence = (
                f"{error_text}: nothing listens on that port. Start the server or worker there, "
                "or check its address (SERVER_ADDR, WORKER_ADDR)."
            )
        case _:
            kind, sentence = error_text.lower(), f"{error_text}: check the host and the network."
    return Diagnosis(kind, sentence)


def _diagnose_plaintext(tcp_socket: socket.socket) -> Diagnosis:
    """Return the cause why a listener did not answer gRPC without TLS."""
    permissive_context = ssl.create_default_context()
    permissive_context.check_hostname, permissive_context.verify_mode = False, ssl.CERT_NONE
    permissive_context.set_alpn_protocols(["h2"])
    with contextlib.suppress(OSError), permissive_context.wrap_socket(tcp_socket):
        return Diagnosis(
            "TLS", "The server expects TLS: add --tls, and --ca FILE for an authority of your own."
        )
    return Diagnosis(
        "no answer",
        "A process listens there but does not answer gRPC: "
        "it may be the HTTP port, or the server may be starting or overloaded.",
    )


def _diagnose_tls(connection: Connection, tcp_socket: socket.socket, host: str) -> Diagnosis:
    """Return the cause why a listener did not answer gRPC with TLS."""
    tls_context = ssl.create_default_context(cafile=connection.authority)
    tls_context.set_alpn_protocols(["h2"])
    try:
        with tls_context.wrap_socket(tcp_socket, server_hostname=host):
            sentence = (
                "The TLS handshake succeeds, but no call is answered: the server may require "
                "a client certificate (--cert, --key), or it may be starting or overloaded."
            )
    except ssl.SSLCertVerificationError as error:
        error_text = f"The server's certificate is not trusted ({error.verify_message})"
        if error.verify_code in _EXPIRED_OR_NOT_YET_VALID_CODES:
            sentence = f"{error_text}: renew it, or correct the clock of this machine."
        else:
            sentence = (
                f"{error_text}: give its authority with --ca FILE, "
                "and address the server by a name in its certificate."
            )
    except (ssl.SSLError, OSError):
        sentence = "The server does not use TLS: leave out --tls, --ca, --cert and --key."
    return Diagnosis("TLS", sentence)


def _split_target(target: str) -> tuple[str, int]:
    """Return host and port; port 0 if there is none."""
    host, _, port = target.removeprefix("dns:///").rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() and int(port) < 65536 else 0
