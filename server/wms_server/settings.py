"""What the server takes from its environment; nothing else reads it."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from wms_core.connection_limits import OVERFLOW_CONNECTIONS, ConnectionLimits
from wms_core.file_descriptors import fit_connections
from wms_core.listeners import listen_address
from wms_core.postgres.database import PoolOptions
from wms_core.settings import NONE, Address, AddressOrNone, CoreSettings, Duration
from wms_server.cores import usable_cores
from wms_server.watch_buffers import WatchBuffers
from wms_server.watcher import Patience

# With ten connections each and ten of a worker, Postgres's own limit of a hundred holds.
_MOST_BY_ITSELF = 8


def default_processes() -> int:
    """Give the cores that may be used, as many as the connections of their pools allow."""
    return min(usable_cores(), _MOST_BY_ITSELF)


def _split_keys(text: SecretStr | None) -> tuple[bytes, ...]:
    return tuple(key.strip().encode() for key in text.get_secret_value().split(",")) if text else ()


def _keys(text: SecretStr | None) -> SecretStr | None:
    """Refuse keys that could be guessed; says what is expected, never what was given."""
    if not all(32 <= len(key) <= 512 for key in _split_keys(text)):
        raise ValueError("each key has 32 to 512 characters; there are commas between them")
    return text


class ServerSettings(CoreSettings):
    """The server; where it says so, each of its processes."""

    server_processes: int = Field(
        default_factory=default_processes,
        ge=1,
        le=64,
        description="Processes that serve: by default the cores that may be used, at most 8.",
    )
    server_addr: Address = Field(
        ":8001", description="Where the gRPC server listens: host:port, or :port for all."
    )
    http_addr: AddressOrNone = Field(
        ":8080", description="Where the server answers over HTTP, its health and metrics too; empty: nowhere."
    )
    http_allowed_hosts: str = Field(
        "",
        pattern=r"^(\*|\.?[A-Za-z0-9._-]+)?(,(\*|\.?[A-Za-z0-9._-]+))*$",
        description=(
            "Names of the server in URLs, beside loopback's, that of HTTP_ADDR and all addresses: "
            "orders.example,.internal.example; * allows all."
        ),
    )
    http_request_timeout: Duration = Field(
        timedelta(seconds=30), gt=NONE, description="How long a request over HTTP may take to arrive."
    )
    http_keep_alive_timeout: Duration = Field(
        timedelta(seconds=620),
        gt=NONE,
        description="How long a connection over HTTP may be idle; longer than load balancers keep theirs.",
    )
    http_max_connections: int = Field(
        512,
        ge=1,
        description="Connections over HTTP that one process serves at a time; beyond, probes are answered.",
    )
    http_max_connections_per_peer: int = Field(
        256,
        ge=1,
        description="Of these, the connections that one network address may have.",
    )
    database_lock_timeout: Duration = Field(
        timedelta(seconds=1),
        gt=NONE,
        le=timedelta(days=1),
        description="How long a change waits for what another one holds, before it is CONCURRENT_CHANGE.",
    )
    default_currency: str = Field(
        "USD",
        pattern="^[A-Z]{3}$",
        description="The currency (ISO 4217) of prices that come as a plain number, in JSON over HTTP.",
    )
    reflection_enabled: bool = Field(
        True, description="Whether the server describes itself to grpcurl and the like."
    )
    channelz_enabled: bool = Field(False, description="Whether the server tells of its channels and sockets.")
    page_token_keys: Annotated[SecretStr | None, AfterValidator(_keys)] = Field(
        None,
        description=(
            "Keys for page tokens in place of the database's own, of 32 to 512 characters, with commas "
            "between them: the first signs, and tokens of all are read."
        ),
    )
    max_in_flight: int = Field(
        1000, ge=1, description="Calls at work in one process at the same time; health checks are spared."
    )
    max_bytes_in_flight: int = Field(
        64 * 1024 * 1024,
        ge=32 * 1024 * 1024,
        description="Bytes that requests and answers hold in one process: thrice a request, twice an answer.",
    )
    grpc_max_connections: int = Field(
        1000, ge=1, description="Connections over gRPC that one process serves at a time; one more is closed."
    )
    grpc_streams_per_connection: int = Field(
        1000, ge=1, description="Calls and streams that one connection over gRPC may have open."
    )
    grpc_connection_idle: Duration = Field(
        timedelta(minutes=5),
        gt=NONE,
        description="How long a connection over gRPC may be without a call before it is closed.",
    )
    max_streams: int = Field(
        2000,
        ge=1,
        description="Streams open in one process at the same time, all watchers' ones; they are no calls.",
    )
    watch_heartbeat: Duration = Field(
        timedelta(seconds=5),
        gt=NONE,
        description="After how long without news a watcher is sent a sign of life.",
    )
    watch_buffer: int = Field(
        10_000, ge=1, description="Messages that a watcher may be behind before its stream is ended."
    )
    watch_buffer_bytes: int = Field(
        8 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes of messages that a watcher may be behind before its stream is ended. All watchers "
        "of a process may be four times as many behind; beyond, the one that is furthest behind is ended.",
    )
    group_commit_calls: int = Field(
        256,
        ge=1,
        le=500,
        description="CreateOrder calls that share a transaction, GetOrder calls a query; 1: none do.",
    )
    connection_age: Duration = Field(
        timedelta(minutes=30),
        ge=timedelta(seconds=1),
        description="How old a client's connection gets before it is asked for a new one, anywhere.",
    )
    deadline_cap: Duration = Field(
        timedelta(seconds=30),
        gt=NONE,
        description="The longest a call may take, also when the client sets no deadline.",
    )
    drain_grace: Duration = Field(
        timedelta(seconds=20), description="How long calls may go on after SIGTERM before they are cut off."
    )
    drain_delay: Duration = Field(
        timedelta(0), description="How long to be unready before new calls are refused, for load balancers."
    )
    request_answers_kept: Duration = Field(
        timedelta(hours=48),
        ge=timedelta(hours=24),
        description="How long answers are kept for requests that are sent again (24h at least).",
    )
    event_retention: Duration = Field(
        timedelta(days=30),
        gt=NONE,
        description="How long events are kept at least, for history, watchers and the relay; by the million.",
    )

    @model_validator(mode="after")
    def _has_two_ports(self) -> Self:
        """Refuse one port for gRPC and HTTP, which would look as if another program had it."""
        (grpc_host, grpc_port), (http_host, http_port) = (
            listen_address(text).rpartition(":")[::2] if text else ("", "")
            for text in (self.server_addr, self.http_addr)
        )
        if grpc_port == http_port and (grpc_host == http_host or "[::]" in (grpc_host, http_host)):
            raise ValueError(
                f"SERVER_ADDR={self.server_addr} (gRPC) and HTTP_ADDR={self.http_addr} have the same port: "
                "set one of them to another, for example SERVER_ADDR=:9001"
            )
        return self

    def within_descriptors(self, limit: int) -> Self:
        """Return the settings with no more connections than so many file descriptors allow."""
        fitted = fit_connections(
            limit,
            self.database_pool_size + OVERFLOW_CONNECTIONS,
            http_max_connections=self.http_max_connections if self.http_addr else 0,
            grpc_max_connections=self.grpc_max_connections,
        )
        return self.model_copy(update={name: number for name, number in fitted.items() if number})

    @property
    def page_token_secrets(self) -> tuple[bytes, ...]:
        """The keys for page tokens; none when those of the database are used."""
        return _split_keys(self.page_token_keys)

    @property
    def shared_pool_options(self) -> PoolOptions:
        """The options of the pool that callers share, with limits for each kind of work."""
        return replace(
            self.pool_options(f"{self.service_name}-server"),
            is_shared=True,
            lock_timeout=self.database_lock_timeout.total_seconds(),
        )

    @property
    def http_host_names(self) -> tuple[str, ...]:
        """The names by which the server may be called over HTTP."""
        own = self.http_addr.rpartition(":")[0].strip("[]")
        return tuple(name for name in (own, *self.http_allowed_hosts.split(",")) if name)

    @property
    def http_connection_limits(self) -> ConnectionLimits:
        """The limits of connections over HTTP."""
        return ConnectionLimits(
            max_connections=self.http_max_connections,
            max_connections_per_peer=self.http_max_connections_per_peer,
            request_timeout_seconds=self.http_request_timeout.total_seconds(),
            keep_alive_seconds=self.http_keep_alive_timeout.total_seconds(),
        )

    @property
    def patience(self) -> Patience:
        """What is borne with the watchers of one process."""
        quiet = self.watch_heartbeat.total_seconds()
        buffers = WatchBuffers(4 * self.watch_buffer_bytes)
        return Patience(self.watch_buffer, quiet, self.watch_buffer_bytes, buffers)
