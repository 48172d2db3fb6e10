"""Settings of the server, read from environment variables by this module only."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from wms_core.config.settings import (
    ZERO_DURATION,
    CoreSettings,
    DurationSetting,
    ListenAddress,
    OptionalListenAddress,
)
from wms_core.postgres.database import PoolOptions
from wms_core.runtime.connection_limits import OVERFLOW_CONNECTIONS, ConnectionLimits
from wms_core.runtime.file_descriptors import fit_connections
from wms_core.runtime.listeners import parse_listen_address
from wms_server.process.cpu_count import count_usable_cores
from wms_server.subscriptions.broadcaster import SubscriberLimits
from wms_server.subscriptions.buffers import SubscriberBuffers

# 8 processes with 10 connections each, and a worker with 10, stay below Postgres's default of 100
# connections.
_MAX_DEFAULT_PROCESSES = 8


def count_default_processes() -> int:
    """Return the usable cores, limited by the connections of the processes' pools."""
    return min(count_usable_cores(), _MAX_DEFAULT_PROCESSES)


def _split_keys(text: SecretStr | None) -> tuple[bytes, ...]:
    return tuple(key.strip().encode() for key in text.get_secret_value().split(",")) if text else ()


def _check_keys(text: SecretStr | None) -> SecretStr | None:
    """Reject keys that could be guessed; the message must not contain the given keys."""
    if not all(32 <= len(key) <= 512 for key in _split_keys(text)):
        raise ValueError("each key must have 32 to 512 characters; separate keys by commas")
    return text


