"""What the documentation says works: every command of every page, in its order, as a reader types it."""

import re
import shutil
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer

from tests.support.error_reasons import documented_reasons
from tests.support.guides.pages import CODE, COMMANDS, PROGRAMS, QUERIES, ROOT, SHOWN, Page, pages
from tests.support.guides.places import Place, place_of
from tests.support.guides.showing import missing, words
from tests.support.guides.terminal import Terminal
from tests.support.invariants import Sql
from tests.support.requirements import skip_or_fail

PAGES = pages()
TYPED = [name for name, page in PAGES.items() if page.steps]
ASKED = [name for name, page in PAGES.items() if page.queries]


async def _follow(page: Page, place: Place) -> None:
    """Type what a page says. Raises AssertionError with the line of what does not do what the page says."""
    terminal = Terminal(place.folder, place.variables, place.words)
    names: dict[str, str] = {}
    heading = ""
    try:
        await terminal.open(ROOT)
        for step in page.steps:
            if step.heading != heading:
                await terminal.leave_what_stays()
                heading = step.heading
                if heading in place.situations:
                    names |= await place.situations[heading]()
            said = await terminal.type(step.script, may_be_refused=step.shows_a_refusal, words=names)
            where = f"{page.name}:{step.line}"
            assert said.code == 0, f"{where}: ended with {said.code}\n{step.script}\n{said.text}"
            if step.shown is not None:
                lost = missing(step.shown.text, step.shown.language, said.text)
                assert not lost, f"{where}: the page shows {lost!r}, and this came:\n{said.text}"
    finally:
        await terminal.close()


def _require_programs(page: Page) -> None:
    typed = " ".join(step.script for step in page.steps)
    needed = ["bash", *(program for program in ("curl", "make") if re.search(rf"\b{program}\b", typed))]
    if absent := [program for program in needed if shutil.which(program) is None]:
        told = f"not on this machine: {', '.join(absent)}"
        skip_or_fail(told)


@pytest.mark.one_postgres
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", TYPED)
@pytest.mark.slow
async def test_the_commands_of_a_page_do_what_it_says(name: str, database_url: str, sql: Sql) -> None:
    """In one terminal, from the beginning to the end; what is shown of their output comes."""
    _require_programs(PAGES[name])
    async with place_of(name)(name, database_url, sql) as place:
        assert set(place.situations) <= {step.heading for step in PAGES[name].steps}
        await _follow(PAGES[name], place)


@pytest.mark.parametrize("name", ASKED)
async def test_the_queries_of_a_page_are_understood(name: str, sql: Sql) -> None:
    """By Postgres of each version."""
    for query in PAGES[name].queries:
        await sql.execute(query)


@pytest.mark.parametrize("name", PAGES)
def test_what_is_not_run_says_why(name: str) -> None:
    """Each block is run here, or has a mark with the reason or with the test that runs it."""
    for block in PAGES[name].blocks:
        where = f"{name}:{block.line}"
        known = (*COMMANDS, *PROGRAMS, *QUERIES, *CODE, *SHOWN)
        assert block.language in known, f"{where}: what is {block.language!r}?"
        assert block.mark or block.language not in CODE, f"{where}: neither run nor marked"
        assert not block.mark or block.language not in SHOWN, f"{where}: nobody would run it anyway"
        if block.runner:
            test = ROOT / block.runner
            assert test.exists(), where
            assert Path(name).name in test.read_text(encoding="utf-8"), where


@pytest.mark.parametrize("name", PAGES)
def test_every_mark_is_one(name: str) -> None:
    """A mark that is misspelt, or stands before no block, would be read by nobody."""
    written = re.findall(r"^ *(<!-- *(?:not )?run\b.*)$", PAGES[name].text, re.MULTILINE)
    assert written == [block.mark for block in PAGES[name].blocks if block.mark]


@pytest.mark.parametrize("name", PAGES)
def test_what_is_shown_can_be_missed(name: str) -> None:
    """A step whose shown output has no word to look for would be checked by nothing."""
    for step in PAGES[name].steps:
        if step.shown is not None:
            assert step.shown.language == "json" or words(step.shown.text), f"{name}:{step.line}"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    """Files and folders are there, and so are the headings that are named."""
    for link in PAGES[name].links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f"{name}: {link}"
        if anchor:
            assert anchor in PAGES[target.resolve().relative_to(ROOT).as_posix()].anchors, f"{name}: {link}"


