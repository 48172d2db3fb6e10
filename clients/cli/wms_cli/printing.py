"""What is printed: tables and records for people, JSON for programs."""

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

from wms_cli.texts import fields_of, on_a_line, text_of, with_integers

#: What a pipe or a file has room for: nothing is broken or cut there.
_ENDLESS = 100_000
_BETWEEN = " · "
_COLOURS = {
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


class Output(StrEnum):
    """The form of what is printed."""

    TABLE = "table"  # for people
    JSON = "json"  # the answers as the protos' JSON, for programs
    ID = "id"  # only the id of each thing, a line each, for shells


def write_line(text: str, *, err: bool = False) -> None:
    """Write a line at once, to standard output or standard error.

    Writes nothing when the stream is closed. `typer.echo` would write UTF-8 to a terminal of ASCII.
    """
    stream: TextIO | None = sys.stderr if err else sys.stdout
    if stream is not None:
        stream.write(f"{text}\n")
        stream.flush()


def print_json(message: Message, *, line: bool = False) -> None:
    """Print a message as the protos' JSON, as one line if it is one of a stream.

    Characters that the output's encoding may lack are written as escapes of JSON.
    """
    unicode = getattr(sys.stdout, "encoding", "").lower().startswith("utf")
    write_line(json.dumps(json_of(message), indent=None if line else 2, ensure_ascii=not unicode))


def json_of(message: Message) -> dict[str, object]:
    """Give a message as the protos' JSON, fields without presence written also when they are empty."""
    written: dict[str, object] = MessageToDict(message, always_print_fields_with_no_presence=True)
    return {name: with_integers(value) for name, value in written.items()}


def print_table(
    name: str, messages: Sequence[Message], columns: Sequence[str], *, console: Console | None = None
) -> None:
    """Print messages one a row; a column is a field's name, or `title=field`, with `.` into what it holds."""
    print_rows(name, *rows_of(messages, columns), console=console)


def print_ids(messages: Iterable[Message], column: str) -> None:
    """Print what a column would have, a line each."""
    for row in rows_of(messages, [column])[1]:
        write_line(row[0])


def rows_of(messages: Iterable[Message], columns: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Give the titles and the cells of a table of messages."""
    named = [_named(column) for column in columns]
    rows = [[_at(message, path.split(".")) for _, path in named] for message in messages]
    return [title for title, _ in named], rows


def print_rows(
    name: str, titles: Sequence[str], rows: Sequence[Sequence[str]], *, console: Console | None = None
) -> None:
    """Print rows below their titles, without the columns that are empty; wide ones in lines of their own."""
    console = console or new_console()
    if not rows:
        emit(Text(f"No {name}."), console)
        return
    kept = [place for place in range(len(titles)) if any(row[place] for row in rows)]
    titles, rows = [titles[place] for place in kept], [[row[place] for place in kept] for row in rows]
    widths = [max(_width(row[place]) for row in [titles, *rows]) for place in range(len(titles))]
    if sum(widths) + 2 * (len(widths) - 1) <= console.width:
        emit(_table(titles, rows), console)
    else:
        for row in rows:
            emit(_flowing(titles, row, console.width), console)


def print_record(message: Message, *, console: Console | None = None) -> None:
    """Print all that is set in one message: a line a field, a table for each list of messages."""
    console = console or new_console()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    below: list[FieldDescriptor] = []
    for field in fields_of(message):
        if not on_a_line(field):
            below.append(field)
        elif value := text_of(message, field, dated=True):
            grid.add_row(title_of(field.name), _coloured(value))
    emit(grid, console)
    for field in below:
        _print_below(message, field, console)


def _print_below(message: Message, field: FieldDescriptor, console: Console) -> None:
    """Print under its title what has no room on a line."""
    value = getattr(message, field.name)
    if not (len(value) if field.is_repeated else message.HasField(field.name)):
        return
    emit(Text(f"\n{title_of(field.name)}", "bold underline"), console)
    if field.is_repeated:
        columns = [one.name for one in fields_of(value[0])]
        print_table(title_of(field.name), value, columns, console=console)
    else:
        print_record(value, console=console)


def new_console(*, stderr: bool = False) -> Console:
    """Give the terminal, or a pipe of which no width is known."""
    console = Console(markup=False, emoji=False, highlight=False, stderr=stderr)
    if not console.is_terminal:
        console.width = _ENDLESS
    return console


def emit(what: RenderableType, console: Console) -> None:
    """Print without the blanks that fill the lines of a table."""
    if console.is_terminal:
        console.print(what)
        return
    if isinstance(what, Text):
        write_line(what.plain)
        return
    text = io.StringIO()
    Console(file=text, width=_ENDLESS, markup=False, emoji=False, highlight=False).print(what)
    write_line("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def title_of(name: str) -> str:
    """Give a field's name as people read it: `created_at` is created, `quantity_shipped` shipped."""
    short = name.removeprefix("quantity_")
    for end in ("_id", "_at", "_number"):
        short = short.removesuffix(end)
    return short.replace("_", " ")


def _named(column: str) -> tuple[str, str]:
    title, _, path = column.rpartition("=")
    return title or title_of(path.rpartition(".")[2]), path


def _at(message: Message, path: Sequence[str]) -> str:
    for name in path[:-1]:
        message = getattr(message, name)
    return text_of(message, next(one for one in fields_of(message) if one.name == path[-1]))


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(*titles, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*map(_coloured, row))
    return table


def _flowing(titles: Sequence[str], row: Sequence[str], width: int) -> Text:
    """Give a row's first cell on a line, and below it the others with their titles."""
    text = Text(row[0], "bold")
    for line in _lines(zip(titles[1:], row[1:], strict=True), width - 2):
        text.append("\n  ")
        for place, (title, cell) in enumerate(line):
            text.append(f"{_BETWEEN if place else ''}{title} ", "dim")
            text.append_text(_coloured(cell.replace("\n", ", ")))
    return text


def _lines(pairs: Iterable[tuple[str, str]], width: int) -> Iterator[list[tuple[str, str]]]:
    """Put as many pairs on a line as there is room for."""
    line: list[tuple[str, str]] = []
    used = 0
    for title, cell in pairs:
        if not cell:
            continue
        needed = cell_len(f"{title} {cell}") + (len(_BETWEEN) if line else 0)
        if line and used + needed > width:
            yield line
            line, used, needed = [], 0, needed - len(_BETWEEN)
        line.append((title, cell))
        used += needed
    if line:
        yield line


def _width(cell: str) -> int:
    return max(map(cell_len, cell.split("\n")))


def _coloured(cell: str) -> Text:
    return Text(cell, _COLOURS.get(cell, ""))
