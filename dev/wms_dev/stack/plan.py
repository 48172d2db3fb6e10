"""What the launchers take from their environment; nothing else here reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from wms_dev.embedded_postgres import default_data_dir
from wms_dev.stack.address import Address

PROJECT_ROOT = Path(__file__).resolve().parents[3]
# Ours to say for each child; the caller's environment must not say otherwise.
SERVER_ADDR, WORKER_ADDR, DATABASE_URL = "SERVER_ADDR", "WORKER_ADDR", "DATABASE_URL"
HTTP_ADDR, WORKER_HTTP_ADDR = "HTTP_ADDR", "WORKER_HTTP_ADDR"
COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
KAFKA_BROKERS, KAFKA_TOPIC = "KAFKA_BROKERS", "KAFKA_TOPIC"
TOPIC = "wms.orders.events"
DEV_DEFAULTS = {"MOVE_TIMEOUT": "1m"}
DEMO_SETTINGS = {
    "WORKER_ID": "demo-worker",
    # Minutes and hours in real life; the demo is to show five failures in seconds.
    "FULFILLMENT_INTERVAL": "200ms",
    "RETRY_BASE": "500ms",
    "RETRY_CAP": "4s",
    "MAX_RETRIES": "5",
    "WAVE_SIZE": "25",
}
# Ten minutes of the warehouse in a second, and a little of everything that goes wrong in one.
DEMO_WAREHOUSE = (
    *("--seed", "1", "--speed", "600", "--crane-trips", "2"),
    *("--breakdown-rate", "0.01", "--lost-rate", "0.01", "--damaged-rate", "0.01"),
    *("--not-found-rate", "0.01", "--mismatch-rate", "0.01"),
)


class KafkaSource(Enum):
    """Where the events go."""

    NONE = "nowhere"
    GIVEN = "the one of KAFKA_BROKERS"
    OWN = "a broker of our own"
    MOCK = "librdkafka's imitation, which needs no Java and keeps nothing"


@dataclass(frozen=True)
class Plan:
    """Where everything is to listen and keep its data.

    `http` and `worker_http` None mean no HTTP. `database_url` None means a Postgres of our own, in `data_dir`
    when that is set, else a temporary one.
    `needs_active_worker`: our worker must be the one that fulfils, before anything else begins.
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
        """Raise `AddressWrong` for an address that is taken."""
        self.server.require_free(SERVER_ADDR)
        if self.http:
            self.http.require_free(HTTP_ADDR)
        self.worker.require_free(WORKER_ADDR)
        if self.worker_http:
            self.worker_http.require_free(WORKER_HTTP_ADDR)

    @property
    def topic(self) -> str:
        """The topic that events go to."""
        return self.environment.get(KAFKA_TOPIC) or TOPIC

    def child_environment(self, database_url: str, kafka_brokers: str) -> dict[str, str]:
        """The environment of server, worker and migrations."""
        ours = {
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
            # Postgres, the worker and the simulator want cores too, and one log is easier to follow.
            "SERVER_PROCESSES": "1",
            **untraced(self.environment),
            **self.environment,
            **self.settings,
            **ours,
        }


def untraced(environment: Mapping[str, str]) -> dict[str, str]:
    """Switch spans off, as nobody here collects them, unless the caller says where to."""
    return {} if COLLECTOR in environment else {"TRACING_ENABLED": "false"}


def dev_plan(environment: Mapping[str, str]) -> Plan:
    """`make dev`: the contract's ports on loopback, data that is kept; every variable is the caller's.

    Raises `AddressWrong`.
    """
    given = environment.get("DATA_DIR")
    return Plan(
        server=_address(environment, SERVER_ADDR) or Address.parse(SERVER_ADDR, "127.0.0.1:8001"),
        # Empty: nowhere, as for the server itself.
        http=_address({HTTP_ADDR: "127.0.0.1:8080", **environment}, HTTP_ADDR),
        worker=_address(environment, WORKER_ADDR) or Address.parse(WORKER_ADDR, "127.0.0.1:8002"),
        worker_http=_address({WORKER_HTTP_ADDR: "127.0.0.1:8082", **environment}, WORKER_HTTP_ADDR),
        warehouse_id=environment.get("DEFAULT_WAREHOUSE_ID") or "WH-01",
        database_url=environment.get(DATABASE_URL) or None,
        data_dir=Path(given).absolute() if given else default_data_dir(PROJECT_ROOT),
        settings={key: value for key, value in DEV_DEFAULTS.items() if key not in environment},
        # Somebody else's database may have somebody else's worker.
        needs_active_worker=not environment.get(DATABASE_URL),
        kafka=_kafka(environment, KafkaSource.OWN if environment.get("KAFKA") == "1" else KafkaSource.NONE),
        environment=environment,
    )


def demo_plan(environment: Mapping[str, str]) -> Plan:
    """`make demo`: free ports and temporary data unless the caller says otherwise, delays in seconds.

    Raises `AddressWrong`.
    """
    return Plan(
        server=_address(environment, SERVER_ADDR) or Address.free(),
        http=_address(environment, HTTP_ADDR),
        worker=_address(environment, WORKER_ADDR) or Address.free(),
        worker_http=_address(environment, WORKER_HTTP_ADDR),
        warehouse_id=environment.get("DEFAULT_WAREHOUSE_ID") or "WH-01",
        database_url=environment.get(DATABASE_URL) or None,
        data_dir=None,
        settings=DEMO_SETTINGS,
        needs_active_worker=True,
        kafka=_kafka(environment, KafkaSource.MOCK),
        simulator_options=DEMO_WAREHOUSE,
        environment=environment,
    )


def _kafka(environment: Mapping[str, str], else_: KafkaSource) -> KafkaSource:
    return KafkaSource.GIVEN if environment.get(KAFKA_BROKERS) else else_


def _address(environment: Mapping[str, str], variable: str) -> Address | None:
    text = environment.get(variable)
    return Address.parse(variable, text) if text else None
