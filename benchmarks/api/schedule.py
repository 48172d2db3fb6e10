"""Who is measured with what in each round."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.api.candidates import Candidate, bare, fastapi, go, noop, ours, ours_http, plain

EMPTY, FULL = "empty", "full"
ALL = (1, 16, 64, 256)
SQLALCHEMY = ("sqlalchemy", "FastAPI + SQLAlchemy")
ASYNCPG = ("asyncpg", "FastAPI + asyncpg")


@dataclass(frozen=True, slots=True)
class Turn:
    """A candidate on a database, started anew, with its loads: the call, and how many are in flight."""

    candidate: Candidate
    database: str
    loads: Sequence[tuple[str, int]]


def _turn(candidate: Candidate, database: str, creates: Sequence[int], *others: tuple[str, int]) -> Turn:
    return Turn(candidate, database, (*(("create", count) for count in creates), *others))


def _solo(processes: int) -> Candidate:
    return ours(processes, "solo", "ours without group commit", GROUP_COMMIT_CALLS="1")


#: A case and the one that it is held to stand beside each other.
TURNS = (
    _turn(ours(2), EMPTY, ALL, ("get", 64), ("get", 256), ("batch", 8)),
    _turn(ours(2), FULL, ALL, ("get", 64), ("get", 256), ("batch", 8), ("list", 1), ("list_deep", 1)),
    _turn(noop(2), EMPTY, ALL, ("get", 64), ("get", 256)),
    _turn(go(), EMPTY, ALL),
    _turn(fastapi(*SQLALCHEMY, 2), EMPTY, ALL),
    _turn(ours_http(2), EMPTY, ALL),
    _turn(fastapi(*ASYNCPG, 2), EMPTY, ALL),
    _turn(ours(1), EMPTY, ALL, ("get", 256)),
    _turn(ours(1), FULL, (1, 64)),
    _turn(plain(1), EMPTY, ALL),
    _turn(_solo(1), EMPTY, (64,)),
    _turn(noop(1), EMPTY, (64, 256), ("get", 256)),
    _turn(plain(2), EMPTY, (64, 256)),
    _turn(fastapi(*SQLALCHEMY, 1), EMPTY, (64,)),
    _turn(fastapi(*ASYNCPG, 1), EMPTY, (64,)),
    _turn(bare(2), EMPTY, (64, 256)),
    _turn(bare(1), EMPTY, (64, 256)),
)


def order_of(round_number: int) -> Sequence[Turn]:
    """Give the turns of a round; each round begins elsewhere, so that nobody is always the first."""
    start = round_number * 3 % len(TURNS)
    return (*TURNS[start:], *TURNS[:start])


def steps(rounds: int) -> int:
    """Give how many loads there are, a bulk insert in each database and round among them."""
    return rounds * (sum(len(turn.loads) for turn in TURNS) + 2)
