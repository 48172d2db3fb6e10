"""Start of a server on a cluster."""

import subprocess
import time
from dataclasses import dataclass
from signal import SIGINT

from wms_dev.embedded.postgres.child_processes import spawn_process, write_input
from wms_dev.embedded.postgres.cluster import Installation
from wms_dev.embedded.postgres.configuration import write_configuration
from wms_dev.embedded.postgres.data_directory import DataDirectory
from wms_dev.embedded.postgres.errors import PortInUse, StartFailed
from wms_dev.embedded.postgres.log_tail import log_end, log_tail
from wms_dev.embedded.postgres.polling import Wait, wait_until
from wms_dev.embedded.postgres.shutdown import stop_postgres
from wms_dev.free_port import find_free_port, is_port_free

READY_TIMEOUT_SECONDS = 60
RETRY_TIMEOUT_SECONDS = 15
PORT_IN_USE_MESSAGE = "could not bind"
# The child processes of a killed postmaster exit after a moment.
ORPHAN_MESSAGES = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


@dataclass(frozen=True)
class Postmaster:
    """A started Postgres and its port."""

    process: subprocess.Popen[bytes]
    port: int

    def is_running(self) -> bool:
        """Return whether the process is running."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Stop Postgres, with a bound on the time."""
        stop_postgres(self.is_running, self.process.send_signal)


@dataclass(frozen=True)
class PostmasterLauncher:
    """The parameters of a start. `port` None selects a free port."""

    folder: DataDirectory
    installation: Installation
    port: int | None
    settings: dict[str, str]
    log: int
    wait: Wait

    def start(self) -> Postmaster:
        """Start Postgres and wait until it accepts connections.

        Raises:
            PortInUse: The requested port is in use.
            StartFailed: Postgres did not start for another reason.
        """
        deadline = time.monotonic() + RETRY_TIMEOUT_SECONDS
        while True:
            port = self._choose_port()
            log_position = log_end(self.folder.log)
            if server := self._try_start(port):
                return server
            tail = log_tail(self.folder.log, log_position)
            if self.port and PORT_IN_USE_MESSAGE in tail:
                raise PortInUse(port=port)
            if (
                not any(message in tail for message in (PORT_IN_USE_MESSAGE, *ORPHAN_MESSAGES))
                or time.monotonic() > deadline
            ):
                raise StartFailed(reason=f"on port {port}", log=str(self.folder.log), tail=tail)
            self.wait(0.1)

    def _choose_port(self) -> int:
        if self.port is None:
            return find_free_port()
        if not is_port_free(self.port):
            raise PortInUse(port=self.port)
        return self.port

    def _try_start(self, port: int) -> Postmaster | None:
        write_configuration(self.folder, port, self.settings)
        process = spawn_process(self._command(), self.installation.os_user, log=self.log, last_signal=SIGINT)
        server = Postmaster(process, port)
        try:
            write_input(process)
            wait_until(
                lambda: self._is_ready(process.pid) or not server.is_running(),
                READY_TIMEOUT_SECONDS,
                self.wait,
            )
            if server.is_running() and self._is_ready(process.pid):
                return server
        except BaseException:
            server.stop()
            raise
        server.stop()
        return None

    def _command(self) -> list[str]:
        program = self.installation.bin_dir / "postgres"
        configuration = f"config_file={self.folder.configuration}"
        return [str(program), "-D", str(self.folder.cluster), "-c", configuration]

    def _is_ready(self, pid: int) -> bool:
        """Return whether the last line of the pid file says that Postgres accepts connections."""
        try:
            lines = (self.folder.cluster / "postmaster.pid").read_text().split()
        except OSError:
            return False
        return bool(lines) and lines[0] == str(pid) and lines[-1] == "ready"
