"""Parse lines into requests, one batch at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wms_cli.bulk_import.lines import MAX_LINE_BYTES, ImportLine
from wms_cli.bulk_import.sender import ImportItem, LineOutcome, LineStatus, assign_ids
from wms_cli.commands.order_input import InvalidOrder, parse_order
from wms_cli.framework.errors import CallFailure

#: Well below the 4 MiB of a request.
_MAX_BATCH_BYTES = 1024 * 1024
#: Also broken lines end a batch, so that the progress of a file of broken lines is shown.
_MAX_BATCH_LINES = 5_000


@dataclass(slots=True)
class ImportBatch:
    """Consecutive lines: the parsed orders and the rejected lines."""

    import_items: list[ImportItem] = field(default_factory=list)
    rejected_lines: list[LineOutcome] = field(default_factory=list)
    blank_lines: int = 0
    last_line: ImportLine | None = None

    @property
    def line_count(self) -> int:
        """The number of lines, blank ones included."""
        return len(self.import_items) + len(self.rejected_lines) + self.blank_lines


def build_batches(
    lines: Iterable[ImportLine], digest: str, currency: str, size: int
) -> Iterator[ImportBatch]:
    """Yield batches of at most `size` orders; plain prices are in `currency`."""
    batch, used_bytes = ImportBatch(), 0
    for line in lines:
        batch.last_line = line
        if line.is_blank and not line.is_too_long:
            batch.blank_lines += 1
        else:
            try:
                # With another currency the orders differ, so their ids must differ, too.
                import_item = _parse_line(line, f"{digest}:{currency}", currency)
            except InvalidOrder as error:
                batch.rejected_lines.append(
                    LineOutcome(line, LineStatus.REJECTED, CallFailure("UNREADABLE", str(error)))
                )
            else:
                batch.import_items.append(import_item)
                used_bytes += len(line.raw_bytes)
        if (
            len(batch.import_items) >= size
            or used_bytes >= _MAX_BATCH_BYTES
            or batch.line_count >= _MAX_BATCH_LINES
        ):
            yield batch
            batch, used_bytes = ImportBatch(), 0
    if batch.last_line is not None:
        yield batch


def _parse_line(line: ImportLine, source: str, currency: str) -> ImportItem:
    if line.is_too_long:
        raise InvalidOrder(f"line is longer than {MAX_LINE_BYTES} bytes; `original` has its beginning")
    try:
        text = line.raw_bytes.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidOrder(f"not UTF-8 at byte {error.start + 1}") from None
    return assign_ids(parse_order(text, currency), line, source)
