"""One ZooKeeper server."""

import shutil
import socket

from wms_dev.java import JavaServer

ANSWER_SECONDS = 1.0


class Node(JavaServer):
    """A node of an ensemble."""

    def serves(self) -> bool:
        """Whether it has a quorum, or needs none."""
        return self.mode() is not None

    def wipe(self) -> None:
        """Remove all that it stored, while it does not run; it starts like a new one."""
        for store in (self._folder / "data").glob("version-*"):
            shutil.rmtree(store)

    def mode(self) -> str | None:
        """`standalone`, `leader` or `follower`; None when it does not serve."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS) as asked:
                asked.sendall(b"srvr")
                with asked.makefile("r", encoding="ascii", errors="replace") as answer:
                    words = [line.split() for line in answer]
        except OSError:
            return None
        return next((line[1] for line in words if len(line) == 2 and line[0] == "Mode:"), None)
