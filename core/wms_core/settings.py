"""Settings that every process has; a wrong value names its variable and what is allowed."""

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

from wms_core.domain.backorders import PartialRule
from wms_core.domain.retries import RetryPolicy
from wms_core.listeners import AddressError, listen_address
from wms_core.postgres.address import parse_database_url
from wms_core.postgres.database import PoolOptions
from wms_core.secret_files import SecretFiles, Unusable, file_variable, secret_names

_UNITS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_DAYS = 3650
_SHOWN = 100  # characters of a wrong value
#: Names that gRPC sends as they are: no values in base64, none of its own.
_METADATA = re.compile(r"(?!grpc-)[a-z0-9_.-]+(?<!-bin)")
_HEADERS = "the form is name=value,name=value; in a value, , and % are written as %2C and %25"
_WRONG_FILE = "wrong_file"
#: What is allowed, where the library does not say it.
_WORDS = {"bool_parsing": "it is true or false"}


def duration(value: object) -> object:
    """Read `250ms`, `15m`, `6h`, `2d` or a number of seconds."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)\s*", value)
    if match is None:
        raise ValueError("a duration is a number with ms, s, m, h or d, such as 250ms or 15m")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST_DAYS * _UNITS["d"]:
        raise ValueError(f"a duration is at most {_LONGEST_DAYS}d")
    return timedelta(seconds=seconds)


def postgres_url(url: SecretStr) -> SecretStr:
    """Refuse what can't be an address of a Postgres; says what is expected, never what was given."""
    parse_database_url(url.get_secret_value())
    return url


def address(text: str) -> str:
    """Refuse what is no address to listen on."""
    try:
        listen_address(text)
    except AddressError:
        raise ValueError("the form is host:port, or :port for all interfaces") from None
    return text


def address_or_none(text: str) -> str:
    """Refuse what is neither empty nor an address to listen on."""
    return address(text) if text else text


def collector(text: str) -> str:
    """Refuse what is no address of a collector."""
    if not re.fullmatch(r"(https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}/?", text):
        raise ValueError("the form is host:port, or https://host:port for TLS")
    return text


