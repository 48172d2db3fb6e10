"""Secrets in files: each secret setting can be read from a file, and a wrong file has an error message."""

import os
from pathlib import Path

import pytest

from wms_core.config.secret_files import list_secret_names
from wms_core.config.settings import CoreSettings, read_settings
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

URL = "postgresql://wms:hunter2@db:5432/orders"
SECRETS = [
    (kind, name)
    for kind in (CoreSettings, ServerSettings, WorkerSettings)
    for name in list_secret_names(kind)
    if kind is WorkerSettings or name in CoreSettings.model_fields
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment without settings, except for the users of the passwords."""
    for name in WorkerSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.setenv("DATABASE_URL", URL)
    return monkeypatch


def _error_text(kind: type[CoreSettings]) -> str:
    with pytest.raises(SystemExit) as caught:
        read_settings(kind)
    assert "hunter2" not in str(caught.value.code)
    return str(caught.value.code)


def test_every_password_is_a_secret() -> None:
    """Secrets are all passwords, the database address, which has a password, and the collector's headers."""
    password_names = {name for name in WorkerSettings.model_fields if "password" in name}
    assert set(list_secret_names(WorkerSettings)) == {
        "database_url",
        "otel_exporter_otlp_headers",
        *password_names,
    }
    assert len(password_names) == 4


@pytest.mark.parametrize(("kind", "name"), SECRETS)
def test_secret_is_read_from_a_file(
    kind: type[CoreSettings], name: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The final line break of most editors is removed. No form of the settings shows the secret."""
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
def test_secret_set_twice_is_rejected(
    kind: type[CoreSettings], name: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The precedence would not be obvious."""
    file = tmp_path / "secret"
    file.write_text("hunter2", encoding="utf-8")
    environment.setenv(name.upper(), URL)
    environment.setenv(f"{name.upper()}_FILE", str(file))
    assert _error_text(kind) == (
        "The configuration is wrong:\n"
        f"  {name.upper()}_FILE: {name.upper()} is set as well; remove one of them"
    )


@pytest.mark.parametrize(("kind", "name"), SECRETS)
def test_missing_file_is_reported_with_its_variable(
    kind: type[CoreSettings], name: str, environment: pytest.MonkeyPatch
) -> None:
    """The error is one line, also if a user has no password because of it."""
    environment.delenv(name.upper(), raising=False)
    environment.setenv("ZOOKEEPER_SASL_USERNAME", "wms")
    environment.setenv("ZOOKEEPER_SASL_PASSWORD", "hunter2")
    if name.startswith("zookeeper_sasl"):
        environment.delenv("ZOOKEEPER_SASL_PASSWORD")
    environment.setenv(f"{name.upper()}_FILE", "/no/such/file")
    assert _error_text(kind) == (
        f"The configuration is wrong:\n  {name.upper()}_FILE: '/no/such/file' can't be read"
        " (No such file or directory); name a file that this process can read"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; write DATABASE_URL into it"),
        (b"\n\n", "is empty; write DATABASE_URL into it"),
        (b"postgresql://wms:hunter2@db/orders\nmore\n", "must contain one line with DATABASE_URL, and"),
        (b"postgresql://wms:hunter2@db/\0orders", "must contain one line with DATABASE_URL, and"),
        (b"hunter2\xff", "is not UTF-8 text; write DATABASE_URL into it"),
        (b"hunter2" * 10_000, "is longer than 65536 bytes; it must contain DATABASE_URL only"),
    ],
)
def test_file_without_a_secret_is_reported_with_the_fix(
    content: bytes, message: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The error has the path of the file and not its content."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", str(file))
    error_text = _error_text(ServerSettings)
    assert error_text.startswith(f"The configuration is wrong:\n  DATABASE_URL_FILE: '{file}' {message}")
    assert error_text.count("\n") == 1


def test_unreadable_file_is_reported_with_the_cause(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The path is a folder, is empty, or names a file without read permission."""
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", str(tmp_path))
    assert f"DATABASE_URL_FILE: '{tmp_path}' can't be read (Is a directory)" in _error_text(CoreSettings)
    environment.setenv("DATABASE_URL_FILE", "")
    assert "DATABASE_URL_FILE: it is empty; set it to the file that contains DATABASE_URL" in _error_text(
        CoreSettings
    )
    file = tmp_path / "locked"
    file.write_text(URL, encoding="utf-8")
    file.chmod(0)
    environment.setenv("DATABASE_URL_FILE", str(file))
    if os.geteuid():
        assert "can't be read (Permission denied)" in _error_text(CoreSettings)
    else:
        assert read_settings(CoreSettings).database_url.get_secret_value() == URL  # root reads everything


def test_invalid_secret_is_reported_with_its_file_variable(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The error names the variable that was set and does not show the secret."""
    file = tmp_path / "secret"
    file.write_text("mysql://wms:hunter2@db/orders", encoding="utf-8")
    environment.delenv("DATABASE_URL")
    environment.setenv("database_url_file", str(file))
    assert "\n  DATABASE_URL_FILE: the form is postgresql://" in _error_text(CoreSettings)


def test_settings_constructor_reads_the_files(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Arguments of the constructor take precedence over files."""
    file = tmp_path / "secret"
    file.write_text(URL, encoding="utf-8")
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", str(file))
    construct: type = CoreSettings
    assert construct().database_url.get_secret_value() == URL
    argument_url = "postgresql://db/other"
    assert construct(database_url=argument_url).database_url.get_secret_value() == argument_url


def test_wrong_file_is_reported_together_with_other_errors(environment: pytest.MonkeyPatch) -> None:
    """All errors are reported in one start of the process."""
    environment.delenv("DATABASE_URL")
    environment.setenv("DATABASE_URL_FILE", "/no/such/file")
    environment.setenv("MAX_RETRIES", "0")
    lines = _error_text(WorkerSettings).splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == ["DATABASE_URL_FILE", "MAX_RETRIES"]
