"""The lines of a file, whatever they hold, with their numbers and where they end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

#: Bytes. A request may have 4 MiB, and JSON is the longer form of it.
LONGEST: Final = 4 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; of one that is too long, the beginning."""

    number: int  # from 1
    end: int  # the offset in the file of what follows it
    raw: bytes
    too_long: bool = False

    @property
    def blank(self) -> bool:
        """Whether there is nothing on it."""
        return not self.raw.strip()

    @property
    def readable(self) -> str:
        """The text for a person; bytes that are no UTF-8 as escapes."""
        return self.raw.decode("utf-8", "backslashreplace")


def lines_of(file: BinaryIO, number: int, longest: int = LONGEST) -> Iterator[Line]:
    """Give the lines from where the file stands, which is after line `number`; holds one at a time."""
    while raw := file.readline(longest + 1):
        number += 1
        too_long = len(raw) > longest and not raw.endswith(b"\n")
        if too_long:
            _skip_rest(file)
        if number == 1:
            raw = raw.removeprefix(_BOM)
        yield Line(number, file.tell(), raw.rstrip(b"\r\n"), too_long)


def _skip_rest(file: BinaryIO) -> None:
    while (rest := file.readline(65_536)) and not rest.endswith(b"\n"):
        pass
