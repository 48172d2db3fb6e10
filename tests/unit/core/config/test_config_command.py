"""`wms-orders config` prints every variable with its value and source, and hides secrets."""

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from wms_core.config.config_command import show_config
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

SECRET = "postgresql://wms:canary@db/orders"


@pytest.fixture(autouse=True)
def _clear_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (ServerSettings, WorkerSettings):
        for name in kind.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)


def run(*arguments: str) -> tuple[int, str]:
    """Run the command in this process. Return its exit code and output."""
    application = Typer()
    application.command()(show_config)
    result = CliRunner().invoke(application, list(arguments))
    return result.exit_code, result.output


def test_every_variable_of_both_processes_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one has its value in the form of the environment, and its source."""
    monkeypatch.setenv("DATABASE_URL", SECRET)
    monkeypatch.setenv("max_retries", "7")
    code, text = run("--output", "json")
    assert code == 0
    rows_by_process = json.loads(text)
    for process, kind in (("server", ServerSettings), ("worker", WorkerSettings)):
        rows_by_variable = {row["variable"]: row for row in rows_by_process[process]}
        assert list(rows_by_variable) == [name.upper() for name in kind.model_fields]
        assert (rows_by_variable["MAX_RETRIES"]["value"], rows_by_variable["MAX_RETRIES"]["source"]) == (
            "7",
            "environment",
        )
        assert (rows_by_variable["RETRY_BASE"]["value"], rows_by_variable["RETRY_BASE"]["source"]) == (
            "15m",
            "default",
        )
        assert rows_by_variable["DATABASE_URL"]["value"] == "********"
        assert all(row["meaning"] for row in rows_by_variable.values())
    assert "canary" not in text


def test_only_changed_variables_are_printed_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output for people hides secrets, too."""
    monkeypatch.setenv("DATABASE_URL", SECRET)
    code, text = run("server", "--changed")
    assert code == 0
    assert [line.split() for line in text.splitlines() if line] == [
        ["server"],
        ["variable", "value", "from"],
        ["DATABASE_URL", "********", "environment"],
    ]


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MAX_RETRIES", "many", "valid integer"),
        ("DATABASE_URL", "mysql://wms:canary@db", "postgresql://"),
        ("WORKER_ROLES", "relay", "needs KAFKA_BROKERS"),
    ],
)
def test_errors_are_printed_without_secrets(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    """An error is printed beside its variable, also for a missing one. The exit code is 1."""
    monkeypatch.setenv("DATABASE_URL", SECRET)
    monkeypatch.setenv(variable, value)
    code, text = run("worker")
    assert code == 1
    assert message in " ".join(text.split())
    assert "canary" not in text
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv(variable, raising=False)
    code, text = run("worker", "--output", "json")
    assert code == 1
    errors = {row["variable"]: row["fault"] for row in json.loads(text)["worker"] if row["fault"]}
    assert errors == {"DATABASE_URL": "it must be set, or DATABASE_URL_FILE"}


def test_unknown_process_is_rejected() -> None:
    """The error lists the known processes."""
    code, text = run("simulator")
    assert code == 2
    assert "server, worker" in text


def test_secret_from_a_file_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The output has the path of the file and not its content."""
    file = tmp_path / "url"
    file.write_text(SECRET + "\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    code, text = run("server", "--output", "json")
    assert code == 0
    rows_by_variable = {row["variable"]: row for row in json.loads(text)["server"]}
    assert rows_by_variable["DATABASE_URL"]["source"] == f"file {file}"
    assert rows_by_variable["DATABASE_URL"]["value"] == "********"
    assert "canary" not in text
    file.unlink()
    code, text = run("server", "--output", "json")
    assert code == 1
    rows_by_variable = {row["variable"]: row for row in json.loads(text)["server"]}
    assert "can't be read" in rows_by_variable["DATABASE_URL"]["fault"]
