"""Run a PgBouncer with the configuration of deploy/pgbouncer, adapted to this machine."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.pytest_plugins.requirements import skip_or_fail
from tests.support.specs.deployment import DEPLOY
from wms_dev.embedded.postgres.os_user import find_os_user
from wms_dev.free_port import find_free_port

CONFIGURATION = DEPLOY / "pgbouncer" / "pgbouncer.ini"
_PREPARED_STATEMENTS_VERSION = (1, 21)


@dataclass(frozen=True, slots=True)
class PgBouncer:
    """A running PgBouncer: the URL of the database through it, and the settings that processes need."""

    url: str
    environment: dict[str, str]


def _find_program() -> str:
    # Without root, the package can't be installed: skip the test, in CI, too.
    program_path = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program_path is None:
        message = "PgBouncer is not on this machine; on Debian: apt-get install pgbouncer"
        if os.geteuid() == 0:
            skip_or_fail(message)
        pytest.skip(message)
    return program_path


def _read_version(program: str) -> tuple[int, ...]:
    version_text = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    match = re.search(r"(\d+)\.(\d+)", version_text)
    assert match is not None, version_text
    return int(match[1]), int(match[2])


@contextmanager
def run_pgbouncer(database_url: str, sessions: int) -> Iterator[PgBouncer]:
    """Run a PgBouncer in front of a database during the block, with `sessions` sessions of Postgres."""
    program, port = _find_program(), find_free_port()
    has_prepared_statements = _read_version(program) >= _PREPARED_STATEMENTS_VERSION
    database_address = urlsplit(database_url)
    name = database_address.path.lstrip("/")
    text = CONFIGURATION.read_text(encoding="utf-8")
    for pattern, replacement in {
        r"^orders_db = host=\S+ port=\d+ dbname=\S+": (
            f"{name} = host={database_address.hostname} port={database_address.port} "
            f"dbname={name} user={database_address.username}"
            + (f" password={database_address.password}" if database_address.password else "")
        ),
        r"^listen_addr = .*": "listen_addr = 127.0.0.1",
        r"^listen_port = .*": f"listen_port = {port}",
        r"^auth_type = .*": "auth_type = any",
        r"^auth_file = .*\n": "",
        r"^default_pool_size = .*": f"default_pool_size = {sessions}",
        **({r"^;max_prepared": "max_prepared"} if has_prepared_statements else {}),
    }.items():
        text, count = re.subn(pattern, lambda _, put=replacement: put, text, flags=re.MULTILINE)  # type: ignore[misc]
        assert count == 1, pattern
    os_user = find_os_user()
    folder = Path(tempfile.mkdtemp(prefix="wms-pgbouncer-"))
    try:
        folder.chmod(0o755)
        (folder / "pgbouncer.ini").write_text(text)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, str(folder / "pgbouncer.ini")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=os_user.user,
                group=os_user.group,
                extra_groups=os_user.extra_groups,
            )
        try:
            yield PgBouncer(
                f"postgresql://{database_address.username}@127.0.0.1:{port}/{name}",
                {} if has_prepared_statements else {"database_statement_cache": "0"},
            )
            assert process.poll() is None, (folder / "log").read_text(errors="replace")
        finally:
            process.kill()
            process.wait(10)
    finally:
        shutil.rmtree(folder)
