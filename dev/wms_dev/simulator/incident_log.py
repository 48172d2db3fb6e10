"""The simulator's own record of all incidents, for reconciliations."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

BREAKDOWN, LOST, DAMAGED = "breakdown", "lost", "damaged"
SHORT_PICK, RELEASED, HELD = "short_pick", "released", "held"


@dataclass(frozen=True)
class Incident:
    """An incident. Fields that do not apply are empty."""

    kind: str
    carrier_id: str = ""
    order_id: str = ""
    sku: str = ""
    units: int = 0
    reason: str = ""


class IncidentLog:
    """Writes each incident immediately as a line of JSON. Without a path it does nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        if path:
            path.write_text("", encoding="utf-8")

    def write_incident(self, incident: Incident) -> None:
        """Append an incident."""
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(incident), ensure_ascii=False) + "\n")


def read_incident_log(path: Path) -> list[Incident]:
    """Read the incidents of a file in their order. Return an empty list if there is no file."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [Incident(**json.loads(line)) for line in lines if line]
