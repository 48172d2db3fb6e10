"""The table of attacks: each one is an async function with a kind and two sizes."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path
from typing import Any

#: The number of responses by status, for the report.
Responses = Counter[str]


class Kind(StrEnum):
    """The part of the service that an attack targets."""

    CONNECTIONS = auto()
    STREAMS = auto()
    MEMORY = auto()
    WORK = auto()
    TOKENS = auto()
    BROWSERS = auto()
    RANDOM_INPUT = "random input"


@dataclass(frozen=True, slots=True)
class Target:
    """The attacked service: its loopback ports, its database, and the Postgres process."""

    grpc_port: int
    http_port: int
    worker_grpc_port: int
    worker_http_port: int
    database_url: str
    postgres_pid: int

    @property
    def address(self) -> str:
        """Return the address of the server's gRPC port."""
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def worker_address(self) -> str:
        """Return the address of the worker's gRPC port."""
        return f"127.0.0.1:{self.worker_grpc_port}"

    @contextmanager
    def frozen_database(self) -> Iterator[None]:
        """Stop all Postgres processes until the end of the block."""
        stopped: list[int] = []
        try:
            # The parent first, so that it starts no more children.
            for pid in (self.postgres_pid, *_children(self.postgres_pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


AttackFunction = Callable[[Target, int, float], Coroutine[Any, Any, Responses]]


@dataclass(frozen=True, slots=True)
class Size:
    """The number of units that an attack sends, and the seconds for which it keeps them open."""

    count: int
    hold_seconds: float


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack.

    Its function receives the target, a count and the seconds for which it keeps connections open.
    """

    run: AttackFunction
    kind: Kind
    unit: str
    long: Size
    short: Size
    #: True if no caller can be served because the database itself is stopped.
    stops_the_database: bool = False

    @property
    def name(self) -> str:
        """Return the name of the function in words."""
        return self.run.__name__.replace("_", " ")

    def size(self, *, short: bool) -> Size:
        """Return the size of the short or the long form."""
        return self.short if short else self.long


ATTACKS: dict[str, Attack] = {}


def attack(
    kind: Kind,
    unit: str,
    *,
    long: tuple[int, float],
    short: tuple[int, float],
    stops_the_database: bool = False,
) -> Callable[[AttackFunction], AttackFunction]:
    """Register an attack with the count of its units and its hold time in seconds, in both forms."""

    def register(function: AttackFunction) -> AttackFunction:
        registered = Attack(function, kind, unit, Size(*long), Size(*short), stops_the_database)
        ATTACKS[function.__name__] = registered
        return function

    return register
