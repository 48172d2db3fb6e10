"""A separate wall clock for processes under test, by libfaketime."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

from tests.support.pytest_plugins.requirements import skip_or_fail

_LIBRARY = "faketime/libfaketimeMT.so.1"
_LIBRARY_FOLDERS = ("/usr/local/lib", "/usr/lib")


class FakeClock:
    """The wall clock of processes that are started with `environment`; a test can set it while they run.

    It is a file in `folder`.
    """

    def __init__(self, folder: Path, offset_from_now: timedelta = timedelta(0)) -> None:
        self._file = folder / "faketime"
        self.set_offset(offset_from_now)

    def set_offset(self, offset_from_now: timedelta) -> None:
        """Set the offset from the machine's clock; the processes see it within 0.1 s."""
        new_file = self._file.with_suffix(".new")
        new_file.write_text(f"{offset_from_now.total_seconds():+.0f}\n")
        # Replace the file: a process that reads meanwhile sees the old offset or the new one.
        new_file.replace(self._file)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables of a process with this clock."""
        return {
            "LD_PRELOAD": str(_find_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "0",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@cache
def _find_library() -> Path:
    """Return the library for multithreaded programs. Without it, skip the test; in CI, fail it."""
    library_path = next(_list_libraries(), None)
    if library_path is None:
        skip_or_fail("libfaketime is not on this machine; on Debian: apt-get install libfaketime")
    return library_path


def _list_libraries() -> Iterator[Path]:
    for library_folder in _LIBRARY_FOLDERS:
        yield from Path(library_folder).glob(f"*/{_LIBRARY}")
        yield from Path(library_folder).glob(_LIBRARY)
