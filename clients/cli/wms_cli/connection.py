"""The server that is operated: where it is, and how to reach it."""

import getpass
import json
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

# Only what was surely not done, or may be done again because it carries a request id.
_AGAIN = {
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
_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config", json.dumps(_AGAIN)),
    # A batch of long orders is answered whole.
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class UnusableFile(Exception):
    """A certificate or key that can't be read, is none, or has no other half."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A server and the terms on which it is called; `deadline` in seconds."""

    address: str
    deadline: float = 10.0
    tls: bool = False
    authority: Path | None = None  # trusted in place of the system's ones
    certificate: Path | None = None
    key: Path | None = None

    @property
    def target(self) -> str:
        """The address with its host: `:8001` is this machine."""
        return f"localhost{self.address}" if self.address.startswith(":") else self.address

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken: when it is asked for, or a file is given that only TLS has a use for."""
        return self.tls or any((self.authority, self.certificate, self.key))

    def open(self) -> grpc.Channel:
        """Give a channel; it connects by itself when it is used. Raises UnusableFile."""
        if not self.secure:
            return grpc.insecure_channel(self.target, options=_OPTIONS)
        authority, key, certificate = map(_read, (self.authority, self.key, self.certificate))
        self._check()
        credentials = grpc.ssl_channel_credentials(authority, key, certificate)
        return grpc.secure_channel(self.target, credentials, options=_OPTIONS)

    def _check(self) -> None:
        """Raise UnusableFile for what would end the process in gRPC, or look as if the server were away."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.authority:
            try:
                context.load_verify_locations(self.authority)
            except ssl.SSLError:
                raise UnusableFile(f"{self.authority} has no certificate in PEM.") from None
        if (self.certificate is None) != (self.key is None):
            raise UnusableFile("--cert FILE and --key FILE belong together: give both or none.")
        if self.certificate and self.key:
            try:
                # A key behind a password is not asked for one: gRPC has no way to use it.
                context.load_cert_chain(self.certificate, self.key, password="")
            except ssl.SSLError:
                both = f"{self.certificate} and {self.key}"
                raise UnusableFile(
                    f"{both} are no certificate and its key in PEM, without a password."
                ) from None

    @property
    def told(self) -> dict[str, Any]:
        """What each call carries: who asks, and how long the answer may take."""
        return {"timeout": self.deadline, "metadata": self.metadata}

    @property
    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Who asks."""
        actor = f"cli/{user()}"
        if actor.isascii() and actor.isprintable():
            return (("x-wms-actor", actor),)
        # gRPC refuses other characters, but takes any bytes under a name that ends in `-bin`.
        return (("x-wms-actor-bin", actor.encode()),)


def user() -> str:
    """Give the name of who runs the command."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
    # Where the locale could not decode it: UTF-8 is what most systems keep names in.
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _read(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnusableFile(f"{file} can't be read: {error.strerror}") from None
