"""A PgBouncer of our own, with the configuration of deploy/pgbouncer for another place."""

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

from tests.support.deployment import DEPLOY
from tests.support.requirements import skip_or_fail
from wms_dev.embedded_postgres.account import postgres_account
from wms_dev.ports import free_port

CONFIGURATION = DEPLOY / "pgbouncer" / "pgbouncer.ini"
_KNOWS_STATEMENTS = (1, 21)


@dataclass(frozen=True, slots=True)
class PgBouncer:
    """One that runs: the address of the database behind it, and what processes of ours need for it."""

    url: str
    environment: dict[str, str]


def _program() -> str:
    # Not in CI either is it there without root, who alone may install Debian's package.
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        missing = "PgBouncer is not on this machine; on Debian: apt-get install pgbouncer"
        if os.geteuid() == 0:
            skip_or_fail(missing)
        pytest.skip(missing)
    return found


def _version(program: str) -> tuple[int, ...]:
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    match = re.search(r"(\d+)\.(\d+)", told)
    assert match is not None, told
    return int(match[1]), int(match[2])


@contextmanager
def pgbouncer(database_url: str, sessions: int) -> Iterator[PgBouncer]:
    """Run one before a database, with so many sessions of Postgres, until the end."""
    program, port = _program(), free_port()
    knows_statements = _version(program) >= _KNOWS_STATEMENTS
    to = urlsplit(database_url)
    name = to.path.lstrip("/")
    text = CONFIGURATION.read_text(encoding="utf-8")
    for pattern, replacement in {
        r"^orders_db = host=\S+ port=\d+ dbname=\S+": (
            f"{name} = host={to.hostname} port={to.port} dbname={name} user={to.username}"
            + (f" password={to.password}" if to.password else "")
        ),
        r"^listen_addr = .*": "listen_addr = 127.0.0.1",
        r"^listen_port = .*": f"listen_port = {port}",
        r"^auth_type = .*": "auth_type = any",
        r"^auth_file = .*\n": "",
        r"^default_pool_size = .*": f"default_pool_size = {sessions}",
        **({r"^;max_prepared": "max_prepared"} if knows_statements else {}),
    }.items():
        text, count = re.subn(pattern, lambda _, put=replacement: put, text, flags=re.MULTILINE)  # type: ignore[misc]
        assert count == 1, pattern
    account = postgres_account()
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
                user=account.user,
                group=account.group,
                extra_groups=account.extra_groups,
            )
        try:
            yield PgBouncer(
                f"postgresql://{to.username}@127.0.0.1:{port}/{name}",
                {} if knows_statements else {"database_statement_cache": "0"},
            )
            assert process.poll() is None, (folder / "log").read_text(errors="replace")
        finally:
            process.kill()
            process.wait(10)
    finally:
        shutil.rmtree(folder)
