"""The zoo.cfg and the Java options of a node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The stored data is small and need not survive a power failure.
JAVA_OPTIONS = (
    *("-Xms16m", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    *("-Dzookeeper.forceSync=no", "-Djava.net.preferIPv4Stack=true", "-Dzookeeper.jmx.log4j.disable=true"),
    *("-Dorg.slf4j.simpleLogger.defaultLogLevel=info", "-Dorg.slf4j.simpleLogger.showDateTime=true"),
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

# Short ticks allow session timeouts of a second, and a quorum forms and breaks quickly.
DEFAULT_SETTINGS = {
    "tickTime": "250",
    "minSessionTimeout": "500",
    "maxSessionTimeout": "60000",
    "initLimit": "40",
    "syncLimit": "8",
    "admin.enableServer": "false",
    "maxClientCnxns": "0",
    "4lw.commands.whitelist": "srvr",
    "snapshot.compression.method": "CHECKED",
}


@dataclass(frozen=True)
class NodePorts:
    """The ports of a node for clients, for other nodes, and for the leader election among them."""

    client: int
    quorum: int
    election: int


def write_configuration(
    folder: Path, number: int, ensemble: Sequence[NodePorts], settings: Mapping[str, str]
) -> Path:
    """Write the configuration of node `number`, from 1, into its folder and return the file."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    fixed_settings = {
        "dataDir": str(data),
        "clientPort": str(ensemble[number - 1].client),
        "clientPortAddress": "127.0.0.1",
    }
    if len(ensemble) > 1:
        (data / "myid").write_text(f"{number}\n")
        for id_, ports in enumerate(ensemble, start=1):
            fixed_settings[f"server.{id_}"] = f"127.0.0.1:{ports.quorum}:{ports.election}"
    file = folder / "zoo.cfg"
    file.write_text(
        "".join(
            f"{key}={value}\n" for key, value in {**DEFAULT_SETTINGS, **settings, **fixed_settings}.items()
        )
    )
    return file


def build_command(java: Path, jars: Path, config_path: Path, options: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a node."""
    return [str(java), *JAVA_OPTIONS, *options, "-cp", f"{jars}/*", MAIN, str(config_path)]
