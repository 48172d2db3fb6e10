"""A child process and its log file."""

import contextlib
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.errors import UserError

TAIL_LINES = 15
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class ChildExited(UserError):
    """A required child process exited."""

    def __init__(self, name: str, returncode: int, tail: str, hint: str) -> None:
        self.name = name
        ending = f"was killed by signal {-returncode}" if returncode < 0 else f"exited with code {returncode}"
        super().__init__(f"The {name} {ending}. The end of its log:\n{tail}\n{hint}")


@dataclass(frozen=True)
class ChildProcess:
    """A program in its own process group, so a Ctrl-C in the terminal reaches only the launcher."""

    name: str
    process: subprocess.Popen[bytes]
    log_path: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Self:
        """Start the program.

        Call it from the main thread: the kernel stops the child when the thread that started it ends.
        """
        with log.open("ab") as output:
            process = subprocess.Popen(
                with_parent_death_signal(command),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                process_group=0,
            )
        return cls(name, process, log)

    def raise_if_exited(self, hint: str) -> None:
        """Raise `ChildExited` with the end of the log if the process has exited."""
        if (code := self.process.poll()) is not None:
            raise ChildExited(self.name, code, self.read_log_tail(), hint)

    def wait_for_success(self, timeout_seconds: float, hint: str) -> None:
        """Wait until the process exits. Kill it after the timeout.

        Raises:
            ChildExited: The exit code is not 0.
        """
        try:
            self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        if self.process.returncode != 0:
            raise ChildExited(self.name, self.process.returncode, self.read_log_tail(), hint)

    def stop(self, timeout_seconds: float) -> None:
        """Stop the process and wait: SIGTERM, then SIGKILL after the timeout. Do nothing if it has exited."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()

    def read_log_tail(self) -> str:
        """Return the last lines of the log without colours."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return COLOUR_CODES.sub("", "\n".join(f"  | {line}" for line in lines)) or "  | (empty)"
