"""Settings of the connection to ZooKeeper."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from wms_core.config.settings import CoreSettings, DurationSetting, format_path, get_secret_text
from wms_worker.tls import TlsConfig


class ElectionUnavailable(Exception):
    """This replica cannot be a candidate; the message has the cause and the fix."""


@dataclass(frozen=True, slots=True)
class ZooKeeperLogin:
    """A user of the ensemble, authenticated with SASL DIGEST-MD5."""

    user_name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ZooKeeperConfig:
    """The addresses of the ensemble and the options of each session."""

    addresses: str
    path: str
    session_timeout: timedelta
    tls_config: TlsConfig | None = None
    sasl_login: ZooKeeperLogin | None = None

    @property
    def session_timeout_seconds(self) -> float:
        """The session timeout in seconds."""
        return self.session_timeout.total_seconds()


_HOST_PATTERN = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?"


def validate_host_list(text: str) -> str:
    """Return a list of addresses unchanged.

    Raises:
        ValueError: the text is not a list of addresses.
    """
    if text and not re.fullmatch(rf"{_HOST_PATTERN}(,{_HOST_PATTERN})*", text):
        raise ValueError("must be host:port,host:port,...; put a path into ZOOKEEPER_PATH")
    return text


class ZooKeeperSettings(CoreSettings):
    """Settings of the leader election."""

    zookeeper_hosts: Annotated[str, AfterValidator(validate_host_list)] = Field(
        "",
        description="ZooKeeper for leader election: host:port,host:port,... Empty: election by Postgres.",
    )
    zookeeper_path: str = Field(
        "/wms-orders",
        pattern=r"^(/[A-Za-z0-9._-]+)+$",
        description="Path in ZooKeeper for the election. Each database needs its own.",
    )
    zookeeper_session_timeout: DurationSetting = Field(
        timedelta(seconds=6),
        ge=timedelta(milliseconds=500),
        le=timedelta(minutes=5),
        description="Session timeout of the active replica. The ensemble must grant exactly this value.",
    )
    zookeeper_tls: bool = Field(False, description="Use TLS for connections to ZooKeeper.")
    zookeeper_ca_file: FilePath | None = Field(
        None, description="CA certificates that sign ZooKeeper's certificate, in PEM."
    )
    zookeeper_certificate_file: FilePath | None = Field(
        None, description="Client certificate for ZooKeeper, in PEM."
    )
    zookeeper_key_file: FilePath | None = Field(None, description="Private key of that certificate, in PEM.")
    zookeeper_key_password: SecretStr | None = Field(
        None, min_length=1, description="Password of that private key."
    )
    zookeeper_check_hostname: bool = Field(
        True, description="Check the host name in ZooKeeper's certificate."
    )
    zookeeper_sasl_username: str | None = Field(
        None, min_length=1, description="User in ZooKeeper, for SASL DIGEST-MD5."
    )
    zookeeper_sasl_password: SecretStr | None = Field(
        None, min_length=1, description="Password of that user."
    )

    @model_validator(mode="after")
    def _check_zookeeper_complete(self) -> Self:
        """Reject a TLS file without TLS, and a user without a password."""
        tls_files = (self.zookeeper_ca_file, self.zookeeper_certificate_file, self.zookeeper_key_file)
        if any(tls_files) and not self.zookeeper_tls:
            raise ValueError("a TLS file for ZooKeeper is set; set ZOOKEEPER_TLS=true, too")
        if (self.zookeeper_sasl_username is None) != (self.zookeeper_sasl_password is None):
            raise ValueError("set both ZOOKEEPER_SASL_USERNAME and ZOOKEEPER_SASL_PASSWORD, or neither")
        return self

    @property
    def zookeeper_config(self) -> ZooKeeperConfig | None:
        """The ZooKeeper for leader election; None for election by Postgres."""
        if not self.zookeeper_hosts:
            return None
        return ZooKeeperConfig(
            self.zookeeper_hosts,
            self.zookeeper_path,
            self.zookeeper_session_timeout,
            self._zookeeper_tls,
            self._zookeeper_login,
        )

    @property
    def _zookeeper_tls(self) -> TlsConfig | None:
        if not self.zookeeper_tls:
            return None
        return TlsConfig(
            ca_file=format_path(self.zookeeper_ca_file),
            certificate_file=format_path(self.zookeeper_certificate_file),
            key_file=format_path(self.zookeeper_key_file),
            key_password=get_secret_text(self.zookeeper_key_password),
            check_hostname=self.zookeeper_check_hostname,
        )

    @property
    def _zookeeper_login(self) -> ZooKeeperLogin | None:
        user_name, password = self.zookeeper_sasl_username, get_secret_text(self.zookeeper_sasl_password)
        return ZooKeeperLogin(user_name, password) if user_name and password else None
