"""The warehouse's own record of what went wrong: for whoever wants to check the books."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

BREAKDOWN, LOST, DAMAGED = "breakdown", "lost", "damaged"
SHORT_PICK, RELEASED, HELD = "short_pick", "released", "held"


@dataclass(frozen=True)
class Incident:
    """One thing that happened; empty is what it has nothing to do with."""

    kind: str
    carrier_id: str = ""
    order_id: str = ""
    sku: str = ""
    units: int = 0
    reason: str = ""


class Journal:
    """Writes each incident at once, a line of JSON; without a path it writes nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        if path:
            path.write_text("", encoding="utf-8")

    def note(self, incident: Incident) -> None:
        """Add a line."""
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(incident), ensure_ascii=False) + "\n")


def read_journal(path: Path) -> list[Incident]:
    """The incidents of a journal, in the order they happened; none without one."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [Incident(**json.loads(line)) for line in lines if line]
