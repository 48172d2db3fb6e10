"""Settings of all processes. An error names the variable, the allowed values and the given one."""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from wms_core.config.secret_files import (
    SecretFileSource,
    UnusableSecret,
    get_file_variable,
    list_secret_names,
)
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.backorders import PartialFulfillmentRule
from wms_core.postgres.database import PoolOptions
from wms_core.postgres.database_url import parse_database_url
from wms_core.runtime.listeners import AddressError, parse_listen_address

_UNIT_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_MAX_DURATION_DAYS = 3650
_MAX_SHOWN_CHARACTERS = 100  # of an invalid value
#: Metadata names with text values: no base64 (`-bin`), and none reserved by gRPC (`grpc-`).
_METADATA_NAME = re.compile(r"(?!grpc-)[a-z0-9_.-]+(?<!-bin)")
_HEADERS_FORMAT_HINT = "the form is name=value,name=value; in a value, write , as %2C and % as %25"
_WRONG_FILE = "wrong_file"
#: Allowed values, for errors whose message in pydantic does not name them.
_ALLOWED_HINTS = {"bool_parsing": "it must be true or false"}


def parse_duration(value: object) -> object:
    """Parse `250ms`, `15m`, `6h`, `2d` or a number of seconds. Raises ValueError."""
    if not isinstance(value, str):
        return value
    duration_match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)\s*", value)
    if duration_match is None:
        raise ValueError("a duration is a number with ms, s, m, h or d, such as 250ms or 15m")
    total_seconds = float(duration_match[1]) * _UNIT_SECONDS[duration_match[2]]
    if total_seconds > _MAX_DURATION_DAYS * _UNIT_SECONDS["d"]:
        raise ValueError(f"a duration is at most {_MAX_DURATION_DAYS}d")
    return timedelta(seconds=total_seconds)


def check_postgres_url(url: SecretStr) -> SecretStr:
    """Return the URL if it is valid for Postgres. Raises ValueError, without the given value."""
    parse_database_url(url.get_secret_value())
    return url


def check_listen_address(text: str) -> str:
    """Return the address if it is valid to listen on. Raises ValueError."""
    try:
        parse_listen_address(text)
    except AddressError:
        raise ValueError("the form is host:port, or :port for all interfaces") from None
    return text


def check_optional_listen_address(text: str) -> str:
    """Return the address if it is empty or valid to listen on. Raises ValueError."""
    return check_listen_address(text) if text else text


def check_collector_endpoint(text: str) -> str:
    """Return the endpoint if it is a valid address of a collector. Raises ValueError."""
    if not re.fullmatch(r"(https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}/?", text):
        raise ValueError("the form is host:port, or https://host:port for TLS")
    return text


