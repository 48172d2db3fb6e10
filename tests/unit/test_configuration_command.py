"""`wms-orders config`: every variable, its value, where it came from, secrets hidden."""

import json
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from typer import Typer
from typer.testing import CliRunner

from wms_core.configuration import config, variables
from wms_core.settings import CoreSettings
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
    assert faults == {"DATABASE_URL": "Field required"}


def test_a_process_that_is_none_is_refused() -> None:
    """With those there are."""
    code, text = run("simulator")
    assert code == 2
    assert "server, worker" in text


class _Files(PydanticBaseSettingsSource):
    """A source of the kind that reads secrets from files."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Give nothing: all are given at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Give what a file says."""
        return {"database_url": SECRET}


class _FromFiles(CoreSettings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Ask files after the environment."""
        return init_settings, env_settings, dotenv_settings, _Files(settings_cls), file_secret_settings


def test_a_value_from_a_file_is_told_so() -> None:
    """Whichever source the settings ask is told, with the file that the variable beside it names."""
    shown = {one.variable: one for one in variables(_FromFiles, {"DATABASE_URL_FILE": "/run/secrets/url"})}
    assert shown["DATABASE_URL"].source == "file /run/secrets/url"
    assert shown["DATABASE_URL"].value == "********"
    assert shown["MAX_RETRIES"].source == "default"
    assert isinstance(_FromFiles().database_url, SecretStr)  # type: ignore[call-arg] # all come from their sources
