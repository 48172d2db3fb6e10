"""`python -m wms_dev.packages`: which languages it builds, and what it says of the others."""

import shutil
from pathlib import Path

import pytest

from wms_dev.packages import __main__ as command
from wms_dev.packages.building import PackageNotBuilt, run


@pytest.fixture(autouse=True)
def _without_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build nothing but an empty file for each language, on a machine without Go."""

    def build(output: Path) -> list[Path]:
        return [output / "archive"]

    monkeypatch.setattr(command, "BUILDS", dict.fromkeys(command.BUILDS, build))
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "go" else f"/usr/bin/{name}")
    monkeypatch.delenv("CI", raising=False)


def test_a_language_whose_programs_are_missing_is_left_out_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are built."""
    assert command.main(["--output", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{tmp_path / 'archive'}\n" * 3
    assert told.err == "left out: go, for want of go\n"


def test_it_is_an_error_for_whoever_names_the_language_and_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is missed where everything is wanted."""
    assert command.main(["--output", str(tmp_path), "go"]) == 1
    assert command.main(["--output", str(tmp_path), "python"]) == 0
    monkeypatch.setenv("CI", "true")
    assert command.main(["--output", str(tmp_path)]) == 1


def test_a_build_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the last words of the tool."""

    def fail(output: Path) -> list[Path]:
        run(["sh", "-c", "echo no such plugin; exit 3"], output)
        raise AssertionError("the tool has failed")

    monkeypatch.setattr(command, "BUILDS", {**command.BUILDS, "java": fail})
    assert command.main(["--output", str(tmp_path), "java"]) == 1
    assert "no such plugin" in capsys.readouterr().err


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    """In place of an error of the operating system."""
    with pytest.raises(PackageNotBuilt, match="There is no no-such-program on this machine"):
        run(["no-such-program"], tmp_path)
