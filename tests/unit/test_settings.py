"""Settings: read once from the environment; a wrong value names its variable and never shows a secret."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from wms_core.domain.retries import RetryPolicy
from wms_core.secret_files import secret_names
from wms_core.settings import CoreSettings, duration, postgres_url, read_settings, try_settings
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

URL = "postgresql://wms:hunter2@db:5432/orders"
KINDS: tuple[type[CoreSettings], ...] = (CoreSettings, ServerSettings, WorkerSettings)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give an environment with the database's address and no other setting."""
    for kind in KINDS:
        for name in kind.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
            monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.setenv("DATABASE_URL", URL)
    return monkeypatch


def _complaint(kind: type[CoreSettings]) -> str:
    with pytest.raises(SystemExit) as caught:
        read_settings(kind)
    return str(caught.value.code)


@pytest.mark.parametrize("kind", KINDS)
def test_the_database_is_all_that_has_to_be_said(kind: type[CoreSettings]) -> None:
    """Everything else has a default."""
    settings = read_settings(kind)
    assert settings.database_url.get_secret_value() == URL
    assert settings.retry_policy == RetryPolicy()


def test_the_table_of_the_order_service_holds() -> None:
    """Its variables have the defaults that its document prints; DATABASE_URL stands for MongoDB's two."""
    server, worker = read_settings(ServerSettings), read_settings(WorkerSettings)
    assert server.service_name == "order-service"
    assert server.server_addr == ":8001"
    assert server.otel_exporter_otlp_endpoint == "localhost:4317"
    assert server.tracing_enabled is True
    assert server.log_level == "info"
    assert worker.kafka_brokers == ""


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_database_the_process_says_so(
    kind: type[CoreSettings], environment: pytest.MonkeyPatch
) -> None:
    """The one variable without a default is named."""
    environment.delenv("DATABASE_URL")
    assert _complaint(kind) == (
        "The configuration is wrong:\n  DATABASE_URL: it has to be given, or DATABASE_URL_FILE"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_says_what_it_means(kind: type[CoreSettings]) -> None:
    """The description is a sentence, for docs/configuration.md and for people who read the code."""
    for name, field in kind.model_fields.items():
        assert (field.description or "").endswith("."), name


WRONG = [
    (CoreSettings, "SERVICE_NAME", ""),
    (CoreSettings, "DATABASE_POOL_SIZE", "0"),
    (CoreSettings, "DATABASE_POOL_SIZE", "many"),
    (CoreSettings, "DATABASE_STATEMENT_CACHE", "-1"),
    (CoreSettings, "DATABASE_STATEMENT_CACHE", "10001"),
    (CoreSettings, "DATABASE_STATEMENT_TIMEOUT", "0"),
    (CoreSettings, "DATABASE_STATEMENT_TIMEOUT", "100d"),
    (CoreSettings, "DATABASE_URL", ""),
    (CoreSettings, "DATABASE_URL", "mysql://wms:hunter2@db/orders"),
    (CoreSettings, "DATABASE_URL", "hunter2"),
    (CoreSettings, "DATABASE_URL", "postgresql://wms:hunter2#3@db:5432/orders"),
    (CoreSettings, "DATABASE_URL", "postgresql://wms:hunter2/3@db:5432/orders"),
    (CoreSettings, "DATABASE_URL", "postgresql://wms:hunter2@db:port/orders"),
    (CoreSettings, "DATABASE_URL", "postgresql://wms:hunter2@[db/orders"),
    (CoreSettings, "DATABASE_URL", "postgresql://wms:[hunter2]@db/orders"),
    (CoreSettings, "DATABASE_URL", "postgresql://wms:hunter2\u2100x@db/orders"),
    (CoreSettings, "DEFAULT_WAREHOUSE_ID", "WH 01"),
    (CoreSettings, "MAX_RETRIES", "0"),
    (CoreSettings, "MAX_RETRIES", "101"),
    (CoreSettings, "RETRY_BASE", "-15m"),
    (CoreSettings, "RETRY_BASE", "0"),
    (CoreSettings, "RETRY_CAP", "fortnight"),
    (CoreSettings, "RETRY_CAP", "99999999999999d"),
    (CoreSettings, "RETRY_CAP", "9" * 400),
    (CoreSettings, "RETRY_JITTER", "1.5"),
    (CoreSettings, "RETRY_JITTER", "nan"),
    (CoreSettings, "PARTIAL_FULFILLMENT_MIN_RATIO", "0"),
    (CoreSettings, "EVENT_MAX_BYTES", "999"),
    (CoreSettings, "TRACING_ENABLED", "often"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_ENDPOINT", ""),
    (CoreSettings, "OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector:4317"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", ""),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", "token="),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", "token=hunter2,"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", "token=hunter2%FF"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", "token=hunter2%0A"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", "token-bin=hunter2"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", "grpc-timeout=hunter2"),
    (CoreSettings, "OTEL_EXPORTER_OTLP_HEADERS", "X Token=hunter2"),
    (CoreSettings, "OTEL_TRACES_SAMPLER_ARG", "10%"),
    (CoreSettings, "LOG_LEVEL", "loud"),
    (CoreSettings, "LOG_FORMAT", "xml"),
    (ServerSettings, "SERVER_PROCESSES", "65"),
    (ServerSettings, "SERVER_ADDR", "8001"),
    (ServerSettings, "SERVER_ADDR", ""),
    (ServerSettings, "HTTP_ADDR", "localhost:http"),
    (ServerSettings, "HTTP_ALLOWED_HOSTS", "https://orders.example"),
    (ServerSettings, "HTTP_REQUEST_TIMEOUT", "0"),
    (ServerSettings, "DATABASE_LOCK_TIMEOUT", "0"),
    (ServerSettings, "HTTP_KEEP_ALIVE_TIMEOUT", "0"),
    (ServerSettings, "HTTP_MAX_CONNECTIONS", "0"),
    (ServerSettings, "HTTP_MAX_CONNECTIONS_PER_PEER", "0"),
    (ServerSettings, "DEFAULT_CURRENCY", "dollars"),
    (ServerSettings, "REFLECTION_ENABLED", "perhaps"),
    (ServerSettings, "CHANNELZ_ENABLED", ""),
    (ServerSettings, "PAGE_TOKEN_KEYS", "hunter2"),
    (ServerSettings, "MAX_IN_FLIGHT", "0"),
    (ServerSettings, "MAX_BYTES_IN_FLIGHT", "1000000"),
    (ServerSettings, "GRPC_MAX_CONNECTIONS", "0"),
    (ServerSettings, "GRPC_STREAMS_PER_CONNECTION", "0"),
    (ServerSettings, "GRPC_CONNECTION_IDLE", "0s"),
    (ServerSettings, "MAX_STREAMS", "-1"),
    (ServerSettings, "WATCH_HEARTBEAT", "0s"),
    (ServerSettings, "WATCH_BUFFER", "1e3"),
    (ServerSettings, "GROUP_COMMIT_CALLS", "501"),
    (ServerSettings, "DEADLINE_CAP", "0"),
    (ServerSettings, "DRAIN_GRACE", "soon"),
    (ServerSettings, "CONNECTION_AGE", "999ms"),
    (ServerSettings, "DRAIN_DELAY", "-1s"),
    (ServerSettings, "READINESS_INTERVAL", "0"),
    (WorkerSettings, "READINESS_REQUIRES_KAFKA", "perhaps"),
    (ServerSettings, "WATCH_BUFFER_BYTES", "1000"),
    (ServerSettings, "REQUEST_ANSWERS_KEPT", "1h"),
    (ServerSettings, "EVENT_RETENTION", "0"),
    (WorkerSettings, "KAFKA_BROKERS", "kafka"),
    (WorkerSettings, "KAFKA_TOPIC", "wms orders"),
    (WorkerSettings, "KAFKA_TOPIC_CREATE", "maybe"),
    (WorkerSettings, "KAFKA_TOPIC_PARTITIONS", "0"),
    (WorkerSettings, "KAFKA_TOPIC_REPLICATION", "-2"),
    (WorkerSettings, "KAFKA_COMPRESSION", "rar"),
    (WorkerSettings, "KAFKA_REQUEST_TIMEOUT", "10ms"),
    (WorkerSettings, "KAFKA_TLS", "tls"),
    (WorkerSettings, "KAFKA_CA_FILE", "/no/such/file"),
    (WorkerSettings, "KAFKA_CERTIFICATE_FILE", "/no/such/file"),
    (WorkerSettings, "KAFKA_KEY_FILE", "/no/such/file"),
    (WorkerSettings, "KAFKA_KEY_PASSWORD", ""),
    (WorkerSettings, "KAFKA_CHECK_HOSTNAME", "mostly"),
    (WorkerSettings, "KAFKA_SASL_MECHANISM", "GSSAPI"),
    (WorkerSettings, "KAFKA_SASL_USERNAME", ""),
    (WorkerSettings, "KAFKA_SASL_PASSWORD", ""),
    (WorkerSettings, "ZOOKEEPER_HOSTS", "zk-1:2181;zk-2:2181"),
    (WorkerSettings, "ZOOKEEPER_HOSTS", "zk-1:2181/orders"),
    (WorkerSettings, "ZOOKEEPER_PATH", "wms"),
    (WorkerSettings, "ZOOKEEPER_PATH", "/"),
    (WorkerSettings, "ZOOKEEPER_SESSION_TIMEOUT", "0"),
    (WorkerSettings, "ZOOKEEPER_TLS", "2"),
    (WorkerSettings, "ZOOKEEPER_CA_FILE", "/no/such/file"),
    (WorkerSettings, "ZOOKEEPER_CERTIFICATE_FILE", "/no/such/file"),
    (WorkerSettings, "ZOOKEEPER_KEY_FILE", ""),
    (WorkerSettings, "ZOOKEEPER_KEY_PASSWORD", ""),
    (WorkerSettings, "ZOOKEEPER_CHECK_HOSTNAME", "mostly"),
    (WorkerSettings, "ZOOKEEPER_SASL_USERNAME", ""),
    (WorkerSettings, "ZOOKEEPER_SASL_PASSWORD", ""),
    (WorkerSettings, "WORKER_ADDR", "localhost"),
    (WorkerSettings, "WORKER_HTTP_ADDR", "8082"),
    (WorkerSettings, "WORKER_ID", "a b"),
    (WorkerSettings, "WORKER_ROLES", "fulfillment,dancing"),
    (WorkerSettings, "FULFILLMENT_INTERVAL", "0"),
    (WorkerSettings, "AUTO_VALIDATE", "no way"),
    (WorkerSettings, "CYCLE_BATCH", "5001"),
    (WorkerSettings, "WAVE_SIZE", "501"),
    (WorkerSettings, "RELOCATION_LIMIT", "-1"),
    (WorkerSettings, "RUNS_KEPT", "for ever"),
    (WorkerSettings, "MOVE_TIMEOUT", "0"),
    (WorkerSettings, "STANDALONE_LEASE", "0"),
    (WorkerSettings, "UNFULFILLED_AFTER_SAME_DAY", "4 hours"),
    (WorkerSettings, "UNFULFILLED_AFTER_NEXT_DAY", "24:00"),
    (WorkerSettings, "UNFULFILLED_AFTER_STANDARD", "1w"),
    (WorkerSettings, "METRICS_REFRESH", "-5"),
]


@pytest.mark.parametrize(
    ("grpc", "http", "fault"),
    [
        (":8001", ":8001", True),
        ("127.0.0.1:8001", ":8001", True),
        ("127.0.0.1:8001", "127.0.0.1:8001", True),
        (":9001", ":8001", False),
        ("127.0.0.1:8001", "127.0.0.2:8001", False),
        (":8001", "", False),
    ],
)
def test_grpc_and_http_need_a_port_each(
    grpc: str, http: str, fault: bool, environment: pytest.MonkeyPatch
) -> None:
    """Both are named when they have the same: each by itself would be told as taken by another program."""
    environment.setenv("SERVER_ADDR", grpc)
    environment.setenv("HTTP_ADDR", http)
    _, faults = try_settings(ServerSettings)
    assert [f"SERVER_ADDR={grpc} (gRPC) and HTTP_ADDR={http}" in text for text in faults.values()] == (
        [True] if fault else []
    )


def test_every_variable_has_values_that_are_refused() -> None:
    """So none of them is taken as it comes."""
    names = {name.upper() for kind in KINDS for name in kind.model_fields}
    assert {variable for _, variable, _ in WRONG} == names


@pytest.mark.parametrize(("kind", "variable", "value"), WRONG)
def test_a_wrong_value_is_told_with_its_variable_and_what_is_allowed(
    kind: type[CoreSettings], variable: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    """One line: the variable, what is allowed, what was given; a secret is never shown."""
    environment.setenv(variable, value)
    complaint = _complaint(kind)
    assert complaint.count("\n") == 1
    line = complaint.splitlines()[1]
    assert line.startswith(f"  {variable}: ")
    assert "hunter" not in line
    if variable.lower() in secret_names(kind):
        assert len(line) > len(f"  {variable}: ") + 10
    else:
        shown = repr(value) if len(value) <= 100 else f"{value[:100]!r}…"
        assert line.endswith(f", not {shown}")
        assert len(line) > len(f"  {variable}: , not {shown}") + 10


def test_every_wrong_value_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    """Nobody has to start a process three times to find three mistakes."""
    for variable in ("MAX_RETRIES", "RETRY_CAP", "LOG_LEVEL"):
        environment.setenv(variable, "wrong")
    lines = _complaint(CoreSettings).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == ["MAX_RETRIES", "RETRY_CAP", "LOG_LEVEL"]


def test_no_form_of_the_settings_shows_the_password() -> None:
    """Printed, logged or dumped, the address of the database is stars."""
    settings: Any = read_settings(CoreSettings)
    for text in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "hunter2" not in text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("1.5s", timedelta(seconds=1.5)),
        ("15m", timedelta(minutes=15)),
        (" 6 h ", timedelta(hours=6)),
        ("2d", timedelta(days=2)),
        ("90", timedelta(seconds=90)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, wanted: timedelta) -> None:
    """Milliseconds to days; a bare number is seconds."""
    assert duration(text) == wanted


@given(st.text())
def test_any_other_text_is_refused_as_no_duration(text: str) -> None:
    """Whatever is written there, the process says what it expects instead of breaking down."""
    try:
        value = duration(text)
    except ValueError as error:
        assert str(error).startswith("a duration is")  # noqa: PT017 # either outcome is right
    else:
        assert isinstance(value, timedelta)
        assert timedelta(0) <= value <= timedelta(days=3650)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "postgres://db/orders",
        "postgresql:///orders?host=/var/run/postgresql",
        "postgresql://wms@[::1]:5432/orders",
        "postgresql://wms:p%40ss@one:5432,two:5433/orders?target_session_attrs=primary",
    ],
)
def test_every_form_of_a_postgres_address_is_accepted(url: str) -> None:
    """Sockets, IPv6, several hosts, escaped passwords."""
    assert postgres_url(SecretStr(url)).get_secret_value() == url


def test_values_come_from_the_environment_in_either_case(environment: pytest.MonkeyPatch) -> None:
    """Names are those of the environment; others are not ours and are passed over."""
    environment.setenv("RETRY_BASE", "500ms")
    environment.setenv("max_retries", "3")
    environment.setenv("RETRY_JITTER", "0.5")
    environment.setenv("SOMETHING_ELSE", "1")
    policy = read_settings(WorkerSettings).retry_policy
    assert policy == RetryPolicy(3, timedelta(milliseconds=500), timedelta(hours=6), 0.5)


def test_the_settings_reach_the_pool(environment: pytest.MonkeyPatch) -> None:
    """Size, timeout and the name that Postgres shows."""
    environment.setenv("DATABASE_POOL_SIZE", "7")
    environment.setenv("DATABASE_STATEMENT_TIMEOUT", "2s")
    options = read_settings(CoreSettings).pool_options("order-service-server")
    assert (options.max_size, options.statement_timeout) == (7, 2.0)
    assert options.application_name == "order-service-server"


@pytest.mark.parametrize(
    "given",
    [
        {"ZOOKEEPER_CA_FILE": __file__},
        {"ZOOKEEPER_SASL_USERNAME": "wms"},
        {"ZOOKEEPER_SASL_PASSWORD": "hunter2"},
    ],
)
def test_settings_of_zookeeper_that_need_another_say_which(
    given: dict[str, str], environment: pytest.MonkeyPatch
) -> None:
    """A half that would silently do nothing is refused."""
    for variable, value in given.items():
        environment.setenv(variable, value)
    complaint = _complaint(WorkerSettings)
    assert "ZOOKEEPER_TLS" in complaint or "ZOOKEEPER_SASL_PASSWORD" in complaint
    assert "hunter2" not in complaint


def test_without_hosts_there_is_no_ensemble(environment: pytest.MonkeyPatch) -> None:
    """Then Postgres elects; with them, all about ZooKeeper is in one place, and no secret shows."""
    assert read_settings(WorkerSettings).ensemble is None
    given = {
        "HOSTS": "zk-1:2181,[::1]:2182",
        "TLS": "true",
        "SASL_USERNAME": "wms",
        "SASL_PASSWORD": "hunter2",
    }
    for variable, value in given.items():
        environment.setenv(f"ZOOKEEPER_{variable}", value)
    ensemble = read_settings(WorkerSettings).ensemble
    assert ensemble is not None
    assert (ensemble.hosts, ensemble.seconds) == (given["HOSTS"], 6.0)
    assert ensemble.tls is not None
    assert ensemble.login is not None
    assert ensemble.login.password == "hunter2"
    assert "hunter2" not in repr(ensemble)
