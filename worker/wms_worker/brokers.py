"""Where Kafka is and how to speak to it, as the worker's settings say."""

from dataclasses import dataclass, field

from wms_worker.tls import Tls


class KafkaTrouble(Exception):
    """Why nothing can be published just now; says what to mend. Trying again later may help."""


@dataclass(frozen=True, slots=True)
class SaslLogin:
    """A user of the brokers."""

    mechanism: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Topic:
    """Where events go; one that is missing is made when `create` allows it."""

    name: str
    create: bool
    partitions: int
    replication: int


@dataclass(frozen=True, slots=True)
class Brokers:
    """The addresses, the topic, and what holds for each connection; `timeout` is that of one request."""

    addresses: str
    topic: Topic
    compression: str | None = None
    timeout: float = 10.0
    tls: Tls | None = None
    login: SaslLogin | None = None
