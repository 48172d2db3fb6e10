"""Secrets from files: each secret setting, and what is said when its file is wrong."""

import os
from pathlib import Path

import pytest

from wms_core.secret_files import secret_names
from wms_core.settings import CoreSettings, read_settings
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

URL = "postgresql://wms:hunter2@db:5432/orders"
SECRETS = [
    (kind, name)
    for kind in (CoreSettings, ServerSettings, WorkerSettings)
    for name in secret_names(kind)
    if kind is WorkerSettings or name in CoreSettings.model_fields
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give an environment with nothing of ours but the users that the passwords belong to."""
    for name in WorkerSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.setenv("DATABASE_URL", URL)
    return monkeypatch


def _complaint(kind: type[CoreSettings]) -> str:
    with pytest.raises(SystemExit) as caught:
        read_settings(kind)
    assert "hunter2" not in str(caught.value.code)
    return str(caught.value.code)


def test_every_password_is_a_secret() -> None:
    """Whatever is called a password, the address of the database, which has one, and a collector's token."""
    named = {name for name in WorkerSettings.model_fields if "password" in name}
    assert set(secret_names(WorkerSettings)) == {"database_url", "otel_exporter_otlp_headers", *named}
    assert len(named) == 4


@pytest.mark.parametrize(("kind", "name"), SECRETS)
def test_a_secret_may_be_in_a_file(
    kind: type[CoreSettings], name: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the line break at its end, which most editors write; no form of the settings shows it."""
    file = tmp_path / "secret"
    secret = f"token={URL}" if name.endswith("_headers") else URL
    file.write_text(f"{secret}\r\n", encoding="utf-8")
    environment.delenv(name.upper(), raising=False)
    environment.setenv(f"{name.upper()}_FILE", str(file))
    for user in ("kafka_sasl", "zookeeper_sasl"):
        if name.startswith(user):
            environment.setenv(f"{user.upper()}_USERNAME", "wms")
    settings = read_settings(kind)
    assert getattr(settings, name).get_secret_value() == secret
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


@pytest.mark.parametrize(("kind", "name"), SECRETS)
def test_a_secret_that_is_given_twice_is_refused(
    kind: type[CoreSettings], name: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody has to guess which of them holds."""
    file = tmp_path / "secret"
    file.write_text("hunter2", encoding="utf-8")
    environment.setenv(name.upper(), URL)
    environment.setenv(f"{name.upper()}_FILE", str(file))
    assert _complaint(kind) == (
        "The configuration is wrong:\n"
        f"  {name.upper()}_FILE: {name.upper()} is given too; leave one of them out"
    )


@pytest.mark.parametrize(("kind", "name"), SECRETS)
def test_a_file_that_is_missing_is_named_with_its_variable(
    kind: type[CoreSettings], name: str, environment: pytest.MonkeyPatch
) -> None:
    """One line, also where a user would be without a password because of it."""
    environment.delenv(name.upper(), raising=False)
    environment.setenv("ZOOKEEPER_SASL_USERNAME", "wms")
    environment.setenv("ZOOKEEPER_SASL_PASSWORD", "hunter2")
    if name.startswith("zookeeper_sasl"):
        environment.delenv("ZOOKEEPER_SASL_PASSWORD")
    environment.setenv(f"{name.upper()}_FILE", "/no/such/file")
    assert _complaint(kind) == (
        f"The configuration is wrong:\n  {name.upper()}_FILE: '/no/such/file' can't be read"
        " (No such file or directory); name a file that this process may read"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; write DATABASE_URL into it"),
        (b"\n\n", "is empty; write DATABASE_URL into it"),
        (b"postgresql://wms:hunter2@db/orders\nmore\n", "should have one line of text, DATABASE_URL, and"),
        (b"postgresql://wms:hunter2@db/\0orders", "should have one line of text, DATABASE_URL, and"),
        (b"hunter2\xff", "is no text in UTF-8; write DATABASE_URL into it"),
        (b"hunter2" * 10_000, "is longer than 65536 bytes; it should hold DATABASE_URL only"),
    ],
)
def test_a_file_without_a_secret_says_what_to_write(
    content: bytes, said: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its name is told, its content is not."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", str(file))
    complaint = _complaint(ServerSettings)
    assert complaint.startswith(f"The configuration is wrong:\n  DATABASE_URL_FILE: '{file}' {said}")
    assert complaint.count("\n") == 1


def test_what_is_no_file_says_why(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder, no name at all, and a file that others keep to themselves."""
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", str(tmp_path))
    assert f"DATABASE_URL_FILE: '{tmp_path}' can't be read (Is a directory)" in _complaint(CoreSettings)
    environment.setenv("DATABASE_URL_FILE", "")
    assert "DATABASE_URL_FILE: it names no file; name the one that holds DATABASE_URL" in _complaint(
        CoreSettings
    )
    file = tmp_path / "locked"
    file.write_text(URL, encoding="utf-8")
    file.chmod(0)
    environment.setenv("DATABASE_URL_FILE", str(file))
    if os.geteuid():
        assert "can't be read (Permission denied)" in _complaint(CoreSettings)
    else:
        assert read_settings(CoreSettings).database_url.get_secret_value() == URL  # root reads everything


def test_a_wrong_secret_is_named_by_its_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable that was given is the one to look at; the secret is not shown."""
    file = tmp_path / "secret"
    file.write_text("mysql://wms:hunter2@db/orders", encoding="utf-8")
    environment.delenv("DATABASE_URL")
    environment.setenv("database_url_file", str(file))
    assert "\n  DATABASE_URL_FILE: the form is postgresql://" in _complaint(CoreSettings)


def test_whoever_makes_the_settings_has_the_files_read(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not only the processes; what is given to them directly goes before the files."""
    file = tmp_path / "secret"
    file.write_text(URL, encoding="utf-8")
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", str(file))
    make: type = CoreSettings
    assert make().database_url.get_secret_value() == URL
    other = "postgresql://db/other"
    assert make(database_url=other).database_url.get_secret_value() == other


def test_a_wrong_file_is_told_together_with_other_mistakes(environment: pytest.MonkeyPatch) -> None:
    """Nobody has to start a process twice to find two of them."""
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", "/no/such/file")
    environment.setenv("MAX_RETRIES", "0")
    lines = _complaint(WorkerSettings).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == ["DATABASE_URL_FILE", "MAX_RETRIES"]
