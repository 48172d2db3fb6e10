"""Candidates and loads of each round."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.api.candidates import (
    Candidate,
    bare_grpc_server,
    fastapi_server,
    go_server,
    own_http_server,
    own_noop_server,
    own_server,
    plain_grpc_server,
)

EMPTY_DATABASE, FULL_DATABASE = "empty", "full"
CONCURRENCY_LEVELS = (1, 16, 64, 256)
SQLALCHEMY = ("sqlalchemy", "FastAPI + SQLAlchemy")
ASYNCPG = ("asyncpg", "FastAPI + asyncpg")


@dataclass(frozen=True, slots=True)
class CandidateTurn:
    """A newly started candidate on a database, with its loads: the call, and the calls in flight."""

    candidate: Candidate
    database: str
    loads: Sequence[tuple[str, int]]


def _build_turn(
    candidate: Candidate, database: str, creates: Sequence[int], *others: tuple[str, int]
) -> CandidateTurn:
    return CandidateTurn(candidate, database, (*(("create", count) for count in creates), *others))


def _server_without_batching(processes: int) -> Candidate:
    return own_server(processes, "solo", "ours without group commit", GROUP_COMMIT_CALLS="1")


#: Compared cases follow each other, so that both see the same state of the machine.
TURNS = (
    _build_turn(own_server(2), EMPTY_DATABASE, CONCURRENCY_LEVELS, ("get", 64), ("get", 256), ("batch", 8)),
    _build_turn(
        own_server(2),
        FULL_DATABASE,
        CONCURRENCY_LEVELS,
        ("get", 64),
        ("get", 256),
        ("batch", 8),
        ("list", 1),
        ("list_deep", 1),
    ),
    _build_turn(own_noop_server(2), EMPTY_DATABASE, CONCURRENCY_LEVELS, ("get", 64), ("get", 256)),
    _build_turn(go_server(), EMPTY_DATABASE, CONCURRENCY_LEVELS),
    _build_turn(fastapi_server(*SQLALCHEMY, 2), EMPTY_DATABASE, CONCURRENCY_LEVELS),
    _build_turn(own_http_server(2), EMPTY_DATABASE, CONCURRENCY_LEVELS),
    _build_turn(fastapi_server(*ASYNCPG, 2), EMPTY_DATABASE, CONCURRENCY_LEVELS),
    _build_turn(own_server(1), EMPTY_DATABASE, CONCURRENCY_LEVELS, ("get", 256)),
    _build_turn(own_server(1), FULL_DATABASE, (1, 64)),
    _build_turn(plain_grpc_server(1), EMPTY_DATABASE, CONCURRENCY_LEVELS),
    _build_turn(_server_without_batching(1), EMPTY_DATABASE, (64,)),
    _build_turn(own_noop_server(1), EMPTY_DATABASE, (64, 256), ("get", 256)),
    _build_turn(plain_grpc_server(2), EMPTY_DATABASE, (64, 256)),
    _build_turn(fastapi_server(*SQLALCHEMY, 1), EMPTY_DATABASE, (64,)),
    _build_turn(fastapi_server(*ASYNCPG, 1), EMPTY_DATABASE, (64,)),
    _build_turn(bare_grpc_server(2), EMPTY_DATABASE, (64, 256)),
    _build_turn(bare_grpc_server(1), EMPTY_DATABASE, (64, 256)),
)


def turns_of_round(round_number: int) -> Sequence[CandidateTurn]:
    """Return the turns of a round; each round starts with another turn, so that none is always the first."""
    start = round_number * 3 % len(TURNS)
    return (*TURNS[start:], *TURNS[:start])


def count_loads(rounds: int) -> int:
    """Return the number of loads, including a bulk insert in each database and round."""
    return rounds * (sum(len(turn.loads) for turn in TURNS) + 2)