def test_the_index_has_every_page() -> None:
    """docs/README.md leads to each page of the folder, and of the reference in it."""
    linked = {link.partition("#")[0] for link in PAGES["docs/README.md"].links}
    docs = ROOT / "docs"
    found = {file.relative_to(docs).as_posix() for file in (*docs.glob("*.md"), *docs.glob("reference/*.md"))}
    assert found - {"README.md"} <= linked


@pytest.mark.parametrize("name", PAGES)
def test_every_command_that_is_named_exists(name: str) -> None:
    """Those of `make` and `wms-orders` within lines of text."""
    for code in PAGES[name].inline:
        if found := re.match(r"make ((?:[a-z-]+ ?)+)", code):
            assert set(found[1].split()) <= _goals(), f"{name}: {code}"
        if found := re.match(r"(?:\.venv/bin/)?wms-orders((?: [a-z][a-z-]*)+)", code):
            assert _is_command(found[1].split()), f"{name}: {code}"


def _goals() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _is_command(words: list[str]) -> bool:
    """Say whether the first words name a command; what comes after it are its arguments."""
    found = {entry.name: entry for entry in entry_points(group="wms_orders.commands")}.get(words[0])
    loaded = found and found.load()
    if not isinstance(loaded, typer.Typer) or len(words) == 1:
        return found is not None
    return words[1] in {command.name for command in loaded.registered_commands}


SHELL = "Here:\n\n```sh\n{}\n```\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SHELL.format("true\nfalse\ntrue"), ":3: ended with 1"),
        (SHELL.format("echo apples\nnobody-knows-this"), "ended with 127"),
        (SHELL.format("echo apples") + "\n```text\npears\n```\n", "shows 'pears'"),
        ("```console\n$ echo '{}'\npears\n```\n", "shows 'pears'"),
    ],
)
async def test_a_page_that_is_wrong_is_found_out(text: str, complaint: str, tmp_path: Path) -> None:
    """A command that fails, also before others; one that is not there; output that does not come."""
    with pytest.raises(AssertionError, match=complaint):
        await _follow(Page("page.md", text), Place(tmp_path, {}, {}))


def test_a_block_is_read_with_what_is_around_it() -> None:
    """Its heading, its mark, and the output that follows it."""
    page = Page(
        "page.md",
        "# A\n<!-- not run: takes long -->\n```sh\nx\n```\n\n```text\ny\n```\n## B `c`\n```sh\nz\n```\n",
    )
    assert [(block.heading, block.mark, block.after) for block in page.blocks] == [
        ("A", "<!-- not run: takes long -->", 0),
        ("A", "", 3),
        ("B `c`", "", 0),
    ]
    assert [(step.script, step.shown) for step in page.steps] == [("z", None)]
    assert page.anchors == {"a", "b-c"}


@pytest.mark.parametrize(
    ("shown", "printed", "lost"),
    [
        ("order  ORD-1  received", "order  ORD-2   received", ""),
        ("active  3 min", "active  1.2 s", ""),
        ("order  received", "received order", "order  received"),
        ("exit code 3", "exit code 1", "exit code 3"),
        ("a b\n...\nc d", "x\na b\ny\nc d", ""),
        ("a b\nc d", "c d\na b", "c d"),
    ],
)
def test_words_are_looked_for_line_by_line(shown: str, printed: str, lost: str) -> None:
    """In their order; numbers and ids may differ."""
    assert missing(shown, "text", printed) == lost


def test_json_has_to_be_the_same() -> None:
    """Whatever its layout."""
    assert not missing('{"a": 1}', "json", '{"a":1}\n')
    assert missing('{"a": 1}', "json", '{"a":2}\n')
    assert missing('{"a": 1}', "json", "nothing")


def test_every_reason_is_in_the_table_of_errors() -> None:
    """In docs/api.md, beside its code."""
    rows = re.findall(r"^\| (`[A-Z_`, ]+) \| (`[A-Z_`, ]+) \|", PAGES["docs/api.md"].text, re.MULTILINE)
    told = {
        (code, reason)
        for codes, reasons in rows
        for code in re.findall(r"\w+", codes)
        for reason in re.findall(r"\w+", reasons)
    }
    documented = {(fact.code, reason) for reason, fact in documented_reasons().items()}
    assert told == documented
