"""The steps of the Dockerfile, carried out in a folder in place of a container."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from wms_dev.embedded_postgres.account import postgres_account

ROOT = Path(__file__).parents[2]
_PATIENCE = 400.0


@dataclass(slots=True)
class Stage:
    """One `FROM` and what follows it."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def given(self, instruction: str) -> str:
        """Give the argument of the last instruction of a kind."""
        return [argument for kind, argument in self.steps if kind == instruction][-1]


def stages(text: str) -> list[Stage]:
    """Read a Dockerfile of one-line instructions."""
    found: list[Stage] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, argument = line.split(maxsplit=1)
        if kind == "FROM":
            base, _, name = argument.partition(" AS ")
            found.append(Stage(base, name))
        else:
            found[-1].steps.append((kind, argument))
    return found


def exit_code(process: "subprocess.Popen[bytes]", within: float = _PATIENCE) -> int:
    """Wait for the end of a process; one that takes longer than so many seconds is killed."""
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class Image:
    """What the Dockerfile makes, below a folder; all is done by a plain user, and read only in the end."""

    def __init__(self, folder: Path) -> None:
        """Make the root of the file system; folders above it have to be open for everybody."""
        self._root = folder / "root"
        self._root.mkdir()
        self._account = postgres_account()
        self._account.own(self._root)
        self._workdir = self._root
        self.writable = folder / "tmp"
        self.writable.mkdir()
        self._account.own(self.writable)

    def build(self) -> None:
        """Carry out the build, then keep nothing but what the last stage copies from it."""
        build, final = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
        for kind, argument in build.steps:
            if kind == "WORKDIR":
                self._workdir = self._at(argument)
                self._workdir.mkdir(parents=True, exist_ok=True)
                self._account.own(self._workdir)
            elif kind == "COPY":
                self._copy(argument.split())
            elif kind == "RUN":
                self._run(argument)
            else:
                raise AssertionError(f"{kind} is not replayed")
        kept = [argument.split() for kind, argument in final.steps if kind == "COPY"]
        assert kept == [[f"--from={build.name}", "/opt/wms-orders", "/opt/wms-orders"]]
        shutil.rmtree(self._at("/build"))
        shutil.rmtree(self._at("/opt/tools"))
        self._close()

    def start(self, *arguments: str, log: Path, **environment: str) -> "subprocess.Popen[bytes]":
        """Start its entry point with the environment of the image, by a plain user; it writes to a file."""
        final = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
        words = [pair.partition("=") for pair in shlex.split(final.given("ENV"))]
        own = {name: self._moved(value) for name, _, value in words}
        entry = re.findall(r'"([^"]*)"', final.given("ENTRYPOINT"))
        program = shutil.which(entry[0], path=own["PATH"])
        assert program is not None, f"{entry[0]} is not in {own['PATH']}"
        with log.open("wb") as output:
            return self._start(
                [program, *entry[1:], *arguments],
                {**own, "HOME": str(self.writable), "TMPDIR": str(self.writable), **environment},
                output,
            )

    def said(self, *arguments: str, log: Path, **environment: str) -> str:
        """Run its entry point to its end; gives what it printed."""
        process = self.start(*arguments, log=log, **environment)
        assert exit_code(process) == 0, log.read_text(encoding="utf-8")
        return log.read_text(encoding="utf-8")

    def python(self, code: str, *, log: Path) -> int:
        """Run code by `python` as found in the image, as a health check does; gives the exit code."""
        folder = self._at("/opt/wms-orders/bin")
        with log.open("wb") as output:
            process = self._start(
                [str(folder / "python"), "-c", code], {"PATH": f"{folder}:/usr/bin:/bin"}, output
            )
        return exit_code(process)

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def _moved(self, text: str) -> str:
        """Write the paths of the image as they are below the root."""
        return re.sub(r"(?<![\w.])/opt/", f"{self._root}/opt/", text)

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        for source in sources:
            place = self._workdir / target / (source if target == "./" else "")
            if (ROOT / source).is_dir():
                # As .dockerignore has it; tests/unit/test_deployment.py looks that it lets the rest through.
                shutil.copytree(
                    ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
                )
            else:
                shutil.copy(ROOT / source, place)
        for path in [self._workdir, *self._workdir.rglob("*")]:
            self._account.own(path)

    def _run(self, command: str) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "SSL_", "REQUESTS_"))
        }
        environment = {**inherited, "PATH": f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin"}
        environment |= {"HOME": str(self.writable), "TMPDIR": str(self.writable)}
        log = self.writable / "run.log"
        shell = ["/bin/sh", "-c", self._moved(re.sub(r"^python ", "python3 ", command))]
        with log.open("wb") as output:
            process = self._start(shell, environment, output, self._workdir)
        code = exit_code(process)
        assert code == 0, f"{command}\n{log.read_text(encoding='utf-8', errors='replace')}"

    def _start(
        self, words: list[str], environment: dict[str, str], output: BinaryIO, folder: Path = Path("/")
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=self._account.user,
            group=self._account.group,
            extra_groups=self._account.extra_groups,
        )

    def _close(self) -> None:
        """Let nobody write, as a root that is mounted read only."""
        for path in [self._root, *self._root.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)

    def reopen(self) -> None:
        """Let it be removed."""
        for path in [self._root, *self._root.rglob("*")]:
            if not path.is_symlink() and path.is_dir():
                path.chmod(0o755)
