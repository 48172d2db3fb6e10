"""What the owner tells the keeper on its input, and what the keeper answers: a line of JSON each."""

import json
from dataclasses import asdict, dataclass

from wms_dev.embedded_postgres.errors import EmbeddedPostgresError, from_report


@dataclass(frozen=True)
class Job:
    """What to run, and for whom."""

    owner_pid: int
    data_dir: str
    bin_dir: str
    port: int | None
    ephemeral: bool
    settings: dict[str, str]

    def to_line(self) -> bytes:
        """For the keeper's input, so that none of it shows in the list of processes."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Job":
        """The counterpart of `to_line`."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Running:
    """The keeper's answer when the server accepts connections."""

    port: int
    postmaster_pid: int
    password: str

    def to_line(self) -> bytes:
        """For the keeper's output, which only the owner reads."""
        return json.dumps({"running": asdict(self)}).encode() + b"\n"


def error_line(error: EmbeddedPostgresError) -> bytes:
    """The keeper's answer when it could not start the server."""
    return json.dumps({"error": type(error).__name__, "facts": error.facts}).encode() + b"\n"


def read_answer(line: bytes) -> Running | EmbeddedPostgresError | None:
    """The answer in this line of output, None when the line is something else."""
    try:
        answer = json.loads(line)
        if "error" in answer:
            return from_report(answer["error"], answer["facts"])
        return Running(**answer["running"])
    except (ValueError, KeyError, TypeError):
        return None
