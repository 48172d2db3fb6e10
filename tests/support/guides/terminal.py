"""A terminal as a reader has one open beside a page: a shell that goes on from block to block."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 60.0
_SAID = "--said--"
_BIN = Path(sys.executable).parent
# What stays is started beside; `stay` waits until it says that it is up, so that the page can go on.
_BEGIN = """
set -euo pipefail
stay() {
  local log="$HOME/stays-$RANDOM.log" up="$1"; shift
  command "$@" >"$log" 2>&1 & local pid=$!
  until grep -Eq "$up" "$log"; do
    kill -0 $pid 2>/dev/null || { cat "$log"; return 1; }
    sleep 0.05
  done
  cat "$log"
}
leave() { local pids; pids=$(jobs -p); [ -z "$pids" ] || { kill $pids 2>/dev/null || true; wait; }; }
wms-orders() {
  case "$1" in
    dev) stay 'Everything is up' wms-orders "$@" ;;
    server) stay '"ready": ?true' wms-orders "$@" ;;
    worker) stay '"event": ?"active"' wms-orders "$@" ;;
    *) command wms-orders "$@" ;;
  esac
}
# The environment that the tests run in is there; make has no business with it.
make() {
  local words=(make --old-file "$VENV/.ready" VENV="$VENV" "$@")
  case "$1" in
    dev) stay 'Everything is up' "${words[@]}" ;;
    *) command "${words[@]}" ;;
  esac
}
curl() { command curl $REFUSED "$@"; }
trap leave EXIT
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What was printed, both streams as a terminal mixes them, and how the last command ended."""

    code: int
    text: str


class Terminal:
    """A bash in a folder of its own, which is also its home; a command that fails ends it."""

    def __init__(self, folder: Path, variables: Mapping[str, str], words: Mapping[str, str]) -> None:
        """Give it these variables; of what is typed, put other words for those that are a page's examples."""
        self._folder, self._words, self._typed = folder, words, 0
        self._environment = {
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
            "VENV": str(_BIN.parent),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
            "LOGNAME": "you",
            "REFUSED": "",
            **variables,
        }
        self._shell: asyncio.subprocess.Process | None = None

    async def open(self, where: Path) -> None:
        """Start it in this folder."""
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
        await self._say(_BEGIN)

    async def type(self, script: str, *, may_be_refused: bool, words: Mapping[str, str]) -> Said:
        """Run commands to their end; an HTTP error ends curl unless it may be refused."""
        await self._say(f"REFUSED={'' if may_be_refused else '--fail-with-body'}")
        # The environment is the one that the tests run in, and first in the PATH.
        script = script.replace(".venv/bin/", "")
        for example, real in {**self._words, **words}.items():
            script = re.sub(rf"(?<![\w.-]){re.escape(example)}(?![\w-])", real, script)
        return await self._say(script)

    async def leave_what_stays(self) -> None:
        """End what was started and stays."""
        await self._say("leave")

    async def close(self) -> None:
        """End all of it, whatever it does."""
        assert self._shell is not None
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._shell.wait(), _SECONDS)
        # What has not ended by itself goes with its session.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        await self._shell.wait()

    async def _say(self, script: str) -> Said:
        assert self._shell is not None
        self._typed += 1
        file = self._folder / f"typed-{self._typed}.sh"
        file.write_text(script, encoding="utf-8")
        stdin, stdout = self._shell.stdin, self._shell.stdout
        assert stdin is not None
        assert stdout is not None
        # From a file, so that commands that read their input do not read the rest of ours.
        stdin.write(f"source '{file}' </dev/null; echo; echo '{_SAID}'\n".encode())
        printed = bytearray()
        try:
            async with asyncio.timeout(_SECONDS):
                await stdin.drain()
                while line := await stdout.readline():
                    if line == f"{_SAID}\n".encode():
                        return Said(0, printed.decode(errors="replace"))
                    printed += line
                return Said(await self._shell.wait(), printed.decode(errors="replace"))
        except TimeoutError:
            told = printed.decode(errors="replace")
            raise AssertionError(f"not done after {_SECONDS} s:\n{script}\n{told}") from None
