"""Postgres's own data directory, which is created completely or not at all."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from wms_dev.embedded.postgres.child_processes import run_to_end
from wms_dev.embedded.postgres.data_directory import DataDirectory
from wms_dev.embedded.postgres.errors import DataFolderUnusable, StartFailed, VersionMismatch
from wms_dev.embedded.postgres.log_tail import log_end, log_tail
from wms_dev.embedded.postgres.os_user import OsUser
from wms_dev.embedded.postgres.polling import Wait

ROLE = "wms"
DATABASE = "wms"
STEP_TIMEOUT_SECONDS = 60
BUILTIN_LOCALES_SINCE = 17


@dataclass(frozen=True)
class Installation:
    """The Postgres programs of one version, and the user who runs them."""

    bin_dir: Path
    version: int
    os_user: OsUser


def ensure_cluster(folder: DataDirectory, installation: Installation, log: int, wait: Wait) -> str:
    """Create the cluster and its database if there is none. Return the password of the role.

    Raises:
        VersionMismatch: The cluster is of another major version.
        DataFolderUnusable: The cluster belongs to another user.
        StartFailed: initdb failed.
    """
    folder.clear_unfinished()
    if folder.cluster.exists():
        _check_cluster(folder, installation)
    else:
        _create_cluster(folder, installation, log, wait)
    return folder.password.read_text().strip()


def _check_cluster(folder: DataDirectory, installation: Installation) -> None:
    cluster_version = (folder.cluster / "PG_VERSION").read_text().strip()
    if cluster_version != str(installation.version):
        raise VersionMismatch(
            folder=str(folder.path), data_version=cluster_version, program_version=installation.version
        )
    if (owner_uid := folder.cluster.stat().st_uid) != installation.os_user.uid:
        reason = f"its data belongs to user {owner_uid}, but Postgres runs as {installation.os_user.name}"
        raise DataFolderUnusable(folder=str(folder.path), reason=reason)


def _create_cluster(folder: DataDirectory, installation: Installation, log: int, wait: Wait) -> None:
    partial_folder = folder.path / f"initdb-{secrets.token_hex(8)}"
    partial_folder.mkdir(mode=0o700)
    cluster, password = partial_folder / "cluster", partial_folder / "password"
    cluster.mkdir(mode=0o700)
    _write_secret(password, secrets.token_hex(24))
    secret = password.read_text()
    for path in (password, cluster, partial_folder):
        installation.os_user.give_ownership(path)
    _run_step(folder, installation, _initdb_command(installation, cluster, password), log, wait)
    # In single-user mode, so that the database exists before the first connection is possible.
    single_user_command: list[str | Path] = ["postgres", "--single", "-F", "-D", cluster]
    single_user_command += ["-c", "exit_on_error=on", "postgres"]
    _run_step(folder, installation, single_user_command, log, wait, text=f"CREATE DATABASE {DATABASE}\n")
    folder.password.unlink(missing_ok=True)
    _write_secret(folder.password, secret)
    cluster.rename(folder.cluster)
    folder.clear_unfinished()


def _initdb_command(installation: Installation, cluster: Path, password: Path) -> list[str | Path]:
    options: list[str | Path] = ["initdb", "-D", cluster, "-U", ROLE, "--no-sync", "--no-instructions"]
    options += ["--encoding=UTF8", "--auth=scram-sha-256", "--pwfile", password]
    if installation.version < BUILTIN_LOCALES_SINCE:
        return [*options, "--locale=C.UTF-8"]
    return [*options, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


def _run_step(
    folder: DataDirectory,
    installation: Installation,
    command: list[str | Path],
    log: int,
    wait: Wait,
    text: str = "",
) -> None:
    program, *options = command
    log_position = log_end(folder.log)
    exit_code = run_to_end(
        [installation.bin_dir / program, *options],
        installation.os_user,
        log=log,
        seconds=STEP_TIMEOUT_SECONDS,
        wait=wait,
        text=text,
    )
    if exit_code != 0:
        reason = (
            f"{program} took over {STEP_TIMEOUT_SECONDS} s"
            if exit_code is None
            else f"{program} exited with code {exit_code}"
        )
        raise StartFailed(reason=reason, log=str(folder.log), tail=log_tail(folder.log, log_position))


def _write_secret(path: Path, secret: str) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(secret)
