"""Lines of a file with any content, with their numbers and end offsets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

#: A request may have 4 MiB, and its JSON is longer than its binary form.
MAX_LINE_BYTES: Final = 4 * 1024 * 1024
_UTF8_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One line without its line end; only the beginning if it is too long."""

    number: int  # from 1
    end_offset: int  # offset in the file of the next line, in bytes
    raw_bytes: bytes
    is_too_long: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether the line has only whitespace."""
        return not self.raw_bytes.strip()

    @property
    def readable_text(self) -> str:
        """The text for people; bytes that are not UTF-8 are escaped."""
        return self.raw_bytes.decode("utf-8", "backslashreplace")


def read_lines(file: BinaryIO, number: int, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[ImportLine]:
    """Yield the lines from the position of the file, which is after line `number`; keeps one in memory."""
    while raw_bytes := file.readline(max_line_bytes + 1):
        number += 1
        is_too_long = len(raw_bytes) > max_line_bytes and not raw_bytes.endswith(b"\n")
        if is_too_long:
            _skip_rest_of_line(file)
        if number == 1:
            raw_bytes = raw_bytes.removeprefix(_UTF8_BOM)
        yield ImportLine(number, file.tell(), raw_bytes.rstrip(b"\r\n"), is_too_long)


def _skip_rest_of_line(file: BinaryIO) -> None:
    while (line_part := file.readline(65_536)) and not line_part.endswith(b"\n"):
        pass
