"""A ZooKeeper server."""

import shutil
import socket

from wms_dev.embedded.jvm import JavaServer

RESPONSE_TIMEOUT_SECONDS = 1.0


class ZooKeeperNode(JavaServer):
    """A node of an ensemble."""

    def is_serving(self) -> bool:
        """Return whether the node has a quorum or runs standalone."""
        return self.read_mode() is not None

    def remove_stored_state(self) -> None:
        """Remove the stored data while the node is stopped. It then starts like a new node."""
        for store in (self._folder / "data").glob("version-*"):
            shutil.rmtree(store)

    def read_mode(self) -> str | None:
        """Return `standalone`, `leader` or `follower`, or None when the node does not serve."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), RESPONSE_TIMEOUT_SECONDS) as connection:
                connection.sendall(b"srvr")
                with connection.makefile("r", encoding="ascii", errors="replace") as response:
                    words_by_line = [line.split() for line in response]
        except OSError:
            return None
        return next((line[1] for line in words_by_line if len(line) == 2 and line[0] == "Mode:"), None)