def header_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Read `name=value,name=value`, with values percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS is written.

    Raises ValueError, which does not have what was given.
    """
    pairs = [part.strip().partition("=") for part in text.split(",")]
    found = tuple((name.strip().lower(), unquote(value.strip())) for name, _, value in pairs)
    for name, value in found:
        if not _METADATA.fullmatch(name) or not value or not (value.isascii() and value.isprintable()):
            raise ValueError(_HEADERS)
    return found


def _headers(text: SecretStr | None) -> SecretStr | None:
    if text is not None:
        header_pairs(text.get_secret_value())
    return text


NONE = timedelta(0)
Duration = Annotated[timedelta, BeforeValidator(duration)]
Address = Annotated[str, AfterValidator(address)]
AddressOrNone = Annotated[str, AfterValidator(address_or_none)]


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
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 # there is no such file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 # ours are told by variables
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the files of secrets beside the environment."""
        return init_settings, SecretFiles(settings_cls), env_settings

    @field_validator("*", mode="before")
    @classmethod
    def _is_usable(cls, value: object) -> object:
        """Refuse what stands for a secret whose file is wrong."""
        if isinstance(value, Unusable):
            raise PydanticCustomError(_WRONG_FILE, "{why}", {"why": str(value)})
        return value

    service_name: str = Field(
        "order-service", min_length=1, description="What the service calls itself in logs and traces."
    )
    database_url: Annotated[SecretStr, AfterValidator(postgres_url)] = Field(
        description="Postgres 15 or newer, in UTF8: postgresql://user:password@host:port/database, with the "
        "parameters of libpq."
    )
    database_pool_size: int = Field(
        10,
        ge=1,
        le=500,
        description="Connections that one process holds at most, each kind of call a share of them; "
        "a server has SERVER_PROCESSES of such pools.",
    )
    database_statement_timeout: Duration = Field(
        timedelta(seconds=15),
        gt=NONE,
        le=timedelta(days=1),
        description="The longest one statement may take.",
    )
    database_statement_cache: int = Field(
        100,
        ge=0,
        le=10_000,
        description="Prepared statements that a connection keeps; 0 behind a PgBouncer older than 1.21.",
    )
    default_warehouse_id: str = Field(
        "WH-01",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
        description="The warehouse of orders that name none; it always exists.",
    )
    max_retries: int = Field(
        5, ge=1, le=100, description="Failure number this goes to the dead letter queue."
    )
    retry_base: Duration = Field(
        timedelta(minutes=15), gt=NONE, description="The wait after the first failure; doubles."
    )
    retry_cap: Duration = Field(
        timedelta(hours=6), gt=NONE, description="The longest wait between two tries."
    )
    retry_jitter: float = Field(
        0.0, ge=0, le=1, description="The share of the wait that chance may add to it."
    )
    partial_fulfillment_min_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="The share of an order's units from which on it goes on without the rest.",
    )
    event_max_bytes: int = Field(
        900_000, ge=1_000, description="The largest event; a change whose event is larger is refused."
    )
    readiness_interval: Duration = Field(
        timedelta(seconds=1),
        gt=NONE,
        description="How often the database is asked whether it takes writes, and how Kafka is.",
    )
    readiness_requires_kafka: bool = Field(
        False,
        description="Whether a process is ready only while the relay reports that events reach Kafka.",
    )
    tracing_enabled: bool = Field(True, description="Whether spans are made and sent to a collector.")
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(collector)] = Field(
        "localhost:4317",
        description="The collector of spans (OTLP over gRPC): host:port, or https://host:port for TLS.",
    )
    otel_exporter_otlp_headers: Annotated[SecretStr | None, AfterValidator(_headers)] = Field(
        None, description="What the collector wants to be told with each batch: name=value,name=value."
    )
    otel_traces_sampler_arg: float = Field(
        0.1, ge=0, le=1, description="The share of what no caller traces that is traced all the same."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is logged.")
    log_format: Literal["json", "pretty"] = Field("json", description="For machines or for people.")

    @property
    def retry_policy(self) -> RetryPolicy:
        """The retry policy of these settings."""
        return RetryPolicy(self.max_retries, self.retry_base, self.retry_cap, self.retry_jitter)

    @property
    def partial_rule(self) -> PartialRule:
        """The rule for shortages."""
        return PartialRule(self.partial_fulfillment_min_ratio)

    def pool_options(self, application_name: str) -> PoolOptions:
        """Return the options of a pool."""
        return PoolOptions(
            max_size=self.database_pool_size,
            statement_timeout=self.database_statement_timeout.total_seconds(),
            statement_cache=self.database_statement_cache,
            application_name=application_name,
            event_max_bytes=self.event_max_bytes,
        )


S = TypeVar("S", bound=CoreSettings)


def read_settings(kind: type[S], **values: Any) -> S:
    """Read the environment; exits with one line for each wrong variable, never with a secret."""
    settings, complaints = try_settings(kind, **values)
    if settings is None:
        raise SystemExit("The configuration is wrong:\n  " + "\n  ".join(complaints.values()))
    return settings


def try_settings(kind: type[S], **values: Any) -> tuple[S | None, dict[str, str]]:
    """Give the settings of the environment, or the complaints by the names of theirs; none for several's."""
    try:
        return kind(**values), {}
    except ValidationError as error:
        environment = {name.upper(): value for name, value in os.environ.items()}
        return None, {
            name: _complaint(kind, name, fault, environment) for name, fault in _faults(error).items()
        }


def _faults(error: ValidationError) -> dict[str, Any]:
    """Give what is wrong by the name of the setting; by none when it is in how several go together."""
    faults: dict[str, Any] = {}
    for fault in error.errors():
        faults.setdefault(str(fault["loc"][0]) if fault["loc"] else "", fault)
    return faults


def _complaint(kind: type[CoreSettings], name: str, fault: Any, environment: Mapping[str, str]) -> str:
    """Say which variable is wrong, what is allowed and what was given, unless that is secret."""
    allowed: str = _WORDS.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
    if not name:
        # It says the names itself.
        return allowed
    variable, secret = name.upper(), name in secret_names(kind)
    if fault["type"] == "missing":
        return f"{variable}: it has to be given" + (f", or {file_variable(name)}" if secret else "")
    if secret:
        in_file = fault["type"] == _WRONG_FILE or variable not in environment
        return f"{file_variable(name) if in_file else variable}: {allowed}"
    given = environment.get(variable, "")
    return f"{variable}: {allowed}, not {given[:_SHOWN]!r}{'…' * (len(given) > _SHOWN)}"


def path_text(file: Path | None) -> str | None:
    """Give a path as text."""
    return str(file) if file else None


def secret_text(value: SecretStr | None) -> str | None:
    """Give what is secret."""
    return value.get_secret_value() if value else None
