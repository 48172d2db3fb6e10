"""The messages between the parent and the supervisor, each a line of JSON."""

import json
from dataclasses import asdict, dataclass

from wms_dev.embedded.postgres.errors import EmbeddedPostgresError, error_from_report


@dataclass(frozen=True)
class StartRequest:
    """The server to start, and the process to which it belongs."""

    parent_pid: int
    data_dir: str
    bin_dir: str
    port: int | None
    ephemeral: bool
    settings: dict[str, str]

    def to_line(self) -> bytes:
        """Encode the request for the supervisor's stdin, because command lines are public."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "StartRequest":
        """Decode the result of `to_line`."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class RunningServer:
    """The supervisor's response when the server accepts connections."""

    port: int
    postmaster_pid: int
    password: str

    def to_line(self) -> bytes:
        """Encode the response for the supervisor's stdout, which only the parent reads."""
        return json.dumps({"running": asdict(self)}).encode() + b"\n"


def encode_error(error: EmbeddedPostgresError) -> bytes:
    """Encode the supervisor's response when it could not start the server."""
    return json.dumps({"error": type(error).__name__, "facts": error.facts}).encode() + b"\n"


def parse_response(line: bytes) -> RunningServer | EmbeddedPostgresError | None:
    """Decode a line of output, or return None if it is not a response."""
    try:
        response = json.loads(line)
        if "error" in response:
            return error_from_report(response["error"], response["facts"])
        return RunningServer(**response["running"])
    except (ValueError, KeyError, TypeError):
        return None
