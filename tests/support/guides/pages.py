"""The pages as they are written: their blocks, what is shown of their output, and why one is not run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_PLACES = (
    *("*.md", "docs/*.md", "docs/reference/*.md", "docs/adr/*.md", "clients/*/README.md"),
    *("benchmarks/*.md", "deploy/**/*.md"),
)

COMMANDS = ("sh", "console")
QUERIES = ("sql",)
PROGRAMS = ("python",)
#: Parts of programs, which have a test of their own.
CODE = ("go", "ts", "java")
#: What nobody can run.
SHOWN = ("text", "json", "yaml", "xml", "mermaid", "promql")

_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w+-]*) *")
_HEADING = re.compile(r"#{1,6} +(.*)")
_MARK = re.compile(r"<!-- (not run: .+|run by (?P<test>tests/\S+\.py)) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two fences; `line` is that of the first one, `heading` what it stands under."""

    line: int
    language: str
    text: str
    heading: str
    mark: str  # why it is not run, or by which test it is; empty when it is to be run
    after: int  # the line of the fence before it, if only blank lines are between them, else 0

    @property
    def runner(self) -> str:
        """The test that the mark names; empty when it names none."""
        found = _MARK.fullmatch(self.mark)
        return (found and found["test"]) or ""


@dataclass(frozen=True, slots=True)
class Step:
    """Commands that are typed together, and what the page shows of their output; None when it shows none."""

    line: int
    heading: str
    script: str
    shown: Block | None

    @property
    def shows_a_refusal(self) -> bool:
        """Whether an error of the API is among what the page shows."""
        return self.shown is not None and re.search(r'"code": ?\d', self.shown.text) is not None


@dataclass(frozen=True, slots=True)
class Page:
    """A page, by its path from the root of the project."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        """All blocks, in order."""
        return list(_blocks(self.text.splitlines()))

    @property
    def steps(self) -> list[Step]:
        """What is to be typed into a terminal, in order."""
        blocks = self.blocks
        follows = {block.after: block for block in blocks if block.after and block.language in SHOWN}
        return [
            step
            for block in blocks
            if block.language in (*COMMANDS, *PROGRAMS) and not block.mark
            for step in (_spoken(block) if block.language == "console" else [_typed(block, follows)])
        ]

    @property
    def queries(self) -> list[str]:
        """The statements for the database, in order; those in a line of text as well."""
        blocks = [block.text for block in self.blocks if block.language in QUERIES and not block.mark]
        return blocks + [code for code in self.inline if re.match(r"(SELECT|UPDATE|DELETE) [^…]*$", code)]

    @property
    def inline(self) -> list[str]:
        """The code within lines of text."""
        return re.findall(r"`([^`\n]+)`", self._prose)

    @property
    def links(self) -> list[str]:
        """Where its links lead."""
        return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", self._prose))

    @property
    def anchors(self) -> set[str]:
        """The places in it that a link may name."""
        headings = re.findall(r"^#{1,6} +(.*)$", self._prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    @property
    def _prose(self) -> str:
        return re.sub(r"^ *(`{3,}).*?^ *\1 *$", "", self.text, flags=re.DOTALL | re.MULTILINE)


@cache
def pages() -> dict[str, Page]:
    """Give every page, by its name."""
    files = sorted({file for place in _PLACES for file in ROOT.glob(place)})
    named = [(file.relative_to(ROOT).as_posix(), file) for file in files]
    return {name: Page(name, file.read_text(encoding="utf-8")) for name, file in named}


def _blocks(lines: list[str]) -> Iterator[Block]:
    heading, mark, ended, number = "", "", 0, 0
    while number < len(lines):
        line = lines[number]
        opening = _FENCE.fullmatch(line)
        if opening:
            start, number = number, number + 1
            while lines[number].strip() != opening["fence"]:
                number += 1
            indent = len(opening["indent"])
            text = "\n".join(one[indent:] for one in lines[start + 1 : number])
            yield Block(start + 1, opening["language"], text, heading, mark, ended)
            mark, ended = "", start + 1
        elif line.strip():
            found = _HEADING.fullmatch(line)
            heading = found[1] if found else heading
            mark, ended = line.strip() if _MARK.fullmatch(line.strip()) else "", 0
        number += 1


def _typed(block: Block, follows: dict[int, Block]) -> Step:
    program = block.language in PROGRAMS
    script = f"{block.language} - <<'PROGRAM'\n{block.text}\nPROGRAM\n" if program else block.text
    return Step(block.line, block.heading, script, follows.get(block.line))


def _spoken(block: Block) -> Iterator[Step]:
    """Take a conversation apart: after `$ ` is what is typed, up to the next one what is answered."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, answer = part.partition("\n")
        while command.endswith("\\"):
            more, _, answer = answer.partition("\n")
            command += "\n" + more.removeprefix("> ")
        shown = Block(block.line, "text", answer, block.heading, "", 0) if answer.strip() else None
        yield Step(block.line, block.heading, command, shown)
