"""What a broker is told: its server.properties, and the options of its Java."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# It starts often and lives briefly: the first compiler is quicker than both.
JAVA_OPTIONS = (
    *("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    *("-Djava.net.preferIPv4Stack=true", "-Dorg.slf4j.simpleLogger.showDateTime=true"),
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    # Three hundred lines of all settings, three times.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)
MAIN = "kafka.Kafka"

# Topics are made on purpose. A broker that is gone is noticed, and one that is back let in, in two seconds.
DEFAULTS = {
    "auto.create.topics.enable": "false",
    "num.partitions": "3",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "broker.heartbeat.interval.ms": "200",
    "broker.session.timeout.ms": "2000",
    "controller.quorum.election.timeout.ms": "300",
    "controller.quorum.election.backoff.max.ms": "300",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "num.network.threads": "2",
    "num.io.threads": "2",
}
# Clients speak the protocol that is asked for; the brokers among themselves, and who looks whether they
# serve, always plain text.
LISTENERS = "CLIENTS://127.0.0.1:{0.clients},BROKERS://127.0.0.1:{0.brokers}"


@dataclass(frozen=True)
class Ports:
    """Where a broker listens: for clients, for the other brokers, and as a controller."""

    clients: int
    brokers: int
    controllers: int


@dataclass(frozen=True)
class Membership:
    """A cluster as its brokers know it; `protocol` is that of its clients, such as SASL_SSL."""

    cluster_id: str
    ports: Sequence[Ports]
    protocol: str

    def settings(self, number: int) -> dict[str, str]:
        """The settings by which broker `number`, from 1, finds the others."""
        own = self.ports[number - 1]
        listeners = LISTENERS.format(own)
        voters = (f"{id_}@127.0.0.1:{ports.controllers}" for id_, ports in enumerate(self.ports, start=1))
        copies = min(3, len(self.ports))
        return {
            "process.roles": "broker,controller",
            "node.id": str(number),
            "controller.quorum.voters": ",".join(voters),
            "listeners": f"{listeners},CONTROLLERS://127.0.0.1:{own.controllers}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": (
                f"CLIENTS:{self.protocol},BROKERS:PLAINTEXT,CONTROLLERS:PLAINTEXT"
            ),
            "inter.broker.listener.name": "BROKERS",
            "controller.listener.names": "CONTROLLERS",
            "default.replication.factor": str(copies),
            "min.insync.replicas": str(max(1, copies - 1)),
            "offsets.topic.replication.factor": str(copies),
            "transaction.state.log.replication.factor": str(copies),
            "transaction.state.log.min.isr": str(max(1, copies - 1)),
        }


def write_configuration(
    folder: Path, number: int, membership: Membership, settings: Mapping[str, str]
) -> Path:
    """Write the configuration of broker `number` into its folder, and give the file; `settings` go first."""
    data = folder / "data"
    data.mkdir()
    # This is all that formatting leaves which a broker asks for; a Java that writes it costs a second.
    (data / "meta.properties").write_text(
        f"version=1\ncluster.id={membership.cluster_id}\nnode.id={number}\n"
    )
    all_settings = {**DEFAULTS, **membership.settings(number), **settings, "log.dirs": str(data)}
    file = folder / "server.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in all_settings.items()))
    return file


def command(java: Path, jars: Path, file: Path, options: Sequence[str] = ()) -> list[str]:
    """The command that runs a broker."""
    return [str(java), *JAVA_OPTIONS, *options, "-cp", f"{jars}/*", MAIN, str(file)]
