"""Run the commands of a page in one shell, as a reader in a terminal."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_SECONDS = 60.0
_END_MARKER = "--end-of-script--"
_VENV_BIN = Path(sys.executable).parent
# Long-running commands run in the background; `run_in_background` waits until they report to be up.
_SHELL_PROLOGUE = """
set -euo pipefail
run_in_background() {
  local log="$HOME/background-$RANDOM.log" up="$1"; shift
  command "$@" >"$log" 2>&1 & local pid=$!
  until grep -Eq "$up" "$log"; do
    kill -0 $pid 2>/dev/null || { cat "$log"; return 1; }
    sleep 0.05
  done
  cat "$log"
}
stop_background() {
  local pids; pids=$(jobs -p)
  [ -z "$pids" ] || { kill $pids 2>/dev/null || true; wait; }
}
wms-orders() {
  case "$1" in
    dev) run_in_background 'Everything is up' wms-orders "$@" ;;
    server) run_in_background '"ready": ?true' wms-orders "$@" ;;
    worker) run_in_background '"event": ?"active"' wms-orders "$@" ;;
    *) command wms-orders "$@" ;;
  esac
}
# The virtual environment of the tests exists; make must not rebuild it.
make() {
  local words=(make --old-file "$VENV/.ready" VENV="$VENV" "$@")
  case "$1" in
    dev) run_in_background 'Everything is up' "${words[@]}" ;;
    *) command "${words[@]}" ;;
  esac
}
curl() { command curl $REFUSED "$@"; }
trap stop_background EXIT
"""


@dataclass(frozen=True, slots=True)
class ShellOutput:
    """Output of both streams, mixed as on a terminal, and exit code of the last command."""

    exit_code: int
    printed_text: str


class DocsShell:
    """A bash with a home folder of its own, which a failing command ends.

    `replacements` are the real values by the examples in commands of a page.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str], replacements: Mapping[str, str]) -> None:
        self._folder, self._replacements, self._script_count = folder, replacements, 0
        self._environment = {
            "PATH": f"{_VENV_BIN}{os.pathsep}{os.environ['PATH']}",
            "VENV": str(_VENV_BIN.parent),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
            "LOGNAME": "you",
            "REFUSED": "",
            **variables,
        }
        self._shell: asyncio.subprocess.Process | None = None

    async def open(self, where: Path) -> None:
        """Start the shell in a folder."""
        self._shell = await asyncio.create_subprocess_exec(
            "bash",
            cwd=where,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=2**24,
            start_new_session=True,
        )
        await self._run_script(_SHELL_PROLOGUE)

    async def run_commands(
        self, script: str, *, may_be_refused: bool, replacements: Mapping[str, str]
    ) -> ShellOutput:
        """Run commands to their end; an HTTP error fails curl unless `may_be_refused`."""
        await self._run_script(f"REFUSED={'' if may_be_refused else '--fail-with-body'}")
        # The virtual environment of the tests is first in the PATH.
        script = script.replace(".venv/bin/", "")
        for example_text, real_text in {**self._replacements, **replacements}.items():
            script = re.sub(rf"(?<![\w.-]){re.escape(example_text)}(?![\w-])", real_text, script)
        return await self._run_script(script)

    async def stop_background_processes(self) -> None:
        """Stop all background processes."""
        await self._run_script("stop_background")

    async def close(self) -> None:
        """End the shell and all its processes, by force if necessary."""
        assert self._shell is not None
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._shell.wait(), _TIMEOUT_SECONDS)
        # Remaining processes are killed by their session.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        await self._shell.wait()

    async def _run_script(self, script: str) -> ShellOutput:
        assert self._shell is not None
        self._script_count += 1
        file = self._folder / f"script-{self._script_count}.sh"
        file.write_text(script, encoding="utf-8")
        stdin, stdout = self._shell.stdin, self._shell.stdout
        assert stdin is not None
        assert stdout is not None
        # Source a file: commands that read standard input would otherwise read the following script.
        stdin.write(f"source '{file}' </dev/null; echo; echo '{_END_MARKER}'\n".encode())
        printed_bytes = bytearray()
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await stdin.drain()
                while line := await stdout.readline():
                    if line == f"{_END_MARKER}\n".encode():
                        return ShellOutput(0, printed_bytes.decode(errors="replace"))
                    printed_bytes += line
                return ShellOutput(await self._shell.wait(), printed_bytes.decode(errors="replace"))
        except TimeoutError:
            printed_text = printed_bytes.decode(errors="replace")
            raise AssertionError(f"not done after {_TIMEOUT_SECONDS} s:\n{script}\n{printed_text}") from None
