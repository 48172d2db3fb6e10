"""Lines made into requests, a batch at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wms_cli.documents import NotAnOrder, order_of
from wms_cli.failures import Failure
from wms_cli.imports.lines import LONGEST, Line
from wms_cli.imports.sending import Asked, Fate, Outcome, named

#: Bytes of a batch, well below the 4 MiB that a request may have.
_MOST_BYTES = 1024 * 1024
#: Lines of a batch, so that a file of broken lines is told of in between.
_MOST_LINES = 5_000


@dataclass(slots=True)
class Batch:
    """Lines that follow each other: the orders on them, and those that say none."""

    asked: list[Asked] = field(default_factory=list)
    broken: list[Outcome] = field(default_factory=list)
    blank: int = 0
    last: Line | None = None

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.asked) + len(self.broken) + self.blank


def batches_of(lines: Iterable[Line], digest: str, currency: str, size: int) -> Iterator[Batch]:
    """Read lines into batches of so many orders at most; plain prices are in the currency."""
    batch, used = Batch(), 0
    for line in lines:
        batch.last = line
        if line.blank and not line.too_long:
            batch.blank += 1
        else:
            try:
                # An import with another currency asks for other orders.
                asked = _read(line, f"{digest}:{currency}", currency)
            except NotAnOrder as error:
                batch.broken.append(Outcome(line, Fate.REJECTED, Failure("UNREADABLE", str(error))))
            else:
                batch.asked.append(asked)
                used += len(line.raw)
        if len(batch.asked) >= size or used >= _MOST_BYTES or batch.lines >= _MOST_LINES:
            yield batch
            batch, used = Batch(), 0
    if batch.last is not None:
        yield batch


def _read(line: Line, source: str, currency: str) -> Asked:
    if line.too_long:
        raise NotAnOrder(f"longer than {LONGEST} bytes; here is how it begins")
    try:
        text = line.raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotAnOrder(f"no UTF-8 at byte {error.start + 1}") from None
    return named(order_of(text, currency), line, source)
