"""The documents' generated parts are current, and the generator says so when they are not."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from wms_core.configuration import duration_text
from wms_core.domain.order_status import TRANSITIONS
from wms_dev.documents import configuration, events, state_machine
from wms_dev.documents.__main__ import report
from wms_dev.documents.marked import BEGIN, END, MarksMissing, part_of, with_part
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

DOCS = Path(__file__).parents[2] / "docs"


def _part(name: str) -> str:
    return part_of((DOCS / name).read_text(encoding="utf-8"))


def test_the_drawing_of_the_statuses_is_the_table() -> None:
    """docs/state_machine.md is current; `make generate` writes it."""
    assert _part("state_machine.md") == state_machine.part()


def test_every_arrow_of_the_drawing_is_one_of_the_table_and_the_other_way_round() -> None:
    """Read back from the document, whoever wrote it there."""
    drawn = set(re.findall(r"^    (\w+) --> (\w+):", _part("state_machine.md"), re.MULTILINE))
    assert drawn == {(status.value, to.value) for status, targets in TRANSITIONS.items() for to in targets}


def test_the_list_of_variables_is_that_of_the_settings() -> None:
    """docs/configuration.md is current; `make generate` writes it."""
    assert _part("configuration.md") == configuration.part()


def test_the_list_of_events_is_that_of_their_classes() -> None:
    """docs/events.md is current; `make generate` writes it."""
    assert _part("events.md") == events.part()


@pytest.mark.parametrize("kind", [ServerSettings, WorkerSettings])
def test_every_variable_of_a_process_is_listed(kind: type[ServerSettings | WorkerSettings]) -> None:
    """Also when the installed package has forgotten to name the settings of a process."""
    listed = set(re.findall(r"^\| `(\w+)` \|", _part("configuration.md"), re.MULTILINE))
    assert {name.upper() for name in kind.model_fields} <= listed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(minutes=15), "15m"),
        (timedelta(hours=6), "6h"),
        (timedelta(days=2), "2d"),
        (timedelta(seconds=90), "90s"),
        (timedelta(milliseconds=250), "250ms"),
        (timedelta(0), "0"),
    ],
)
def test_a_duration_is_written_as_the_environment_takes_it(value: timedelta, text: str) -> None:
    """In the largest unit that it is a whole number of."""
    assert duration_text(value) == text


def test_what_is_written_by_hand_stays() -> None:
    """Only the part between the marks is replaced."""
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    fresh = with_part(document, "new")
    assert fresh == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert part_of(fresh) == "new"
    assert with_part(fresh, "new") == fresh


@pytest.mark.parametrize("document", ["", BEGIN, END + BEGIN + BEGIN])
def test_a_document_without_its_marks_is_an_error(document: str) -> None:
    """Nothing is written to the wrong place."""
    with pytest.raises(MarksMissing):
        with_part(document, "new")


def test_a_stale_document_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    """And is named, with the word that mends it."""
    assert report(["schema.md"], check=True) == 1
    assert report(["schema.md"], check=False) == 0
    assert report([], check=True) == 0
    out, err = capsys.readouterr()
    assert "stale: docs/schema.md" in out
    assert "make generate" in err