def parse_header_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Parse `name=value,name=value` with percent-encoded values, the format of OTEL_EXPORTER_OTLP_HEADERS.

    Raises ValueError, without the given value.
    """
    raw_pairs = [pair_text.strip().partition("=") for pair_text in text.split(",")]
    parsed_pairs = tuple((name.strip().lower(), unquote(value.strip())) for name, _, value in raw_pairs)
    for name, value in parsed_pairs:
        if not _METADATA_NAME.fullmatch(name) or not value or not (value.isascii() and value.isprintable()):
            raise ValueError(_HEADERS_FORMAT_HINT)
    return parsed_pairs


def _check_headers(text: SecretStr | None) -> SecretStr | None:
    if text is not None:
        parse_header_pairs(text.get_secret_value())
    return text


ZERO_DURATION = timedelta(0)
DurationSetting = Annotated[timedelta, BeforeValidator(parse_duration)]
ListenAddress = Annotated[str, AfterValidator(check_listen_address)]
OptionalListenAddress = Annotated[str, AfterValidator(check_optional_listen_address)]


class CoreSettings(BaseSettings):
    """The environment of a process, read once in its `__main__`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 # .env files are not supported
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 # secret files are named by variables
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the files of secrets to the sources."""
        return init_settings, SecretFileSource(settings_cls), env_settings

    @field_validator("*", mode="before")
    @classmethod
    def _reject_unusable_secret(cls, value: object) -> object:
        """Reject the placeholder of a secret whose file is unusable. Raises PydanticCustomError."""
        if isinstance(value, UnusableSecret):
            raise PydanticCustomError(_WRONG_FILE, "{why}", {"why": str(value)})
        return value

    service_name: str = Field(
        "order-service", min_length=1, description="Name of the service in logs and traces."
    )
    database_url: Annotated[SecretStr, AfterValidator(check_postgres_url)] = Field(
        description="Postgres 15 or newer with encoding UTF8: "
        "postgresql://user:password@host:port/database, with the parameters of libpq."
    )
    database_pool_size: int = Field(
        10,
        ge=1,
        le=500,
        description="Maximum number of connections of one process, shared out among the kinds of calls; "
        "a server has SERVER_PROCESSES such pools.",
    )
    database_statement_timeout: DurationSetting = Field(
        timedelta(seconds=15),
        gt=ZERO_DURATION,
        le=timedelta(days=1),
        description="Maximum duration of one statement.",
    )
    database_statement_cache: int = Field(
        100,
        ge=0,
        le=10_000,
        description="Prepared statements kept per connection; set 0 behind a PgBouncer older than 1.21.",
    )
    default_warehouse_id: str = Field(
        "WH-01",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
        description="Warehouse of orders without a warehouse_id; it always exists.",
    )
    max_retries: int = Field(
        5,
        ge=1,
        le=100,
        description="Number of the failure after which an order goes to the dead letter queue.",
    )
    retry_base: DurationSetting = Field(
        timedelta(minutes=15),
        gt=ZERO_DURATION,
        description="Delay before the first retry; doubles with each failure.",
    )
    retry_cap: DurationSetting = Field(
        timedelta(hours=6), gt=ZERO_DURATION, description="Maximum delay before a retry."
    )
    retry_jitter: float = Field(
        0.0, ge=0, le=1, description="Maximum random share that is added to the delay."
    )
    partial_fulfillment_min_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Minimum available share of an order's units for partial fulfillment.",
    )
    event_max_bytes: int = Field(
        900_000, ge=1_000, description="Maximum size of an event; a change with a larger event is rejected."
    )
    readiness_interval: DurationSetting = Field(
        timedelta(seconds=1),
        gt=ZERO_DURATION,
        description="Interval of the readiness checks of database and Kafka.",
    )
    readiness_requires_kafka: bool = Field(
        False,
        description="If true, a process is ready only while the relay publishes events to Kafka.",
    )
    tracing_enabled: bool = Field(True, description="Create spans and send them to a collector.")
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(check_collector_endpoint)] = Field(
        "localhost:4317",
        description="Collector of spans (OTLP over gRPC): host:port, or https://host:port for TLS.",
    )
    otel_exporter_otlp_headers: Annotated[SecretStr | None, AfterValidator(_check_headers)] = Field(
        None, description="Headers of each batch for the collector: name=value,name=value."
    )
    otel_traces_sampler_arg: float = Field(
        0.1, ge=0, le=1, description="Share of calls without an incoming trace that are traced."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Minimum level of logged events."
    )
    log_format: Literal["json", "pretty"] = Field("json", description="json for machines, pretty for people.")

    @property
    def retry_policy(self) -> RetryPolicy:
        """The retry policy of these settings."""
        return RetryPolicy(self.max_retries, self.retry_base, self.retry_cap, self.retry_jitter)

    @property
    def partial_rule(self) -> PartialFulfillmentRule:
        """The rule for partial fulfillment of these settings."""
        return PartialFulfillmentRule(self.partial_fulfillment_min_ratio)

    def build_pool_options(self, application_name: str) -> PoolOptions:
        """Return the options of a connection pool."""
        return PoolOptions(
            max_connections=self.database_pool_size,
            statement_timeout_seconds=self.database_statement_timeout.total_seconds(),
            statement_cache_size=self.database_statement_cache,
            application_name=application_name,
            event_max_bytes=self.event_max_bytes,
        )


SettingsT = TypeVar("SettingsT", bound=CoreSettings)


def read_settings(settings_class: type[SettingsT], **values: Any) -> SettingsT:
    """Read the environment. Exits with one line for each invalid variable, never with a secret."""
    settings, error_messages = try_settings(settings_class, **values)
    if settings is None:
        raise SystemExit("The configuration is wrong:\n  " + "\n  ".join(error_messages.values()))
    return settings


def try_settings(settings_class: type[SettingsT], **values: Any) -> tuple[SettingsT | None, dict[str, str]]:
    """Return the settings of the environment, or None and the error messages by setting.

    An error that concerns several settings has an empty name.
    """
    try:
        return settings_class(**values), {}
    except ValidationError as error:
        env_variables = {name.upper(): value for name, value in os.environ.items()}
        return None, {
            name: _describe_setting_error(settings_class, name, error_details, env_variables)
            for name, error_details in _group_errors(error).items()
        }


def _group_errors(error: ValidationError) -> dict[str, Any]:
    """Return the first error of each setting by name; the name is empty if the error concerns several."""
    errors_by_setting: dict[str, Any] = {}
    for error_details in error.errors():
        errors_by_setting.setdefault(
            str(error_details["loc"][0]) if error_details["loc"] else "", error_details
        )
    return errors_by_setting


def _describe_setting_error(
    settings_class: type[CoreSettings], name: str, error_details: Any, env_variables: Mapping[str, str]
) -> str:
    """Return a message with the variable, the allowed values and, unless it is secret, the given value."""
    allowed_hint: str = _ALLOWED_HINTS.get(error_details["type"]) or error_details["msg"].removeprefix(
        "Value error, "
    )
    if not name:
        # The message itself names the settings.
        return allowed_hint
    variable_name, is_secret_setting = name.upper(), name in list_secret_names(settings_class)
    if error_details["type"] == "missing":
        return f"{variable_name}: it must be set" + (
            f", or {get_file_variable(name)}" if is_secret_setting else ""
        )
    if is_secret_setting:
        in_file = error_details["type"] == _WRONG_FILE or variable_name not in env_variables
        return f"{get_file_variable(name) if in_file else variable_name}: {allowed_hint}"
    given_text = env_variables.get(variable_name, "")
    return (
        f"{variable_name}: {allowed_hint}, not {given_text[:_MAX_SHOWN_CHARACTERS]!r}"
        f"{'…' * (len(given_text) > _MAX_SHOWN_CHARACTERS)}"
    )


def format_path(file_path: Path | None) -> str | None:
    """Return a path as text, None for None."""
    return str(file_path) if file_path else None


def get_secret_text(value: SecretStr | None) -> str | None:
    """Return the text of a secret, None for None."""
    return value.get_secret_value() if value else None
