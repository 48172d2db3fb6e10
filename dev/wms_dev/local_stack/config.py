"""Settings of the launchers. Only this module reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from wms_dev.embedded.postgres import default_data_dir
from wms_dev.local_stack.address import Address

PROJECT_ROOT = Path(__file__).resolve().parents[3]
# The launcher sets these for each child; they override the caller's environment.
SERVER_ADDR, WORKER_ADDR, DATABASE_URL = "SERVER_ADDR", "WORKER_ADDR", "DATABASE_URL"
HTTP_ADDR, WORKER_HTTP_ADDR = "HTTP_ADDR", "WORKER_HTTP_ADDR"
COLLECTOR_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
KAFKA_BROKERS, KAFKA_TOPIC = "KAFKA_BROKERS", "KAFKA_TOPIC"
DEFAULT_TOPIC = "wms.orders.events"
DEV_DEFAULTS = {"MOVE_TIMEOUT": "1m"}
DEMO_SETTINGS = {
    "WORKER_ID": "demo-worker",
    # The demo must show five failures in seconds instead of minutes and hours.
    "FULFILLMENT_INTERVAL": "200ms",
    "RETRY_BASE": "500ms",
    "RETRY_CAP": "4s",
    "MAX_RETRIES": "5",
    "WAVE_SIZE": "25",
}
# One second simulates ten minutes. Each kind of fault occurs a few times in a demo.
DEMO_SIMULATOR_OPTIONS = (
    *("--seed", "1", "--speed", "600", "--crane-trips", "2"),
    *("--breakdown-rate", "0.01", "--lost-rate", "0.01", "--damaged-rate", "0.01"),
    *("--not-found-rate", "0.01", "--mismatch-rate", "0.01"),
)


class KafkaSource(Enum):
    """The Kafka to which the relay publishes. The values are printed."""

    NONE = "off"
    EXTERNAL = "the brokers of KAFKA_BROKERS"
    EMBEDDED = "an embedded broker"
    MOCK = "the mock of librdkafka, in memory and without Java"


@dataclass(frozen=True)
class StackConfig:
    """Addresses, data folder and settings of all processes.

    `http` and `worker_http` are None when HTTP is off. `database_url` None means an embedded Postgres in
    `data_dir`, or a temporary one if that is None, too. `needs_active_worker`: this worker must be the leader
    of the fulfillment role before the simulator starts.
    """

    server: Address
    http: Address | None
    worker: Address
    worker_http: Address | None
    warehouse_id: str
    database_url: str | None
    data_dir: Path | None
    settings: Mapping[str, str]
    needs_active_worker: bool
    kafka: KafkaSource
    simulator_options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def require_free_ports(self) -> None:
        """Raise `InvalidAddress` for an address that is in use."""
        self.server.require_free(SERVER_ADDR)
        if self.http:
            self.http.require_free(HTTP_ADDR)
        self.worker.require_free(WORKER_ADDR)
        if self.worker_http:
            self.worker_http.require_free(WORKER_HTTP_ADDR)

    @property
    def topic(self) -> str:
        """The topic to which the relay publishes."""
        return self.environment.get(KAFKA_TOPIC) or DEFAULT_TOPIC

    def child_environment(self, database_url: str, kafka_brokers: str) -> dict[str, str]:
        """Return the environment of server, worker and migrations."""
        fixed_variables = {
            DATABASE_URL: database_url,
            KAFKA_BROKERS: kafka_brokers,
            SERVER_ADDR: str(self.server),
            HTTP_ADDR: str(self.http or ""),
            WORKER_ADDR: str(self.worker),
            WORKER_HTTP_ADDR: str(self.worker_http or ""),
            "DEFAULT_WAREHOUSE_ID": self.warehouse_id,
            "PYTHONUNBUFFERED": "1",
        }
        return {
            "LOG_FORMAT": "pretty",
            # One process leaves CPU cores to Postgres, worker and simulator, and writes a single log.
            "SERVER_PROCESSES": "1",
            **default_tracing_variables(self.environment),
            **self.environment,
            **self.settings,
            **fixed_variables,
        }


def default_tracing_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the setting that disables tracing, unless the environment names a collector."""
    return {} if COLLECTOR_VARIABLE in environment else {"TRACING_ENABLED": "false"}


def dev_stack_config(environment: Mapping[str, str]) -> StackConfig:
    """Return the configuration of `make dev`: the default ports on loopback and persistent data.

    Raises:
        InvalidAddress: A variable contains an invalid address.
    """
    data_dir_text = environment.get("DATA_DIR")
    return StackConfig(
        server=_parse_address(environment, SERVER_ADDR) or Address.parse(SERVER_ADDR, "127.0.0.1:8001"),
        # Empty turns HTTP off, as in the server itself.
        http=_parse_address({HTTP_ADDR: "127.0.0.1:8080", **environment}, HTTP_ADDR),
        worker=_parse_address(environment, WORKER_ADDR) or Address.parse(WORKER_ADDR, "127.0.0.1:8002"),
        worker_http=_parse_address({WORKER_HTTP_ADDR: "127.0.0.1:8082", **environment}, WORKER_HTTP_ADDR),
        warehouse_id=environment.get("DEFAULT_WAREHOUSE_ID") or "WH-01",
        database_url=environment.get(DATABASE_URL) or None,
        data_dir=Path(data_dir_text).absolute() if data_dir_text else default_data_dir(PROJECT_ROOT),
        settings={key: value for key, value in DEV_DEFAULTS.items() if key not in environment},
        # An external database may have an external worker as its leader.
        needs_active_worker=not environment.get(DATABASE_URL),
        kafka=_select_kafka(
            environment, KafkaSource.EMBEDDED if environment.get("KAFKA") == "1" else KafkaSource.NONE
        ),
        environment=environment,
    )


def demo_stack_config(environment: Mapping[str, str]) -> StackConfig:
    """Return the configuration of `make demo`: free ports, temporary data, delays in seconds.

    Variables of the environment replace the ports and the database.

    Raises:
        InvalidAddress: A variable contains an invalid address.
    """
    return StackConfig(
        server=_parse_address(environment, SERVER_ADDR) or Address.on_free_port(),
        http=_parse_address(environment, HTTP_ADDR),
        worker=_parse_address(environment, WORKER_ADDR) or Address.on_free_port(),
        worker_http=_parse_address(environment, WORKER_HTTP_ADDR),
        warehouse_id=environment.get("DEFAULT_WAREHOUSE_ID") or "WH-01",
        database_url=environment.get(DATABASE_URL) or None,
        data_dir=None,
        settings=DEMO_SETTINGS,
        needs_active_worker=True,
        kafka=_select_kafka(environment, KafkaSource.MOCK),
        simulator_options=DEMO_SIMULATOR_OPTIONS,
        environment=environment,
    )


def _select_kafka(environment: Mapping[str, str], fallback: KafkaSource) -> KafkaSource:
    return KafkaSource.EXTERNAL if environment.get(KAFKA_BROKERS) else fallback


def _parse_address(environment: Mapping[str, str], variable: str) -> Address | None:
    text = environment.get(variable)
    return Address.parse(variable, text) if text else None
