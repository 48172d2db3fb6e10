"""Settings are read once from the environment. An error names its variable and never shows a secret."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from wms_core.config.secret_files import list_secret_names
from wms_core.config.settings import (
    CoreSettings,
    check_postgres_url,
    parse_duration,
    read_settings,
    try_settings,
)
from wms_core.domain.failures.failures import RetryPolicy
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

URL = "postgresql://wms:hunter2@db:5432/orders"
KINDS: tuple[type[CoreSettings], ...] = (CoreSettings, ServerSettings, WorkerSettings)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment with the database address and no other setting."""
    for kind in KINDS:
        for name in kind.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
            monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.setenv("DATABASE_URL", URL)
    return monkeypatch


def _error_text(kind: type[CoreSettings]) -> str:
    with pytest.raises(SystemExit) as caught:
        read_settings(kind)
    return str(caught.value.code)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_database_address_is_required(kind: type[CoreSettings]) -> None:
    """Every other setting has a default."""
    settings = read_settings(kind)
    assert settings.database_url.get_secret_value() == URL
    assert settings.retry_policy == RetryPolicy()


def test_defaults_are_those_of_the_specification() -> None:
    """DATABASE_URL replaces the two MongoDB variables of the Order Service specification."""
    server, worker = read_settings(ServerSettings), read_settings(WorkerSettings)
    assert server.service_name == "order-service"
    assert server.server_addr == ":8001"
    assert server.otel_exporter_otlp_endpoint == "localhost:4317"
    assert server.tracing_enabled is True
    assert server.log_level == "info"
    assert worker.kafka_brokers == ""


@pytest.mark.parametrize("kind", KINDS)
def test_missing_database_address_is_reported(
    kind: type[CoreSettings], environment: pytest.MonkeyPatch
) -> None:
    """The error names the only variable without a default."""
    environment.delenv("DATABASE_URL")
    assert _error_text(kind) == (
        "The configuration is wrong:\n  DATABASE_URL: it must be set, or DATABASE_URL_FILE"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_has_a_description(kind: type[CoreSettings]) -> None:
    """The description is a sentence for docs/guides/configuration.md and for readers of the code."""
    for name, field in kind.model_fields.items():
        assert (field.description or "").endswith("."), name


INVALID = [
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
    ("grpc", "http", "is_error"),
    [
        (":8001", ":8001", True),
        ("127.0.0.1:8001", ":8001", True),
        ("127.0.0.1:8001", "127.0.0.1:8001", True),
        (":9001", ":8001", False),
        ("127.0.0.1:8001", "127.0.0.2:8001", False),
        (":8001", "", False),
    ],
)
def test_grpc_and_http_need_different_ports(
    grpc: str, http: str, is_error: bool, environment: pytest.MonkeyPatch
) -> None:
    """The error names both. Otherwise each one would be reported as in use by another program."""
    environment.setenv("SERVER_ADDR", grpc)
    environment.setenv("HTTP_ADDR", http)
    _, errors = try_settings(ServerSettings)
    assert [f"SERVER_ADDR={grpc} (gRPC) and HTTP_ADDR={http}" in text for text in errors.values()] == (
        [True] if is_error else []
    )


def test_every_variable_has_rejected_values() -> None:
    """Each variable is validated."""
    names = {name.upper() for kind in KINDS for name in kind.model_fields}
    assert {variable for _, variable, _ in INVALID} == names


@pytest.mark.parametrize(("kind", "variable", "value"), INVALID)
def test_invalid_value_is_reported_with_its_variable_and_allowed_values(
    kind: type[CoreSettings], variable: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    """The error is one line: the variable, the allowed values, the present value. It never shows a secret."""
    environment.setenv(variable, value)
    error_text = _error_text(kind)
    assert error_text.count("\n") == 1
    line = error_text.splitlines()[1]
    assert line.startswith(f"  {variable}: ")
    assert "hunter" not in line
    if variable.lower() in list_secret_names(kind):
        assert len(line) > len(f"  {variable}: ") + 10
    else:
        shown_value = repr(value) if len(value) <= 100 else f"{value[:100]!r}…"
        assert line.endswith(f", not {shown_value}")
        assert len(line) > len(f"  {variable}: , not {shown_value}") + 10


def test_all_invalid_values_are_reported_at_once(environment: pytest.MonkeyPatch) -> None:
    """Three errors are reported in one start of the process."""
    for variable in ("MAX_RETRIES", "RETRY_CAP", "LOG_LEVEL"):
        environment.setenv(variable, "wrong")
    lines = _error_text(CoreSettings).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == ["MAX_RETRIES", "RETRY_CAP", "LOG_LEVEL"]


def test_no_form_of_the_settings_shows_the_password() -> None:
    """The database address is masked when printed, logged or dumped."""
    settings: Any = read_settings(CoreSettings)
    for text in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "hunter2" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("1.5s", timedelta(seconds=1.5)),
        ("15m", timedelta(minutes=15)),
        (" 6 h ", timedelta(hours=6)),
        ("2d", timedelta(days=2)),
        ("90", timedelta(seconds=90)),
    ],
)
def test_duration_is_a_number_with_a_unit(text: str, expected: timedelta) -> None:
    """Units are milliseconds to days. A bare number is seconds."""
    assert parse_duration(text) == expected


