"""The table of attacks: each is an async function with a kind and two sizes."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path
from typing import Any

#: What the peer got: the number of responses by status, for the report.
Responses = Counter[str]


class Kind(StrEnum):
    """The part of the service that an attack is aimed at."""

    CONNECTIONS = auto()
    STREAMS = auto()
    MEMORY = auto()
    WORK = auto()
    TOKENS = auto()
    BROWSERS = auto()
    RANDOM_INPUT = "random input"


@dataclass(frozen=True, slots=True)
class Target:
    """The service under attack: its ports on loopback, its database, and the process of Postgres."""

    grpc_port: int
    http_port: int
    worker_grpc_port: int
    worker_http_port: int
    database_url: str
    postgres_pid: int

    @property
    def address(self) -> str:
        """The address of the server's gRPC port."""
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def worker_address(self) -> str:
        """The address of the worker's gRPC port."""
        return f"127.0.0.1:{self.worker_grpc_port}"

    @contextmanager
    def frozen_database(self) -> Iterator[None]:
        """Stop all processes of Postgres until the end of the block."""
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
    """How much an attack sends, and how many seconds it holds on to it."""

    count: int
    hold_seconds: float


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. Its function gets the target, a count and the seconds to hold what it has opened."""

    run: AttackFunction
    kind: Kind
    unit: str
    long: Size
    short: Size
    #: A caller cannot be served while the database itself stands still.
    stops_the_database: bool = False

    @property
    def name(self) -> str:
        """The name of the function, in words."""
        return self.run.__name__.replace("_", " ")

    def size(self, *, short: bool) -> Size:
        """Return the size of one form."""
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
    """Register an attack: the count of its units and the seconds that it holds them, in both forms."""

    def register(function: AttackFunction) -> AttackFunction:
        made = Attack(function, kind, unit, Size(*long), Size(*short), stops_the_database)
        ATTACKS[function.__name__] = made
        return function

    return register
