"""The memory of another process: what it has now, and the most that it had."""

from pathlib import Path

from tests.support.waiting import eventually

MIB = 1024 * 1024
_PAGE_BYTES = 4096


def resident_bytes(pid: int) -> int:
    """Return how much of a process is in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


class Memory:
    """The memory of a process since the measurement began."""

    def __init__(self, pid: int) -> None:
        """Begin with what it has now."""
        self._pid = pid
        self.before_bytes = resident_bytes(pid)
        # The kernel forgets the most that it had.
        Path(f"/proc/{pid}/clear_refs").write_text("5")

    @property
    def grown_bytes(self) -> int:
        """How much more it had than before, at the most."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        (peak,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(peak.split()[1]) * 1024 - self.before_bytes

    async def returned(self, within_bytes: int) -> None:
        """Wait until it has no more than before, but for so much."""

        async def has_returned() -> bool:
            return resident_bytes(self._pid) <= self.before_bytes + within_bytes

        await eventually(has_returned, within=30)
