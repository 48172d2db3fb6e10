"""The generated part of a document, between two markers; the text around it is written by hand."""

from collections.abc import Sequence

BEGIN_MARKER = "<!-- Generated from the code by `make generate`; changes belong there. -->"
END_MARKER = "<!-- End of the generated part. -->"


class MarkersMissing(ValueError):
    """The document does not have exactly one generated part."""


def extract_generated_part(document: str) -> str:
    """Return the generated part of a document.

    Raises:
        MarkersMissing: The document does not have exactly one generated part.
    """
    return _split_document(document)[1].strip("\n")


def replace_generated_part(document: str, part: str) -> str:
    """Return the document with a new generated part.

    Raises:
        MarkersMissing: The document does not have exactly one generated part.
    """
    before, _, after = _split_document(document)
    return f"{before}{BEGIN_MARKER}\n\n{part}\n\n{END_MARKER}{after}"


def _split_document(document: str) -> tuple[str, str, str]:
    if document.count(BEGIN_MARKER) != 1 or document.count(END_MARKER) != 1:
        raise MarkersMissing("a document must have exactly one generated part between its two markers")
    before, _, rest = document.partition(BEGIN_MARKER)
    part, _, after = rest.partition(END_MARKER)
    return before, part, after


def format_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table. Bars in cells are escaped."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
