"""TLS files for connections to ZooKeeper and Kafka."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """The files of a TLS connection, in PEM. Without `ca_file` the system's CAs are trusted."""

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)
    check_hostname: bool = True
