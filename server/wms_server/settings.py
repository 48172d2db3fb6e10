"""What the server takes from its environment; nothing else reads it."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from wms_core.settings import NONE, Address, CoreSettings, Duration, address
from wms_server.cores import usable_cores
from wms_server.watcher import Patience

# With ten connections each and ten of a worker, Postgres's own limit of a hundred holds.
_MOST_BY_ITSELF = 8


def default_processes() -> int:
    """Give the cores that may be used, as many as the connections of their pools allow."""
    return min(usable_cores(), _MOST_BY_ITSELF)


def address_or_none(text: str) -> str:
    """Refuse what is neither empty nor an address to listen on."""
    return address(text) if text else text


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
    http_addr: Annotated[str, AfterValidator(address_or_none)] = Field(
        ":8080", description="Where the server answers over HTTP, its health and metrics too; empty: nowhere."
    )
    http_request_timeout: Duration = Field(
        timedelta(seconds=30), gt=NONE, description="How long a request over HTTP may take to arrive."
    )
    http_max_connections: int = Field(
        512,
        ge=1,
        description="Connections over HTTP that one process serves at a time; beyond, probes are answered.",
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
    max_in_flight: int = Field(
        1000, ge=1, description="Calls at work in one process at the same time; health checks are spared."
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
        description="Bytes of messages that a watcher may be behind before its stream is ended.",
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

    @property
    def patience(self) -> Patience:
        """What is borne with a watcher."""
        quiet = self.watch_heartbeat.total_seconds()
        return Patience(self.watch_buffer, quiet, self.watch_buffer_bytes)
