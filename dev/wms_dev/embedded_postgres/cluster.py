"""Postgres's own data directory: made whole or not at all."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from wms_dev.embedded_postgres.account import Account
from wms_dev.embedded_postgres.children import run
from wms_dev.embedded_postgres.errors import DataFolderUnusable, StartFailed, VersionMismatch
from wms_dev.embedded_postgres.folder import DataFolder
from wms_dev.embedded_postgres.log_tail import log_end, log_tail
from wms_dev.embedded_postgres.waiting import Pause

ROLE = "wms"
DATABASE = "wms"
STEP_SECONDS = 60
BUILTIN_LOCALES_SINCE = 17


@dataclass(frozen=True)
class Installation:
    """The Postgres programs of one version and the user who runs them."""

    bin_dir: Path
    version: int
    account: Account


def ensure_cluster(folder: DataFolder, installed: Installation, log: int, pause: Pause) -> str:
    """The password of the role; the cluster with its database is made first when there is none.

    Raises `VersionMismatch`, `DataFolderUnusable` for another user's cluster, `StartFailed`.
    """
    folder.clear_unfinished()
    if folder.cluster.exists():
        _check(folder, installed)
    else:
        _make(folder, installed, log, pause)
    return folder.password.read_text().strip()


def _check(folder: DataFolder, installed: Installation) -> None:
    found = (folder.cluster / "PG_VERSION").read_text().strip()
    if found != str(installed.version):
        raise VersionMismatch(folder=str(folder.path), found=found, wanted=installed.version)
    if (owner := folder.cluster.stat().st_uid) != installed.account.uid:
        reason = f"its data belongs to user {owner}, Postgres runs as {installed.account.name}"
        raise DataFolderUnusable(folder=str(folder.path), reason=reason)


def _make(folder: DataFolder, installed: Installation, log: int, pause: Pause) -> None:
    unfinished = folder.path / f"initdb-{secrets.token_hex(8)}"
    unfinished.mkdir(mode=0o700)
    cluster, password = unfinished / "cluster", unfinished / "password"
    cluster.mkdir(mode=0o700)
    _write_secret(password, secrets.token_hex(24))
    secret = password.read_text()
    for path in (password, cluster, unfinished):
        installed.account.own(path)
    _run(folder, installed, _initdb(installed, cluster, password), log, pause)
    # Without a server, so that the password needs no connection and a cluster never lacks its database.
    single: list[str | Path] = ["postgres", "--single", "-F", "-D", cluster]
    single += ["-c", "exit_on_error=on", "postgres"]
    _run(folder, installed, single, log, pause, text=f"CREATE DATABASE {DATABASE}\n")
    folder.password.unlink(missing_ok=True)
    _write_secret(folder.password, secret)
    cluster.rename(folder.cluster)
    folder.clear_unfinished()


def _initdb(installed: Installation, cluster: Path, password: Path) -> list[str | Path]:
    options: list[str | Path] = ["initdb", "-D", cluster, "-U", ROLE, "--no-sync", "--no-instructions"]
    options += ["--encoding=UTF8", "--auth=scram-sha-256", "--pwfile", password]
    if installed.version < BUILTIN_LOCALES_SINCE:
        return [*options, "--locale=C.UTF-8"]
    return [*options, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


def _run(
    folder: DataFolder,
    installed: Installation,
    command: list[str | Path],
    log: int,
    pause: Pause,
    text: str = "",
) -> None:
    program, *options = command
    before = log_end(folder.log)
    code = run(
        [installed.bin_dir / program, *options],
        installed.account,
        log=log,
        seconds=STEP_SECONDS,
        pause=pause,
        text=text,
    )
    if code != 0:
        reason = f"{program} took over {STEP_SECONDS} s" if code is None else f"{program} ended with {code}"
        raise StartFailed(reason=reason, log=str(folder.log), tail=log_tail(folder.log, before))


def _write_secret(path: Path, secret: str) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(secret)
