"""A wall clock of their own for processes under test, by Debian's libfaketime."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

from tests.support.requirements import skip_or_fail

_LIBRARY = "faketime/libfaketimeMT.so.1"
_PLACES = ("/usr/local/lib", "/usr/lib")


class FakeClock:
    """The wall clock of the processes that are started with `environment`; a test sets it while they run."""

    def __init__(self, folder: Path, ahead: timedelta = timedelta(0)) -> None:
        """Keep it in a file in a folder, at first so far ahead of the machine's."""
        self._file = folder / "faketime"
        self.set(ahead)

    def set(self, ahead: timedelta) -> None:
        """Set it so far ahead of the machine's clock, or behind it; the processes see that within 0.1 s."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.0f}\n")
        # A process that reads meanwhile finds the old time or the new one.
        new.replace(self._file)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that a process needs."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "0",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@cache
def _library() -> Path:
    """Return the library for programs with threads; skips without it, and fails in CI."""
    found = next(_found(), None)
    if found is None:
        skip_or_fail("libfaketime is not on this machine; on Debian: apt-get install libfaketime")
    return found


def _found() -> Iterator[Path]:
    for place in _PLACES:
        yield from Path(place).glob(f"*/{_LIBRARY}")
        yield from Path(place).glob(_LIBRARY)
