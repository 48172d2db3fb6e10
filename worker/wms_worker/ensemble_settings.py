"""What the worker takes from its environment about ZooKeeper."""

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator

from wms_core.settings import CoreSettings, Duration, path_text, secret_text
from wms_worker.ensemble import Ensemble, Login
from wms_worker.tls import Tls

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?"


def host_list(text: str) -> str:
    """Refuse what is no list of addresses."""
    if text and not re.fullmatch(rf"{_HOST}(,{_HOST})*", text):
        raise ValueError("the form is host:port,host:port,...; a path belongs in ZOOKEEPER_PATH")
    return text


class EnsembleSettings(CoreSettings):
    """Who elects, and how to reach it."""

    zookeeper_hosts: Annotated[str, AfterValidator(host_list)] = Field(
        "",
        description="The ZooKeeper that elects: host:port,host:port,... Without it Postgres does.",
    )
    zookeeper_path: str = Field(
        "/wms-orders",
        pattern=r"^(/[A-Za-z0-9._-]+)+$",
        description="Where in ZooKeeper they vote; a place for each database.",
    )
    zookeeper_session_timeout: Duration = Field(
        timedelta(seconds=6),
        ge=timedelta(milliseconds=500),
        le=timedelta(minutes=5),
        description="How long ZooKeeper waits for the active replica; the ensemble has to grant just this.",
    )
    zookeeper_tls: bool = Field(False, description="Whether to speak TLS with ZooKeeper.")
    zookeeper_ca_file: FilePath | None = Field(
        None, description="The certificates, in PEM, that ZooKeeper's own has to be signed by."
    )
    zookeeper_certificate_file: FilePath | None = Field(
        None, description="Our certificate for ZooKeeper, in PEM."
    )
    zookeeper_key_file: FilePath | None = Field(None, description="The key of that certificate, in PEM.")
    zookeeper_key_password: SecretStr | None = Field(
        None, min_length=1, description="What that key is locked with."
    )
    zookeeper_check_hostname: bool = Field(
        True, description="Whether ZooKeeper's certificate has to name the host."
    )
    zookeeper_sasl_username: str | None = Field(
        None, min_length=1, description="Our user in ZooKeeper, by SASL DIGEST-MD5."
    )
    zookeeper_sasl_password: SecretStr | None = Field(
        None, min_length=1, description="The password of that user."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse halves: a TLS file without TLS, a user without a password."""
        files = (self.zookeeper_ca_file, self.zookeeper_certificate_file, self.zookeeper_key_file)
        if any(files) and not self.zookeeper_tls:
            raise ValueError("ZOOKEEPER_TLS is not true, but a file for it is given")
        if (self.zookeeper_sasl_username is None) != (self.zookeeper_sasl_password is None):
            raise ValueError("ZOOKEEPER_SASL_USERNAME and ZOOKEEPER_SASL_PASSWORD go together")
        return self

    @property
    def ensemble(self) -> Ensemble | None:
        """The ZooKeeper that elects; None when Postgres does."""
        if not self.zookeeper_hosts:
            return None
        return Ensemble(
            self.zookeeper_hosts, self.zookeeper_path, self.zookeeper_session_timeout, self._tls, self._login
        )

    @property
    def _tls(self) -> Tls | None:
        if not self.zookeeper_tls:
            return None
        return Tls(
            ca_file=path_text(self.zookeeper_ca_file),
            certificate_file=path_text(self.zookeeper_certificate_file),
            key_file=path_text(self.zookeeper_key_file),
            key_password=secret_text(self.zookeeper_key_password),
            check_hostname=self.zookeeper_check_hostname,
        )

    @property
    def _login(self) -> Login | None:
        name, password = self.zookeeper_sasl_username, secret_text(self.zookeeper_sasl_password)
        return Login(name, password) if name and password else None
