"""How the other side proves who it is, and how we do."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a TLS connection, in PEM; without a CA the machine's own are trusted."""

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)
    check_hostname: bool = True
