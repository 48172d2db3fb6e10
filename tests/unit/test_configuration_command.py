"""`wms-orders config`: every variable, its value, where it came from, secrets hidden."""

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from wms_core.configuration import config
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

SECRET = "postgresql://wms:canary@db/orders"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (ServerSettings, WorkerSettings):
        for name in kind.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)


def run(*arguments: str) -> tuple[int, str]:
    """Run the command in this process; gives exit code and output."""
    application = Typer()
    application.command()(config)
    done = CliRunner().invoke(application, list(arguments))
    return done.exit_code, done.output


def test_every_variable_of_both_processes_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its value as the environment would write it, and what it is by default."""
    monkeypatch.setenv("DATABASE_URL", SECRET)
    monkeypatch.setenv("max_retries", "7")
    code, text = run("--output", "json")
    assert code == 0
    found = json.loads(text)
    for process, kind in (("server", ServerSettings), ("worker", WorkerSettings)):
        by_name = {one["variable"]: one for one in found[process]}
        assert list(by_name) == [name.upper() for name in kind.model_fields]
        assert (by_name["MAX_RETRIES"]["value"], by_name["MAX_RETRIES"]["source"]) == ("7", "environment")
        assert (by_name["RETRY_BASE"]["value"], by_name["RETRY_BASE"]["source"]) == ("15m", "default")
        assert by_name["DATABASE_URL"]["value"] == "********"
        assert all(one["meaning"] for one in by_name.values())
    assert "canary" not in text


def test_only_what_was_changed_is_shown_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """For people; no secret, here neither."""
    monkeypatch.setenv("DATABASE_URL", SECRET)
    code, text = run("server", "--changed")
    assert code == 0
    assert [line.split() for line in text.splitlines() if line] == [
        ["server"],
        ["variable", "value", "from"],
        ["DATABASE_URL", "********", "environment"],
    ]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MAX_RETRIES", "many", "valid integer"),
        ("DATABASE_URL", "mysql://wms:canary@db", "postgresql://"),
        ("WORKER_ROLES", "relay", "needs KAFKA_BROKERS"),
    ],
)
def test_what_is_wrong_is_told_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    """Beside the variable, with exit code 1; what is missing too."""
    monkeypatch.setenv("DATABASE_URL", SECRET)
    monkeypatch.setenv(variable, value)
    code, text = run("worker")
    assert code == 1
    assert said in " ".join(text.split())
    assert "canary" not in text
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv(variable, raising=False)
    code, text = run("worker", "--output", "json")
    assert code == 1
    faults = {one["variable"]: one["fault"] for one in json.loads(text)["worker"] if one["fault"]}
    assert faults == {"DATABASE_URL": "it has to be given, or DATABASE_URL_FILE"}


def test_a_process_that_is_none_is_refused() -> None:
    """With those there are."""
    code, text = run("simulator")
    assert code == 2
    assert "server, worker" in text


def test_a_secret_from_a_file_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the file that the variable beside it names, and not with what is in it."""
    file = tmp_path / "url"
    file.write_text(SECRET + "\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    code, text = run("server", "--output", "json")
    assert code == 0
    shown = {one["variable"]: one for one in json.loads(text)["server"]}
    assert shown["DATABASE_URL"]["source"] == f"file {file}"
    assert shown["DATABASE_URL"]["value"] == "********"
    assert "canary" not in text
    file.unlink()
    code, text = run("server", "--output", "json")
    assert code == 1
    shown = {one["variable"]: one for one in json.loads(text)["server"]}
    assert "can't be read" in shown["DATABASE_URL"]["fault"]
