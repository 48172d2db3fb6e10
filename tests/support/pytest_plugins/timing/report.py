"""Print tables of the time of a recorded test run.

`python -m tests.support.pytest_plugins.timing.report DIRECTORY`

Seconds are summed over the processes that ran tests: two processes add up to two seconds per second.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Total:
    """Sums over the tests of a folder or file, or over the setups of a fixture; times in seconds."""

    count: int = 0
    wall: float = 0.0
    processor: float = 0.0
    children: float = 0.0
    waits: Counter[str] = field(default_factory=Counter)

    def add(self, line: dict[str, Any], count: int) -> None:
        """Add the record of a phase of a test or a setup of a fixture."""
        self.count += count
        self.wall += line["wall"]
        self.processor += line["processor"]
        self.children += line["children"]
        self.waits.update(line["waits"])


@dataclass(frozen=True, slots=True)
class Times:
    """Times of a run: by kind of test (folder), by file, by test, by fixture."""

    kinds: dict[str, Total]
    files: dict[str, Total]
    tests: dict[str, Total]
    fixtures: dict[str, Total]


def read_times(directory: Path) -> Times:
    """Return the recorded times. Raises FileNotFoundError if there are none."""
    times = Times(defaultdict(Total), defaultdict(Total), defaultdict(Total), defaultdict(Total))
    for line in _lines(directory):
        if line["kind"] == "fixture":
            times.fixtures[f"{line['fixture']} ({line['scope']})"].add(line, 1)
            continue
        count = int(line["phase"] == "call")
        file = line["test"].partition("::")[0]
        kind = "/".join(Path(file).parts[:2])
        for group, name in ((times.kinds, kind), (times.files, file), (times.tests, line["test"])):
            group[name].add(line, count)
    return times


def _lines(directory: Path) -> Iterator[dict[str, Any]]:
    files = sorted(directory.glob("*.jsonl"))
    if not files:
        raise FileNotFoundError(f"{directory} has no recorded times; `make test-times` records them")
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def report(times: Times, max_rows: int) -> str:
    """Return the tables in Markdown, each with at most `max_rows` rows."""
    waits: Counter[str] = Counter()
    for total in times.kinds.values():
        waits.update(total.waits)
    total_wall = sum(waits.values()) or 1.0
    return "\n\n".join(
        [
            _table("kind", times.kinds, max_rows),
            _rows(
                ("spent on", "s", "share"),
                ((name, f"{s:.0f}", f"{s / total_wall:.0%}") for name, s in waits.most_common(max_rows)),
            ),
            _table("file", times.files, max_rows),
            _table("fixture", times.fixtures, max_rows),
            _table("test", times.tests, max_rows),
        ]
    )


def _table(title: str, totals: dict[str, Total], max_rows: int) -> str:
    largest = sorted(totals.items(), key=lambda named: -named[1].wall)[:max_rows]
    return _rows(
        (title, "count", "wall s", "processor s", "ended children's processor s", "longest wait"),
        (
            (
                name,
                str(total.count),
                f"{total.wall:.1f}",
                f"{total.processor:.1f}",
                f"{total.children:.1f}",
                ", ".join(f"{kind} {seconds:.0f}" for kind, seconds in total.waits.most_common(2)),
            )
            for name, total in largest
        ),
    )


def _rows(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Print the tables of a directory with recorded times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--most", type=int, default=25, metavar="ROWS", help="rows of a table (default 25)")
    arguments = parser.parse_args()
    print(report(read_times(arguments.directory), arguments.most))  # noqa: T201


if __name__ == "__main__":
    main()
