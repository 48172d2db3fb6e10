"""The generated part of a document, between two marks; what stands around it is written by hand."""

from collections.abc import Sequence

BEGIN = "<!-- Generated from the code by `make generate`; changes belong there. -->"
END = "<!-- End of the generated part. -->"


class MarksMissing(ValueError):
    """The document has not exactly one generated part."""


def part_of(document: str) -> str:
    """Give the generated part. Raises MarksMissing."""
    return _split(document)[1].strip("\n")


def with_part(document: str, part: str) -> str:
    """Give the document with another generated part. Raises MarksMissing."""
    before, _, after = _split(document)
    return f"{before}{BEGIN}\n\n{part}\n\n{END}{after}"


def _split(document: str) -> tuple[str, str, str]:
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise MarksMissing("a document has one generated part, between its two marks")
    before, _, rest = document.partition(BEGIN)
    part, _, after = rest.partition(END)
    return before, part, after


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a table of Markdown; a bar in a cell is escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
