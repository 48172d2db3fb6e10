"""A child process with its log."""

import contextlib
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from wms_core.tether import tethered
from wms_dev.problem import Problem

TAIL_LINES = 15
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class ChildEnded(Problem):
    """A process that we need has ended by itself."""

    def __init__(self, name: str, returncode: int, tail: str, advice: str) -> None:
        self.name = name
        how = f"was ended by signal {-returncode}" if returncode < 0 else f"ended with exit code {returncode}"
        super().__init__(f"The {name} {how}. Its last words:\n{tail}\n{advice}")


@dataclass(frozen=True)
class Child:
    """A program in a process group of its own, so that a Ctrl-C at the terminal is ours to pass on."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Self:
        """Start it from the main thread, whose end the kernel takes for ours."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                tethered(command),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                process_group=0,
            )
        return cls(name, process, log)

    def check(self, advice: str) -> None:
        """Raise `ChildEnded` with the end of its log if it is no longer there."""
        if (code := self.process.poll()) is not None:
            raise ChildEnded(self.name, code, self.tail(), advice)

    def finish(self, seconds: float, advice: str) -> None:
        """Wait for its end; raises `ChildEnded` for another exit code than 0, also when it takes too long."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        if self.process.returncode != 0:
            raise ChildEnded(self.name, self.process.returncode, self.tail(), advice)

    def stop(self, seconds: float) -> None:
        """End it and wait for that: SIGTERM, then SIGKILL. Does nothing when it has ended."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()

    def tail(self) -> str:
        """The last lines of its log, without colours."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return COLOURS.sub("", "\n".join(f"  | {line}" for line in lines)) or "  | (nothing)"
