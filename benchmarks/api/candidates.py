"""The candidates: wms-orders, its no-op call, and the competitors; with their start commands."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.api.building import GO_BIN_FOLDER

GRPC_PATH = "/wms.orders.v1.OrderService/CreateOrder"
HTTP_PATH, OWN_HTTP_PATH = "/orders", "/api/v1/orders"
#: Settings of wms-orders and its no-op call. Tracing is off because the benchmark has no span collector.
OWN_SETTINGS = {"LOG_LEVEL": "warning", "TRACING_ENABLED": "false", "HTTP_ADDR": ""}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service with a number of processes.

    Each process logs `ready_text` when it serves. The environment variable `address_variable` sets its
    address. `path` is the call that creates an order; with `creates_orders` False it only responds.
    """

    name: str
    title: str
    processes: int
    start_command: tuple[str, ...]
    ready_text: str = "ready"
    protocol: str = "grpc"
    settings: Mapping[str, str] = field(default_factory=dict)
    #: Whether one program starts all processes; otherwise each process is a program.
    is_single_program: bool = False
    creates_orders: bool = True
    address_variable: str = "SERVER_ADDR"
    path: str = GRPC_PATH


def _python_command(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module)


def _uvicorn_command(app: str, processes: int, address: str = "{host}") -> tuple[str, ...]:
    return (
        *_python_command("uvicorn"), app, "--host", address, "--port", "{port}", "--workers", str(processes),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log",
    )  # fmt: skip


def own_server(processes: int, name: str = "ours", title: str = "ours", **settings: str) -> Candidate:
    """Return wms-orders over gRPC."""
    all_settings = {**OWN_SETTINGS, "SERVER_PROCESSES": str(processes), **settings}
    command = (*_python_command("wms_core.cli"), "server")
    ready = '"ready": true'
    return Candidate(
        f"{name}-{processes}", title, processes, command, ready, settings=all_settings, is_single_program=True
    )


def own_http_server(processes: int) -> Candidate:
    """Return wms-orders over HTTP."""
    candidate = own_server(processes, "http", "ours over HTTP")
    return replace(candidate, protocol="http", address_variable="HTTP_ADDR", path=OWN_HTTP_PATH)


def own_noop_server(processes: int) -> Candidate:
    """Return the no-op call of wms-orders."""
    command = _python_command("benchmarks.api.noop")
    title = "our no-op call"
    return Candidate(
        f"noop-{processes}", title, processes, command, settings=OWN_SETTINGS, creates_orders=False
    )


def bare_grpc_server(processes: int) -> Candidate:
    """Return grpc.aio with an empty handler."""
    command = _python_command("benchmarks.competitors.bare")
    return Candidate(f"bare-{processes}", "bare grpc.aio no-op", processes, command, creates_orders=False)


def plain_grpc_server(processes: int) -> Candidate:
    """Return grpc.aio with asyncpg, one transaction a call."""
    pool = {"POOL_SIZE": str(40 // processes)}
    title = "grpc.aio + asyncpg"
    return Candidate(
        f"plain-{processes}", title, processes, _python_command("benchmarks.competitors.plain"), settings=pool
    )


def fastapi_server(kind: str, title: str, processes: int) -> Candidate:
    """Return FastAPI with uvicorn."""
    command = _uvicorn_command(f"benchmarks.competitors.fastapi_{kind}:app", processes)
    return Candidate(
        f"{kind}-{processes}",
        title,
        processes,
        command,
        "Application startup complete",
        "http",
        {"POOL_SIZE": str(40 // processes)},
        is_single_program=True,
        path=HTTP_PATH,
    )


def go_server() -> Candidate:
    """Return grpc-go with pgx, one transaction a call; its threads use both cores."""
    settings = {"POOL_SIZE": "64", "GOMAXPROCS": "2"}
    command = (str(GO_BIN_FOLDER / "competitor"),)
    return Candidate(
        "go-2", "grpc-go + pgx on two cores", 1, command, settings=settings, is_single_program=True
    )
