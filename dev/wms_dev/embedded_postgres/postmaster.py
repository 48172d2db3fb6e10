"""Starting the server on a cluster."""

import subprocess
import time
from dataclasses import dataclass
from signal import SIGINT

from wms_dev.embedded_postgres.children import spawn, tell
from wms_dev.embedded_postgres.cluster import Installation
from wms_dev.embedded_postgres.configuration import write_configuration
from wms_dev.embedded_postgres.errors import PortTaken, StartFailed
from wms_dev.embedded_postgres.folder import DataFolder
from wms_dev.embedded_postgres.log_tail import log_end, log_tail
from wms_dev.embedded_postgres.stopping import stop_postgres
from wms_dev.embedded_postgres.waiting import Pause, until
from wms_dev.ports import free_port, is_free

READY_SECONDS = 60
RETRY_SECONDS = 15
TAKEN = "could not bind"
# Processes of a postmaster that was killed take a moment to notice.
ORPHANS = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


@dataclass(frozen=True)
class Postmaster:
    """A Postgres that we started and its port."""

    process: subprocess.Popen[bytes]
    port: int

    def is_there(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Stop it, bounded."""
        stop_postgres(self.is_there, self.process.send_signal)


@dataclass(frozen=True)
class Launch:
    """All that a start needs; `port` None picks a free one."""

    folder: DataFolder
    installed: Installation
    port: int | None
    settings: dict[str, str]
    log: int
    pause: Pause

    def start(self) -> Postmaster:
        """Start and wait until connections are accepted; raises `PortTaken` or `StartFailed`."""
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            port = self._port()
            before = log_end(self.folder.log)
            if server := self._attempt(port):
                return server
            tail = log_tail(self.folder.log, before)
            if self.port and TAKEN in tail:
                raise PortTaken(port=port)
            if not any(sign in tail for sign in (TAKEN, *ORPHANS)) or time.monotonic() > deadline:
                raise StartFailed(reason=f"on port {port}", log=str(self.folder.log), tail=tail)
            self.pause(0.1)

    def _port(self) -> int:
        if self.port is None:
            return free_port()
        if not is_free(self.port):
            raise PortTaken(port=self.port)
        return self.port

    def _attempt(self, port: int) -> Postmaster | None:
        write_configuration(self.folder, port, self.settings)
        process = spawn(self._command(), self.installed.account, log=self.log, last_signal=SIGINT)
        server = Postmaster(process, port)
        try:
            tell(process)
            until(lambda: self._is_ready(process.pid) or not server.is_there(), READY_SECONDS, self.pause)
            if server.is_there() and self._is_ready(process.pid):
                return server
        except BaseException:
            server.stop()
            raise
        server.stop()
        return None

    def _command(self) -> list[str]:
        program = self.installed.bin_dir / "postgres"
        configuration = f"config_file={self.folder.configuration}"
        return [str(program), "-D", str(self.folder.cluster), "-c", configuration]

    def _is_ready(self, pid: int) -> bool:
        """Postgres says in the last line of its pid file when it accepts connections."""
        try:
            lines = (self.folder.cluster / "postmaster.pid").read_text().split()
        except OSError:
            return False
        return bool(lines) and lines[0] == str(pid) and lines[-1] == "ready"
