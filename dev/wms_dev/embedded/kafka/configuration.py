"""The server.properties and the Java options of a broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Brokers start often and run briefly, so only the first JIT compiler is enabled.
JAVA_OPTIONS = (
    *("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    *("-Djava.net.preferIPv4Stack=true", "-Dorg.slf4j.simpleLogger.showDateTime=true"),
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    # Without this each broker logs about three hundred lines of settings, three times.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)
MAIN = "kafka.Kafka"

# Topics are not created automatically. The loss and the return of a broker are detected within two seconds.
DEFAULT_SETTINGS = {
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
# Clients use the requested protocol. The brokers themselves and the check `is_serving` always use plain text.
LISTENERS = "CLIENTS://127.0.0.1:{0.clients},BROKERS://127.0.0.1:{0.brokers}"


@dataclass(frozen=True)
class BrokerPorts:
    """The ports of a broker for clients, for other brokers, and as a controller."""

    clients: int
    brokers: int
    controllers: int


@dataclass(frozen=True)
class ClusterConfig:
    """The members of a cluster. `protocol` is that of the clients, for example SASL_SSL."""

    cluster_id: str
    ports: Sequence[BrokerPorts]
    protocol: str

    def settings(self, number: int) -> dict[str, str]:
        """Return the settings with which broker `number`, from 1, finds the others."""
        own_ports = self.ports[number - 1]
        listeners = LISTENERS.format(own_ports)
        voters = (f"{id_}@127.0.0.1:{ports.controllers}" for id_, ports in enumerate(self.ports, start=1))
        replicas = min(3, len(self.ports))
        return {
            "process.roles": "broker,controller",
            "node.id": str(number),
            "controller.quorum.voters": ",".join(voters),
            "listeners": f"{listeners},CONTROLLERS://127.0.0.1:{own_ports.controllers}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": (
                f"CLIENTS:{self.protocol},BROKERS:PLAINTEXT,CONTROLLERS:PLAINTEXT"
            ),
            "inter.broker.listener.name": "BROKERS",
            "controller.listener.names": "CONTROLLERS",
            "default.replication.factor": str(replicas),
            "min.insync.replicas": str(max(1, replicas - 1)),
            "offsets.topic.replication.factor": str(replicas),
            "transaction.state.log.replication.factor": str(replicas),
            "transaction.state.log.min.isr": str(max(1, replicas - 1)),
        }


def write_configuration(
    folder: Path, number: int, membership: ClusterConfig, settings: Mapping[str, str]
) -> Path:
    """Write the configuration of broker `number` into its folder and return the file.

    `settings` override all defaults.
    """
    data = folder / "data"
    data.mkdir()
    # The only result of `kafka-storage format` that a broker needs. Running it would take a second.
    (data / "meta.properties").write_text(
        f"version=1\ncluster.id={membership.cluster_id}\nnode.id={number}\n"
    )
    all_settings = {**DEFAULT_SETTINGS, **membership.settings(number), **settings, "log.dirs": str(data)}
    file = folder / "server.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in all_settings.items()))
    return file


def build_command(java: Path, jars: Path, config_path: Path, options: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a broker."""
    return [str(java), *JAVA_OPTIONS, *options, "-cp", f"{jars}/*", MAIN, str(config_path)]
