"""Address, credentials and channel of a server."""

import getpass
import json
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

# Safe for all calls: reads may be repeated, and changes carry a request id.
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_CHANNEL_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # The response to a batch of long orders exceeds the default limit of 4 MiB.
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class InvalidCertificateFile(Exception):
    """A file of a certificate or key is unreadable or invalid, or the other one of the pair is missing."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A server and the options of calls to it; `deadline` is the timeout of a call in seconds."""

    address: str
    deadline: float = 10.0
    tls: bool = False
    authority: Path | None = None  # trusted instead of the authorities of the system
    certificate: Path | None = None
    key: Path | None = None

    @property
    def target(self) -> str:
        """The address with its host; `:8001` becomes `localhost:8001`."""
        return f"localhost{self.address}" if self.address.startswith(":") else self.address

    @property
    def uses_tls(self) -> bool:
        """Whether the channel uses TLS: if requested, or implied by a file that only TLS uses."""
        return self.tls or any((self.authority, self.certificate, self.key))

    def open_channel(self) -> grpc.Channel:
        """Return a channel, which connects at the first call. Raises InvalidCertificateFile."""
        if not self.uses_tls:
            return grpc.insecure_channel(self.target, options=_CHANNEL_OPTIONS)
        authority, key, certificate = map(_read_file, (self.authority, self.key, self.certificate))
        self._check_certificate_files()
        credentials = grpc.ssl_channel_credentials(authority, key, certificate)
        return grpc.secure_channel(self.target, credentials, options=_CHANNEL_OPTIONS)

    def _check_certificate_files(self) -> None:
        """Raise InvalidCertificateFile for files that would crash gRPC or look like an unreachable server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.authority:
            try:
                context.load_verify_locations(self.authority)
            except ssl.SSLError:
                raise InvalidCertificateFile(f"{self.authority} has no certificate in PEM format.") from None
        if (self.certificate is None) != (self.key is None):
            raise InvalidCertificateFile("--cert FILE and --key FILE belong together: give both or neither.")
        if self.certificate and self.key:
            try:
                # Without a password OpenSSL would prompt for it; gRPC can't use encrypted keys.
                context.load_cert_chain(self.certificate, self.key, password="")
            except ssl.SSLError:
                file_names = f"{self.certificate} and {self.key}"
                raise InvalidCertificateFile(
                    f"{file_names} are not a certificate and its unencrypted key in PEM format."
                ) from None

    @property
    def call_options(self) -> dict[str, Any]:
        """Timeout and metadata of each call."""
        return {"timeout": self.deadline, "metadata": self.metadata}

    @property
    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """The actor of each call: the user of the command."""
        actor = f"cli/{current_user()}"
        if actor.isascii() and actor.isprintable():
            return (("x-wms-actor", actor),)
        # gRPC rejects other characters in text metadata; names that end in `-bin` accept any bytes.
        return (("x-wms-actor-bin", actor.encode()),)


def current_user() -> str:
    """Return the name of the user of the command, or the user's number if it has no name."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
    # The locale could not decode some bytes; most systems store names in UTF-8.
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _read_file(file_path: Path | None) -> bytes | None:
    if file_path is None:
        return None
    try:
        return file_path.read_bytes()
    except OSError as error:
        raise InvalidCertificateFile(f"{file_path} can't be read: {error.strerror}") from None