class ServerSettings(CoreSettings):
    """Settings of the server. Limits apply to each of its processes where the description says so."""

    server_processes: int = Field(
        default_factory=count_default_processes,
        ge=1,
        le=64,
        description="Number of server processes; default: the usable cores, at most 8.",
    )
    server_addr: ListenAddress = Field(
        ":8001", description="Address of the gRPC server: host:port, or :port for all interfaces."
    )
    http_addr: OptionalListenAddress = Field(
        ":8080", description="Address of the HTTP server (API, health, metrics); empty disables it."
    )
    http_allowed_hosts: str = Field(
        "",
        pattern=r"^(\*|\.?[A-Za-z0-9._-]+)?(,(\*|\.?[A-Za-z0-9._-]+))*$",
        description=(
            "Host names that HTTP requests may use, besides loopback names, the host of HTTP_ADDR and IP "
            "addresses: orders.example,.internal.example; * allows all."
        ),
    )
    http_request_timeout: DurationSetting = Field(
        timedelta(seconds=30),
        gt=ZERO_DURATION,
        description="Maximum time in which a request over HTTP must arrive completely.",
    )
    http_keep_alive_timeout: DurationSetting = Field(
        timedelta(seconds=620),
        gt=ZERO_DURATION,
        description="Idle time after which an HTTP connection is closed; longer than that of load balancers.",
    )
    http_max_connections: int = Field(
        512,
        ge=1,
        description="Maximum HTTP connections per process; over the limit, only probes are answered.",
    )
    http_max_connections_per_peer: int = Field(
        256,
        ge=1,
        description="Maximum HTTP connections of one network address, within HTTP_MAX_CONNECTIONS.",
    )
    database_lock_timeout: DurationSetting = Field(
        timedelta(seconds=1),
        gt=ZERO_DURATION,
        le=timedelta(days=1),
        description="Maximum time that a change waits for a lock before it fails with CONCURRENT_CHANGE.",
    )
    default_currency: str = Field(
        "USD",
        pattern="^[A-Z]{3}$",
        description="Currency (ISO 4217) of prices that are plain numbers in JSON over HTTP.",
    )
    reflection_enabled: bool = Field(
        True, description="Enable gRPC server reflection, for tools such as grpcurl."
    )
    channelz_enabled: bool = Field(False, description="Enable the gRPC channelz service.")
    page_token_keys: Annotated[SecretStr | None, AfterValidator(_check_keys)] = Field(
        None,
        description=(
            "Keys that sign page tokens, instead of the key in the database: 32 to 512 characters each, "
            "separated by commas. The first key signs; tokens of all keys are accepted."
        ),
    )
    max_in_flight: int = Field(
        1000, ge=1, description="Maximum in-flight calls per process, health checks not included."
    )
    max_bytes_in_flight: int = Field(
        64 * 1024 * 1024,
        ge=32 * 1024 * 1024,
        description="Maximum memory of requests (counted three times) and responses (twice) per process.",
    )
    grpc_max_connections: int = Field(
        1000, ge=1, description="Maximum gRPC connections per process; further ones are closed."
    )
    grpc_streams_per_connection: int = Field(
        1000, ge=1, description="Maximum concurrent calls and streams per gRPC connection."
    )
    grpc_connection_idle: DurationSetting = Field(
        timedelta(minutes=5),
        gt=ZERO_DURATION,
        description="Idle time after which a gRPC connection without calls is closed.",
    )
    max_streams: int = Field(
        2000,
        ge=1,
        description="Maximum concurrent streams per process (not counted in MAX_IN_FLIGHT).",
    )
    watch_heartbeat: DurationSetting = Field(
        timedelta(seconds=5),
        gt=ZERO_DURATION,
        description="Idle time after which a subscriber gets a heartbeat.",
    )
    watch_buffer: int = Field(
        10_000, ge=1, description="Maximum messages that wait for a subscriber before its stream is ended."
    )
    watch_buffer_bytes: int = Field(
        8 * 1024 * 1024,
        ge=1024 * 1024,
        description="Maximum bytes of messages that wait for a subscriber before its stream is ended. For "
        "all subscribers of a process the limit is four times as high; beyond it, the slowest one is ended.",
    )
    group_commit_calls: int = Field(
        256,
        ge=1,
        le=500,
        description="Maximum calls per batch (CreateOrder: transaction, GetOrder: query); 1: no batching.",
    )
    connection_age: DurationSetting = Field(
        timedelta(minutes=30),
        ge=timedelta(seconds=1),
        description="Age after which a client's connection is closed, so that the client connects anew.",
    )
    deadline_cap: DurationSetting = Field(
        timedelta(seconds=30),
        gt=ZERO_DURATION,
        description="Maximum duration of a call; also the deadline of calls without one.",
    )
    drain_grace: DurationSetting = Field(
        timedelta(seconds=20), description="Time after SIGTERM in which in-flight calls may finish."
    )
    drain_delay: DurationSetting = Field(
        timedelta(0), description="Time between being unready and rejecting calls, for load balancers."
    )
    request_answers_kept: DurationSetting = Field(
        timedelta(hours=48),
        ge=timedelta(hours=24),
        description="Time for which stored responses are kept for repeated requests (at least 24h).",
    )
    event_retention: DurationSetting = Field(
        timedelta(days=30),
        gt=ZERO_DURATION,
        description="Minimum time for which events are kept; they are deleted in partitions of a million.",
    )

    @model_validator(mode="after")
    def _check_ports_differ(self) -> Self:
        """Reject the same port for gRPC and HTTP; the error would name another program."""
        (grpc_host, grpc_port), (http_host, http_port) = (
            parse_listen_address(text).rpartition(":")[::2] if text else ("", "")
            for text in (self.server_addr, self.http_addr)
        )
        if grpc_port == http_port and (grpc_host == http_host or "[::]" in (grpc_host, http_host)):
            raise ValueError(
                f"SERVER_ADDR={self.server_addr} (gRPC) and HTTP_ADDR={self.http_addr} have the same port: "
                "change one of them, for example SERVER_ADDR=:9001"
            )
        return self

    def fit_to_descriptors(self, limit: int) -> Self:
        """Return the settings with no more connections than the limit of file descriptors allows."""
        fitted_connections = fit_connections(
            limit,
            self.database_pool_size + OVERFLOW_CONNECTIONS,
            http_max_connections=self.http_max_connections if self.http_addr else 0,
            grpc_max_connections=self.grpc_max_connections,
        )
        return self.model_copy(update={name: number for name, number in fitted_connections.items() if number})

    @property
    def page_token_secrets(self) -> tuple[bytes, ...]:
        """The keys for page tokens; empty when those of the database are used."""
        return _split_keys(self.page_token_keys)

    @property
    def caller_pool_options(self) -> PoolOptions:
        """Options of the connection pool that callers share, with a bulkhead for each workload."""
        return replace(
            self.build_pool_options(f"{self.service_name}-server"),
            is_shared=True,
            lock_timeout=self.database_lock_timeout.total_seconds(),
        )

    @property
    def http_host_names(self) -> tuple[str, ...]:
        """The host names by which the server may be called over HTTP."""
        own_host = self.http_addr.rpartition(":")[0].strip("[]")
        return tuple(name for name in (own_host, *self.http_allowed_hosts.split(",")) if name)

    @property
    def http_connection_limits(self) -> ConnectionLimits:
        """The limits of HTTP connections."""
        return ConnectionLimits(
            max_connections=self.http_max_connections,
            max_connections_per_peer=self.http_max_connections_per_peer,
            request_timeout_seconds=self.http_request_timeout.total_seconds(),
            keep_alive_seconds=self.http_keep_alive_timeout.total_seconds(),
        )

    @property
    def subscriber_limits(self) -> SubscriberLimits:
        """The limits of the subscribers of one process."""
        heartbeat_seconds = self.watch_heartbeat.total_seconds()
        subscriber_buffers = SubscriberBuffers(4 * self.watch_buffer_bytes)
        return SubscriberLimits(
            self.watch_buffer, heartbeat_seconds, self.watch_buffer_bytes, subscriber_buffers
        )