@given(st.text())
def test_any_other_text_is_rejected_as_a_duration(text: str) -> None:
    """Any text results in a duration or in the documented error."""
    try:
        value = parse_duration(text)
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
    """Accepted forms include sockets, IPv6, several hosts, and escaped passwords."""
    assert check_postgres_url(SecretStr(url)).get_secret_value() == url


def test_variable_names_are_case_insensitive(environment: pytest.MonkeyPatch) -> None:
    """Unknown variables are ignored."""
    environment.setenv("RETRY_BASE", "500ms")
    environment.setenv("max_retries", "3")
    environment.setenv("RETRY_JITTER", "0.5")
    environment.setenv("SOMETHING_ELSE", "1")
    policy = read_settings(WorkerSettings).retry_policy
    assert policy == RetryPolicy(3, timedelta(milliseconds=500), timedelta(hours=6), 0.5)


def test_settings_configure_the_pool(environment: pytest.MonkeyPatch) -> None:
    """The pool receives its size, the timeout and the application name in Postgres."""
    environment.setenv("DATABASE_POOL_SIZE", "7")
    environment.setenv("DATABASE_STATEMENT_TIMEOUT", "2s")
    options = read_settings(CoreSettings).build_pool_options("order-service-server")
    assert (options.max_connections, options.statement_timeout_seconds) == (7, 2.0)
    assert options.application_name == "order-service-server"


@pytest.mark.parametrize(
    "variables",
    [
        {"ZOOKEEPER_CA_FILE": __file__},
        {"ZOOKEEPER_SASL_USERNAME": "wms"},
        {"ZOOKEEPER_SASL_PASSWORD": "hunter2"},
    ],
)
def test_incomplete_zookeeper_settings_are_rejected(
    variables: dict[str, str], environment: pytest.MonkeyPatch
) -> None:
    """An incomplete pair of settings would have no effect."""
    for variable, value in variables.items():
        environment.setenv(variable, value)
    error_text = _error_text(WorkerSettings)
    assert "ZOOKEEPER_TLS" in error_text or "ZOOKEEPER_SASL_PASSWORD" in error_text
    assert "hunter2" not in error_text


def test_zookeeper_needs_hosts(environment: pytest.MonkeyPatch) -> None:
    """Without hosts Postgres elects.

    With hosts, one object has all ZooKeeper settings and shows no secret.
    """
    assert read_settings(WorkerSettings).zookeeper_config is None
    values = {
        "HOSTS": "zk-1:2181,[::1]:2182",
        "TLS": "true",
        "SASL_USERNAME": "wms",
        "SASL_PASSWORD": "hunter2",
    }
    for variable, value in values.items():
        environment.setenv(f"ZOOKEEPER_{variable}", value)
    config = read_settings(WorkerSettings).zookeeper_config
    assert config is not None
    assert (config.addresses, config.session_timeout_seconds) == (values["HOSTS"], 6.0)
    assert config.tls_config is not None
    assert config.sasl_login is not None
    assert config.sasl_login.password == "hunter2"
    assert "hunter2" not in repr(config)
