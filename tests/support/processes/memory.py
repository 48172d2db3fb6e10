"""Resident memory of another process, now and at its peak."""

from pathlib import Path

from tests.support.waiting import eventually

MIB = 1024 * 1024
_PAGE_BYTES = 4096


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


class MemoryGrowth:
    """Growth of a process's resident memory since the creation of this object."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.before_bytes = resident_bytes(pid)
        # Reset the peak that the kernel records.
        Path(f"/proc/{pid}/clear_refs").write_text("5")

    @property
    def grown_bytes(self) -> int:
        """The peak of the resident memory minus that at the start, in bytes."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        (peak_line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(peak_line.split()[1]) * 1024 - self.before_bytes

    async def wait_until_returned(self, within_bytes: int) -> None:
        """Wait until the resident memory is at most `within_bytes` above that at the start."""

        async def has_returned() -> bool:
            return resident_bytes(self._pid) <= self.before_bytes + within_bytes

        await eventually(has_returned, within=30)
