"""`python -m wms_dev.packages`: the languages that it builds, and its messages for the others."""

import shutil
from pathlib import Path

import pytest

from wms_dev.packages import __main__ as command
from wms_dev.packages.building import PackageBuildError, run_tool


@pytest.fixture(autouse=True)
def _without_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build only an empty file for each language, on a machine without Go."""

    def build(output: Path) -> list[Path]:
        return [output / "archive"]

    monkeypatch.setattr(command, "BUILDS", dict.fromkeys(command.BUILDS, build))
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "go" else f"/usr/bin/{name}")
    monkeypatch.delenv("CI", raising=False)


def test_language_without_programs_is_skipped_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other languages are built."""
    assert command.main(["--output", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{tmp_path / 'archive'}\n" * 3
    assert captured.err == "skipped: go, missing programs: go\n"


def test_missing_programs_are_an_error_for_a_named_language_and_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In CI every language must be built."""
    assert command.main(["--output", str(tmp_path), "go"]) == 1
    assert command.main(["--output", str(tmp_path), "python"]) == 0
    monkeypatch.setenv("CI", "true")
    assert command.main(["--output", str(tmp_path)]) == 1


def test_failed_build_prints_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints the last output of the tool."""

    def fail(output: Path) -> list[Path]:
        run_tool(["sh", "-c", "echo no such plugin; exit 3"], output)
        raise AssertionError("the tool has failed")

    monkeypatch.setattr(command, "BUILDS", {**command.BUILDS, "java": fail})
    assert command.main(["--output", str(tmp_path), "java"]) == 1
    assert "no such plugin" in capsys.readouterr().err


def test_missing_program_is_reported(tmp_path: Path) -> None:
    """The message replaces the error of the operating system."""
    with pytest.raises(PackageBuildError, match="no-such-program is not installed"):
        run_tool(["no-such-program"], tmp_path)
