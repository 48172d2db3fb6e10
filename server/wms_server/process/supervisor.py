"""The supervisor of several server processes: start, restart with backoff, and shutdown."""

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from contextlib import ExitStack, suppress

import structlog

from wms_core.runtime.background_tasks import background_task
from wms_core.runtime.listeners import AddressError, PortInUse, reserve_port
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_server.observability.multiprocess_metrics import (
    NoMetricsFolder,
    clear_gauges,
    create_restart_counter,
    open_metrics_folder,
)
from wms_server.process.heartbeat import DUMP_STACKS_SIGNAL, MISSED_BEATS_LIMIT, HeartbeatPipe
from wms_server.settings import ServerSettings

#: Seconds: the first delay (after one immediate restart), the longest delay, and the uptime after which the
#: backoff starts again.
MIN_RESTART_DELAY_SECONDS, MAX_RESTART_DELAY_SECONDS, STABLE_SECONDS = 0.5, 30.0, 60.0


class RestartBackoff:
    """Backoff for the restarts of one process: the first is immediate, later ones are delayed."""

    def __init__(self) -> None:
        self._exit_count = 0

    def delay(self, uptime_seconds: float) -> float:
        """Return the seconds to wait before the restart of a process that ran for `uptime_seconds`."""
        if uptime_seconds >= STABLE_SECONDS:
            self._exit_count = 0
        self._exit_count += 1
        if self._exit_count == 1:
            return 0.0
        max_delay_seconds = min(
            MAX_RESTART_DELAY_SECONDS, MIN_RESTART_DELAY_SECONDS * 2.0 ** min(self._exit_count - 2, 10)
        )
        return max_delay_seconds * random.uniform(0.5, 1)  # noqa: S311 # jitter, no secret


#: Seconds that a process has to exit after its drain time, or after a forced shutdown.
_KILL_TIMEOUT_SECONDS = 15.0
#: Seconds that a hanging process has to write its stacks before it is killed.
_STACK_DUMP_SECONDS = 1.0
_log = structlog.get_logger(__name__)


def run(settings: ServerSettings) -> None:
    """Run several server processes until a signal.

    Raises:
        SystemExit: always, with the exit code, or with a message when the server cannot start.
    """
    structlog.contextvars.bind_contextvars(pid=os.getpid())
    try:
        with ExitStack() as exit_stack:
            exit_stack.enter_context(reserve_port("SERVER_ADDR", settings.server_addr))
            if settings.http_addr:
                exit_stack.enter_context(reserve_port("HTTP_ADDR", settings.http_addr))
            exit_stack.enter_context(open_metrics_folder())
            exit_code = asyncio.run(ProcessSupervisor(settings).run())
    except (AddressError, PortInUse, NoMetricsFolder) as error:
        raise SystemExit(f"The server can't start: {error}") from None
    raise SystemExit(exit_code)


