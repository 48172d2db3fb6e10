"""Output of the commands: tables and records for people, JSON for programs, ids for shells."""

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TextIO

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from wms_cli.framework.formatting import fits_on_line, format_field, list_fields, restore_integers

#: Width of a pipe or a file: wide enough that no line is wrapped or cut.
_PIPE_WIDTH = 100_000
_PAIR_SEPARATOR = " · "
_CELL_STYLES = {
    "dead_letter": "red",
    "failed": "red",
    "blocked": "red",
    "cancelled": "dim",
    "pending_retry": "yellow",
    "on_hold": "yellow",
    "inspection_required": "yellow",
    "abandoned": "yellow",
    "shipped": "green",
    "completed": "green",
    "serving": "green",
    "active": "bold green",
}


class OutputFormat(StrEnum):
    """Format of the output."""

    TABLE = "table"  # for people
    JSON = "json"  # the responses as JSON of the protos, for programs
    ID = "id"  # only the ids, one a line, for shells


def write_line(text: str, *, err: bool = False) -> None:
    """Write a line to standard output or standard error, and flush it.

    Writes nothing if the stream is closed. `typer.echo` would write UTF-8 to an ASCII terminal.
    """
    stream: TextIO | None = sys.stderr if err else sys.stdout
    if stream is not None:
        stream.write(f"{text}\n")
        stream.flush()


def print_json(message: Message, *, line: bool = False) -> None:
    """Print a message as JSON of the protos, on one line with `line`.

    Characters that the output's encoding may lack are json_object as JSON escapes.
    """
    is_unicode = getattr(sys.stdout, "encoding", "").lower().startswith("utf")
    write_line(json.dumps(to_json_object(message), indent=None if line else 2, ensure_ascii=not is_unicode))


def to_json_object(message: Message) -> dict[str, object]:
    """Return a message as JSON of the protos, including empty fields without presence."""
    json_object: dict[str, object] = MessageToDict(message, always_print_fields_with_no_presence=True)
    return {name: restore_integers(value) for name, value in json_object.items()}


def print_table(
    name: str, messages: Sequence[Message], columns: Sequence[str], *, console: Console | None = None
) -> None:
    """Print messages as rows; a column is `field` or `title=field`, with `.` for nested fields."""
    print_rows(name, *build_rows(messages, columns), console=console)


def print_ids(messages: Iterable[Message], column: str) -> None:
    """Print the values of a column, one a line."""
    for row in build_rows(messages, [column])[1]:
        write_line(row[0])


def build_rows(messages: Iterable[Message], columns: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Return the titles and the cells of a table of messages."""
    titles_and_paths = [_parse_column(column) for column in columns]
    rows = [[_read_cell(message, path.split(".")) for _, path in titles_and_paths] for message in messages]
    return [title for title, _ in titles_and_paths], rows


def print_rows(
    name: str, titles: Sequence[str], rows: Sequence[Sequence[str]], *, console: Console | None = None
) -> None:
    """Print rows below their titles, without empty columns; rows wider than the console as several lines."""
    console = console or create_console()
    if not rows:
        print_renderable(Text(f"No {name}."), console)
        return
    column_indexes = [index for index in range(len(titles)) if any(row[index] for row in rows)]
    titles, rows = (
        [titles[index] for index in column_indexes],
        [[row[index] for index in column_indexes] for row in rows],
    )
    widths = [max(_cell_width(row[index]) for row in [titles, *rows]) for index in range(len(titles))]
    if sum(widths) + 2 * (len(widths) - 1) <= console.width:
        print_renderable(_build_table(titles, rows), console)
    else:
        for row in rows:
            print_renderable(_format_wide_row(titles, row, console.width), console)


def print_record(message: Message, *, console: Console | None = None) -> None:
    """Print all set fields of a message: one line a field, a table for each list of messages."""
    console = console or create_console()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    nested_fields: list[FieldDescriptor] = []
    for field in list_fields(message):
        if not fits_on_line(field):
            nested_fields.append(field)
        elif value := format_field(message, field, as_date=True):
            grid.add_row(format_title(field.name), _style_cell(value))
    print_renderable(grid, console)
    for field in nested_fields:
        _print_nested_field(message, field, console)


def _print_nested_field(message: Message, field: FieldDescriptor, console: Console) -> None:
    """Print a field that does not fit on a line below its title."""
    value = getattr(message, field.name)
    if not (len(value) if field.is_repeated else message.HasField(field.name)):
        return
    print_renderable(Text(f"\n{format_title(field.name)}", "bold underline"), console)
    if field.is_repeated:
        columns = [nested_field.name for nested_field in list_fields(value[0])]
        print_table(format_title(field.name), value, columns, console=console)
    else:
        print_record(value, console=console)


def create_console(*, stderr: bool = False) -> Console:
    """Return a console for the terminal, or for a pipe, which has no width."""
    console = Console(markup=False, emoji=False, highlight=False, stderr=stderr)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def print_renderable(renderable: RenderableType, console: Console) -> None:
    """Print without trailing blanks, which rich adds to the lines of a table."""
    if console.is_terminal:
        console.print(renderable)
        return
    if isinstance(renderable, Text):
        write_line(renderable.plain)
        return
    text = io.StringIO()
    Console(file=text, width=_PIPE_WIDTH, markup=False, emoji=False, highlight=False).print(renderable)
    write_line("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def format_title(name: str) -> str:
    """Return the title of a field: `created` for `created_at`, `shipped` for `quantity_shipped`."""
    short = name.removeprefix("quantity_")
    for end in ("_id", "_at", "_number"):
        short = short.removesuffix(end)
    return short.replace("_", " ")


def _parse_column(column: str) -> tuple[str, str]:
    title, _, path = column.rpartition("=")
    return title or format_title(path.rpartition(".")[2]), path


def _read_cell(message: Message, path: Sequence[str]) -> str:
    for name in path[:-1]:
        message = getattr(message, name)
    return format_field(message, next(field for field in list_fields(message) if field.name == path[-1]))


def _build_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*titles, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*map(_style_cell, row))
    return table


def _format_wide_row(titles: Sequence[str], row: Sequence[str], width: int) -> Text:
    """Return a row as lines: its first cell, and below it the others with their titles."""
    text = Text(row[0], "bold")
    for line in _wrap_pairs(zip(titles[1:], row[1:], strict=True), width - 2):
        text.append("\n  ")
        for index, (title, cell) in enumerate(line):
            text.append(f"{_PAIR_SEPARATOR if index else ''}{title} ", "dim")
            text.append_text(_style_cell(cell.replace("\n", ", ")))
    return text


def _wrap_pairs(pairs: Iterable[tuple[str, str]], width: int) -> Iterator[list[tuple[str, str]]]:
    """Yield lines with as many pairs of title and cell as fit."""
    line: list[tuple[str, str]] = []
    used_width = 0
    for title, cell in pairs:
        if not cell:
            continue
        needed_width = cell_len(f"{title} {cell}") + (len(_PAIR_SEPARATOR) if line else 0)
        if line and used_width + needed_width > width:
            yield line
            line, used_width, needed_width = [], 0, needed_width - len(_PAIR_SEPARATOR)
        line.append((title, cell))
        used_width += needed_width
    if line:
        yield line


def _cell_width(cell: str) -> int:
    return max(map(cell_len, cell.split("\n")))


def _style_cell(cell: str) -> Text:
    return Text(cell, _CELL_STYLES.get(cell, ""))
