"""Who is measured: ours, ours with nothing behind it, and the others; how each is started."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.api.building import BIN

GRPC_PATH = "/wms.orders.v1.OrderService/CreateOrder"
HTTP_PATH, OUR_HTTP_PATH = "/orders", "/api/v1/orders"
#: The same for ours and for our no-op; no collector of spans runs beside the benchmark.
OURS = {"LOG_LEVEL": "warning", "TRACING_ENABLED": "false", "HTTP_ADDR": ""}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service with so many processes.

    `ready` is what each process logs when it serves.
    `writes` says whether its calls make orders. It is called at the address that it is told by `listens`, and
    at `path` to create an order.
    """

    name: str
    title: str
    processes: int
    module: tuple[str, ...]
    ready: str = "ready"
    protocol: str = "grpc"
    settings: Mapping[str, str] = field(default_factory=dict)
    #: One program that has its processes itself, or as many programs as processes.
    alone: bool = False
    writes: bool = True
    listens: str = "SERVER_ADDR"
    path: str = GRPC_PATH


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module)


def _uvicorn(app: str, processes: int, address: str = "{host}") -> tuple[str, ...]:
    return (
        *_python("uvicorn"), app, "--host", address, "--port", "{port}", "--workers", str(processes),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log",
    )  # fmt: skip


def ours(processes: int, name: str = "ours", title: str = "ours", **settings: str) -> Candidate:
    """Give our server."""
    own = {**OURS, "SERVER_PROCESSES": str(processes), **settings}
    command = (*_python("wms_core.command"), "server")
    ready = '"ready": true'
    return Candidate(f"{name}-{processes}", title, processes, command, ready, settings=own, alone=True)


def ours_http(processes: int) -> Candidate:
    """Give our server, called over HTTP."""
    served = ours(processes, "http", "ours over HTTP")
    return replace(served, protocol="http", listens="HTTP_ADDR", path=OUR_HTTP_PATH)


def noop(processes: int) -> Candidate:
    """Give our server's own no-op call."""
    command = _python("benchmarks.api.noop")
    title = "our no-op call"
    return Candidate(f"noop-{processes}", title, processes, command, settings=OURS, writes=False)


def bare(processes: int) -> Candidate:
    """Give grpc.aio with nothing in it."""
    command = _python("benchmarks.rivals.bare")
    return Candidate(f"bare-{processes}", "bare grpc.aio no-op", processes, command, writes=False)


def plain(processes: int) -> Candidate:
    """Give grpc.aio with asyncpg, one transaction a call."""
    pool = {"POOL_SIZE": str(40 // processes)}
    title = "grpc.aio + asyncpg"
    return Candidate(
        f"plain-{processes}", title, processes, _python("benchmarks.rivals.plain"), settings=pool
    )


def fastapi(kind: str, title: str, processes: int) -> Candidate:
    """Give FastAPI under uvicorn."""
    command = _uvicorn(f"benchmarks.rivals.fastapi_{kind}:app", processes)
    return Candidate(
        f"{kind}-{processes}",
        title,
        processes,
        command,
        "Application startup complete",
        "http",
        {"POOL_SIZE": str(40 // processes)},
        alone=True,
        path=HTTP_PATH,
    )


def go() -> Candidate:
    """Give grpc-go with pgx, one transaction a call; its threads use both cores."""
    settings = {"POOL_SIZE": "64", "GOMAXPROCS": "2"}
    command = (str(BIN / "rival"),)
    return Candidate("go-2", "grpc-go + pgx on two cores", 1, command, settings=settings, alone=True)