class ProcessSupervisor:
    """Keeps a number of processes running until a signal."""

    def __init__(self, settings: ServerSettings) -> None:
        self._process_count = settings.server_processes
        drain_time = settings.drain_delay + settings.drain_grace
        self._drain_timeout_seconds = drain_time.total_seconds() + _KILL_TIMEOUT_SECONDS
        self._restart_counter = create_restart_counter()
        self._running_processes: set[Process] = set()
        self._shutdown_event = asyncio.Event()
        self._exit_code = 0

    async def run(self) -> int:
        """Run the processes and return the exit code.

        It is 0 when all have drained, and 1 when one could not start or had to be killed. The first signal
        drains all processes at the same time, the second forces their shutdown.
        """
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signal_number, self._handle_signal)
        _log.info("supervisor_started", processes=self._process_count)
        async with asyncio.TaskGroup() as tasks:
            for process_number in range(self._process_count):
                tasks.create_task(self._keep_running(process_number))
        return self._exit_code

    def _handle_signal(self) -> None:
        if not self._shutdown_event.is_set():
            self._start_shutdown()
            return
        self._send_signal(signal.SIGINT)
        asyncio.get_running_loop().call_later(_KILL_TIMEOUT_SECONDS, self._kill_processes)

    def _start_shutdown(self) -> None:
        self._shutdown_event.set()
        self._send_signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(self._drain_timeout_seconds, self._kill_processes)

    def _send_signal(self, signal_number: signal.Signals) -> None:
        for process in self._running_processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal_number)

    def _kill_processes(self) -> None:
        if self._running_processes:
            _log.warning("processes_killed", pids=[process.pid for process in self._running_processes])
            self._exit_code = 1
            self._send_signal(signal.SIGKILL)

    async def _keep_running(self, process_number: int) -> None:
        """Run one of the processes, and restart it whenever it ends."""
        restart_backoff = RestartBackoff()
        while not self._shutdown_event.is_set():
            started_at = time.monotonic()
            process_id, exit_code = await self._run_once(process_number)
            if self._shutdown_event.is_set():
                return
            if exit_code == os.EX_CONFIG:
                # The process has logged the reason. It would be the same for the others and after a restart.
                self._exit_code = 1
                self._start_shutdown()
                return
            delay_seconds = restart_backoff.delay(time.monotonic() - started_at)
            _log.error(
                "process_ended",
                number=process_number,
                ended=process_id,
                cause=_describe_exit(exit_code),
                pause=delay_seconds,
            )
            self._restart_counter.inc()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._shutdown_event.wait(), delay_seconds)

    async def _run_once(self, process_number: int) -> tuple[int | None, int]:
        """Start a process and wait for its end; return its id and its exit code."""
        try:
            with HeartbeatPipe() as heartbeat_pipe:
                process = await self._start_process(process_number, heartbeat_pipe.sender_descriptor)
                async with background_task(self._kill_when_hanging(process, process_number, heartbeat_pipe)):
                    return process.pid, await self._wait_for_exit(process, process_number)
        except OSError as error:
            # Out of memory, for example: the other processes continue, and a later start may succeed.
            _log.error("process_start_failed", number=process_number, error=error.strerror)
            return None, os.EX_OSERR

    async def _kill_when_hanging(
        self, process: Process, process_number: int, heartbeat_pipe: HeartbeatPipe
    ) -> None:
        await heartbeat_pipe.wait_until_missed()
        _log.error(
            "process_unresponsive", number=process_number, hanging=process.pid, silent=MISSED_BEATS_LIMIT
        )
        with suppress(ProcessLookupError):
            process.send_signal(DUMP_STACKS_SIGNAL)
            await asyncio.sleep(_STACK_DUMP_SECONDS)
            process.kill()

    async def _start_process(self, process_number: int, heartbeat_descriptor: int) -> Process:
        command_line = [
            sys.executable,
            "-P",
            "-m",
            "wms_server.process.server_process",
            str(process_number),
            str(heartbeat_descriptor),
        ]
        # Its own process group: the supervisor passes Ctrl-C on, so that it arrives only once.
        process = await asyncio.create_subprocess_exec(
            *with_parent_death_signal(command_line),
            stdin=DEVNULL,
            process_group=0,
            pass_fds=(heartbeat_descriptor,),
        )
        self._running_processes.add(process)
        _log.info("process_started", number=process_number, started=process.pid)
        return process

    async def _wait_for_exit(self, process: Process, process_number: int) -> int:
        """Wait for the end of a process, or kill it when cancelled; return its exit code."""
        try:
            if self._shutdown_event.is_set():
                process.terminate()
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            self._running_processes.discard(process)
            clear_gauges(str(process_number))


def _describe_exit(exit_code: int) -> str:
    signal_names = {-known_signal.value: known_signal.name for known_signal in signal.Signals}
    return signal_names.get(exit_code, f"exit code {exit_code}")
