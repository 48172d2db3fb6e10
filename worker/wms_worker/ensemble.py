"""Where ZooKeeper is and how to speak to it, as the worker's settings say."""

from dataclasses import dataclass, field
from datetime import timedelta

from wms_worker.tls import Tls


class EnsembleUnusable(Exception):
    """Why this replica can't stand for election; says what to mend."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user of the ensemble, by SASL's DIGEST-MD5."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The addresses, and what holds for each session."""

    hosts: str
    path: str
    session_timeout: timedelta
    tls: Tls | None = None
    login: Login | None = None

    @property
    def seconds(self) -> float:
        """The session timeout in seconds."""
        return self.session_timeout.total_seconds()
