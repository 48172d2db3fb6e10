"""The generated parts of documents are current, and the generator reports outdated ones."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from wms_core.config.config_command import format_duration
from wms_core.domain.orders.status import STATUS_TRANSITIONS
from wms_dev.docs_generator import configuration, events, state_machine
from wms_dev.docs_generator.__main__ import print_stale
from wms_dev.docs_generator.generated_part import (
    BEGIN_MARKER,
    END_MARKER,
    MarkersMissing,
    extract_generated_part,
    replace_generated_part,
)
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

DOCS = Path(__file__).parents[3] / "docs"


def _read_generated_part(name: str) -> str:
    return extract_generated_part((DOCS / name).read_text(encoding="utf-8"))


def test_state_diagram_is_current() -> None:
    """`make generate` writes docs/concepts/state_machine.md."""
    assert _read_generated_part("concepts/state_machine.md") == state_machine.part()


def test_state_diagram_has_the_transitions_of_the_table() -> None:
    """The transitions are read back from the document."""
    transitions = set(
        re.findall(r"^    (\w+) --> (\w+):", _read_generated_part("concepts/state_machine.md"), re.MULTILINE)
    )
    assert transitions == {
        (status.value, target.value) for status, targets in STATUS_TRANSITIONS.items() for target in targets
    }


def test_list_of_variables_is_current() -> None:
    """`make generate` writes docs/guides/configuration.md."""
    assert _read_generated_part("guides/configuration.md") == configuration.render_generated_part()


def test_list_of_events_is_current() -> None:
    """`make generate` writes docs/guides/events.md."""
    assert _read_generated_part("guides/events.md") == events.render_generated_part()


@pytest.mark.parametrize("kind", [ServerSettings, WorkerSettings])
def test_every_variable_of_a_process_is_listed(kind: type[ServerSettings | WorkerSettings]) -> None:
    """This holds even if the package does not register the settings of a process."""
    listed = set(re.findall(r"^\| `(\w+)` \|", _read_generated_part("guides/configuration.md"), re.MULTILINE))
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
def test_duration_has_the_form_of_the_environment(value: timedelta, text: str) -> None:
    """The unit is the largest one with a whole number."""
    assert format_duration(value) == text


def test_handwritten_text_is_kept() -> None:
    """Only the part between the markers is replaced."""
    document = f"before\n{BEGIN_MARKER}\nold\n{END_MARKER}\nafter\n"
    updated = replace_generated_part(document, "new")
    assert updated == f"before\n{BEGIN_MARKER}\n\nnew\n\n{END_MARKER}\nafter\n"
    assert extract_generated_part(updated) == "new"
    assert replace_generated_part(updated, "new") == updated


@pytest.mark.parametrize("document", ["", BEGIN_MARKER, END_MARKER + BEGIN_MARKER + BEGIN_MARKER])
def test_document_without_markers_is_an_error(document: str) -> None:
    """Nothing is written to a wrong place."""
    with pytest.raises(MarkersMissing):
        replace_generated_part(document, "new")


def test_outdated_document_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    """The output names the document and the command that updates it."""
    assert print_stale(["reference/schema.md"], check=True) == 1
    assert print_stale(["reference/schema.md"], check=False) == 0
    assert print_stale([], check=True) == 0
    output, error_output = capsys.readouterr()
    assert "stale: docs/reference/schema.md" in output
    assert "make generate" in error_output
