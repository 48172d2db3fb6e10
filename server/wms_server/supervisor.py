"""Looks after the processes that serve: starts them, also again, and ends them together (docs/adr/0018)."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from contextlib import ExitStack, suppress

import structlog

from wms_core.listeners import AddressError, PortInUse, reserve_port
from wms_core.tasks import running
from wms_core.tether import tethered
from wms_server.pulse import SILENCE, TELL, Pulse
from wms_server.restarts import Restarts
from wms_server.settings import ServerSettings
from wms_server.shared_metrics import NoMetricsFolder, forget_gauges, metrics_folder, restarts

#: Seconds that a process has for its end, beside the time of its drain unless it was told to hurry.
_PATIENCE = 15.0
#: Seconds in which a process that hangs writes down where.
_LAST_WORDS = 1.0
_log = structlog.get_logger(__name__)


def run(settings: ServerSettings) -> None:
    """Serve in several processes until a signal asks to end; exits with a sentence when a port is taken."""
    structlog.contextvars.bind_contextvars(pid=os.getpid())
    try:
        with ExitStack() as stack:
            stack.enter_context(reserve_port("SERVER_ADDR", settings.server_addr))
            if settings.http_addr:
                stack.enter_context(reserve_port("HTTP_ADDR", settings.http_addr))
            stack.enter_context(metrics_folder())
            code = asyncio.run(Supervisor(settings).run())
    except (AddressError, PortInUse, NoMetricsFolder) as error:
        raise SystemExit(f"The server can't start: {error}") from None
    raise SystemExit(code)


class Supervisor:
    """Keeps a number of processes running until a signal asks to end."""

    def __init__(self, settings: ServerSettings) -> None:
        """Start with none."""
        self._count = settings.server_processes
        drain = settings.drain_delay + settings.drain_grace
        self._patience = drain.total_seconds() + _PATIENCE
        self._restarted = restarts()
        self._living: set[Process] = set()
        self._ending = asyncio.Event()
        self._code = 0

    async def run(self) -> int:
        """Give the exit code: 0 when all have drained, 1 when one could not start or had to be killed.

        The first signal drains all of them at the same time, the second lets them hurry.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._asked)
        _log.info("supervising", processes=self._count)
        async with asyncio.TaskGroup() as tasks:
            for one in range(self._count):
                tasks.create_task(self._keep(one))
        return self._code

    def _asked(self) -> None:
        if not self._ending.is_set():
            self._end()
            return
        self._tell(signal.SIGINT)
        asyncio.get_running_loop().call_later(_PATIENCE, self._kill)

    def _end(self) -> None:
        self._ending.set()
        self._tell(signal.SIGTERM)
        asyncio.get_running_loop().call_later(self._patience, self._kill)

    def _tell(self, number: signal.Signals) -> None:
        for process in self._living:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    def _kill(self) -> None:
        if self._living:
            _log.warning("processes_killed", pids=[process.pid for process in self._living])
            self._code = 1
            self._tell(signal.SIGKILL)

    async def _keep(self, number: int) -> None:
        """Run one of the processes again and again."""
        ends = Restarts()
        while not self._ending.is_set():
            started = time.monotonic()
            pid, code = await self._run_once(number)
            if self._ending.is_set():
                return
            if code == os.EX_CONFIG:
                # It has said why. The others would say the same, now or when they are started again.
                self._code = 1
                self._end()
                return
            pause = ends.pause(time.monotonic() - started)
            _log.error("process_ended", number=number, ended=pid, cause=_cause(code), pause=pause)
            self._restarted.inc()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)

    async def _run_once(self, number: int) -> tuple[int | None, int]:
        """Start a process and wait for its end; gives its id and its exit code."""
        try:
            with Pulse() as pulse:
                process = await self._started(number, pulse.sender)
                async with running(self._end_when_it_hangs(process, number, pulse)):
                    return process.pid, await self._ended(process, number)
        except OSError as error:
            # No memory, say: the others go on, and later there may be some.
            _log.error("process_not_started", number=number, error=error.strerror)
            return None, os.EX_OSERR

    async def _end_when_it_hangs(self, process: Process, number: int, pulse: Pulse) -> None:
        await pulse.ceased()
        _log.error("process_hangs", number=number, hanging=process.pid, silent=SILENCE)
        with suppress(ProcessLookupError):
            process.send_signal(TELL)
            await asyncio.sleep(_LAST_WORDS)
            process.kill()

    async def _started(self, number: int, pulse: int) -> Process:
        program = [sys.executable, "-P", "-m", "wms_server.process", str(number), str(pulse)]
        # A group of its own: Ctrl-C at the terminal is ours to pass on, and once.
        process = await asyncio.create_subprocess_exec(
            *tethered(program), stdin=DEVNULL, process_group=0, pass_fds=(pulse,)
        )
        self._living.add(process)
        _log.info("process_started", number=number, started=process.pid)
        return process

    async def _ended(self, process: Process, number: int) -> int:
        """Wait for the end of a process, also when we are cancelled; gives its exit code."""
        try:
            if self._ending.is_set():
                process.terminate()
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            self._living.discard(process)
            forget_gauges(str(number))


def _cause(code: int) -> str:
    names = {-one.value: one.name for one in signal.Signals}
    return names.get(code, f"exit code {code}")
