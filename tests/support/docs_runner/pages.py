"""Parse documentation pages: code blocks, shown outputs, marks of blocks that are not run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_PAGE_PATTERNS = (
    *("*.md", "docs/**/*.md", "clients/*/README.md"),
    *("benchmarks/*.md", "deploy/**/*.md"),
)

COMMAND_LANGUAGES = ("sh", "console")
QUERY_LANGUAGES = ("sql",)
PROGRAM_LANGUAGES = ("python",)
#: Parts of programs; each block names its test.
TESTED_CODE_LANGUAGES = ("go", "ts", "java")
#: Blocks that can't be run.
UNRUNNABLE_LANGUAGES = ("text", "json", "yaml", "xml", "mermaid", "promql")

_FENCE_PATTERN = re.compile(r"(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w+-]*) *")
_HEADING_PATTERN = re.compile(r"#{1,6} +(.*)")
_RUN_MARKER_PATTERN = re.compile(r"<!-- (not run: .+|run by (?P<test>tests/\S+\.py)) -->")


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced code block; `line` is that of its opening fence, `heading` the heading above it."""

    line: int
    language: str
    text: str
    heading: str
    run_marker: str  # the reason why it is not run, or its test; empty if it is run
    previous_fence_line: int  # line of the fence before, if only blank lines are between; else 0

    @property
    def test_path(self) -> str:
        """The test in the mark; empty if there is none."""
        marker_match = _RUN_MARKER_PATTERN.fullmatch(self.run_marker)
        return (marker_match and marker_match["test"]) or ""


@dataclass(frozen=True, slots=True)
class PageStep:
    """Commands that run together, and the output that the page shows; None if it shows none."""

    line: int
    heading: str
    script: str
    shown_output: CodeBlock | None

    @property
    def shows_api_error(self) -> bool:
        """Whether the shown output contains an API error."""
        return self.shown_output is not None and re.search(r'"code": ?\d', self.shown_output.text) is not None


@dataclass(frozen=True, slots=True)
class DocsPage:
    """A page, by its path from the root of the project."""

    name: str
    text: str

    @property
    def blocks(self) -> list[CodeBlock]:
        """All blocks, in order."""
        return list(_parse_blocks(self.text.splitlines()))

    @property
    def steps(self) -> list[PageStep]:
        """The commands and programs to run, in order."""
        blocks = self.blocks
        outputs_by_line = {
            block.previous_fence_line: block
            for block in blocks
            if block.previous_fence_line and block.language in UNRUNNABLE_LANGUAGES
        }
        return [
            step
            for block in blocks
            if block.language in (*COMMAND_LANGUAGES, *PROGRAM_LANGUAGES) and not block.run_marker
            for step in (
                _console_steps(block)
                if block.language == "console"
                else [_script_step(block, outputs_by_line)]
            )
        ]

    @property
    def queries(self) -> list[str]:
        """The SQL statements, in order, including those within text."""
        blocks = [
            block.text for block in self.blocks if block.language in QUERY_LANGUAGES and not block.run_marker
        ]
        return blocks + [
            code for code in self.inline_code if re.match(r"(SELECT|UPDATE|DELETE) [^…]*$", code)
        ]

    @property
    def inline_code(self) -> list[str]:
        """The inline code of the text."""
        return re.findall(r"`([^`\n]+)`", self._prose)

    @property
    def links(self) -> list[str]:
        """The targets of the links."""
        return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", self._prose))

    @property
    def anchors(self) -> set[str]:
        """The anchors of the headings."""
        headings = re.findall(r"^#{1,6} +(.*)$", self._prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    @property
    def _prose(self) -> str:
        return re.sub(r"^ *(`{3,}).*?^ *\1 *$", "", self.text, flags=re.DOTALL | re.MULTILINE)


@cache
def load_pages() -> dict[str, DocsPage]:
    """Return all pages by their names."""
    page_files = sorted({file for page_pattern in _PAGE_PATTERNS for file in ROOT.glob(page_pattern)})
    named_files = [(file.relative_to(ROOT).as_posix(), file) for file in page_files]
    return {name: DocsPage(name, file.read_text(encoding="utf-8")) for name, file in named_files}


def _parse_blocks(lines: list[str]) -> Iterator[CodeBlock]:
    heading, run_marker, previous_fence_line, number = "", "", 0, 0
    while number < len(lines):
        line = lines[number]
        opening = _FENCE_PATTERN.fullmatch(line)
        if opening:
            start, number = number, number + 1
            while lines[number].strip() != opening["fence"]:
                number += 1
            indent = len(opening["indent"])
            text = "\n".join(block_line[indent:] for block_line in lines[start + 1 : number])
            yield CodeBlock(start + 1, opening["language"], text, heading, run_marker, previous_fence_line)
            run_marker, previous_fence_line = "", start + 1
        elif line.strip():
            heading_match = _HEADING_PATTERN.fullmatch(line)
            heading = heading_match[1] if heading_match else heading
            run_marker, previous_fence_line = (
                line.strip() if _RUN_MARKER_PATTERN.fullmatch(line.strip()) else "",
                0,
            )
        number += 1


def _script_step(block: CodeBlock, outputs_by_line: dict[int, CodeBlock]) -> PageStep:
    is_program = block.language in PROGRAM_LANGUAGES
    script = f"{block.language} - <<'PROGRAM'\n{block.text}\nPROGRAM\n" if is_program else block.text
    return PageStep(block.line, block.heading, script, outputs_by_line.get(block.line))


def _console_steps(block: CodeBlock) -> Iterator[PageStep]:
    """Split a console session into steps: a command after `$ `, and its output up to the next one."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown_text = part.partition("\n")
        while command.endswith("\\"):
            continuation_line, _, shown_text = shown_text.partition("\n")
            command += "\n" + continuation_line.removeprefix("> ")
        shown_output = (
            CodeBlock(block.line, "text", shown_text, block.heading, "", 0) if shown_text.strip() else None
        )
        yield PageStep(block.line, block.heading, command, shown_output)
