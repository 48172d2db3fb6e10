"""The documentation works: every command of every page runs in order, as a reader types it."""

import re
import shutil
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer

from tests.support.clients.errors import documented_reasons
from tests.support.docs_runner.environments import DocsEnvironment, find_environment
from tests.support.docs_runner.output_match import find_missing_output, list_stable_words
from tests.support.docs_runner.pages import (
    COMMAND_LANGUAGES,
    PROGRAM_LANGUAGES,
    QUERY_LANGUAGES,
    ROOT,
    TESTED_CODE_LANGUAGES,
    UNRUNNABLE_LANGUAGES,
    DocsPage,
    load_pages,
)
from tests.support.docs_runner.shell import DocsShell
from tests.support.invariants.database import SqlConnection
from tests.support.pytest_plugins.requirements import skip_or_fail

PAGES = load_pages()
PAGES_WITH_COMMANDS = [name for name, page in PAGES.items() if page.steps]
PAGES_WITH_QUERIES = [name for name, page in PAGES.items() if page.queries]


async def _run_page(page: DocsPage, environment: DocsEnvironment) -> None:
    """Run the commands of a page. Raises AssertionError with the first line whose result differs."""
    shell = DocsShell(environment.folder, environment.variables, environment.replacements)
    replacements: dict[str, str] = {}
    heading = ""
    try:
        await shell.open(ROOT)
        for step in page.steps:
            if step.heading != heading:
                await shell.stop_background_processes()
                heading = step.heading
                if heading in environment.scenarios:
                    replacements |= await environment.scenarios[heading]()
            result = await shell.run_commands(
                step.script, may_be_refused=step.shows_api_error, replacements=replacements
            )
            where = f"{page.name}:{step.line}"
            assert result.exit_code == 0, (
                f"{where}: ended with {result.exit_code}\n{step.script}\n{result.printed_text}"
            )
            if step.shown_output is not None:
                missing_output = find_missing_output(
                    step.shown_output.text, step.shown_output.language, result.printed_text
                )
                assert not missing_output, (
                    f"{where}: the page shows {missing_output!r}, but the output is:\n{result.printed_text}"
                )
    finally:
        await shell.close()


def _require_programs(page: DocsPage) -> None:
    commands = " ".join(step.script for step in page.steps)
    required = ["bash", *(program for program in ("curl", "make") if re.search(rf"\b{program}\b", commands))]
    if missing := [program for program in required if shutil.which(program) is None]:
        message = f"not installed on this machine: {', '.join(missing)}"
        skip_or_fail(message)


@pytest.mark.one_postgres
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PAGES_WITH_COMMANDS)
@pytest.mark.slow
async def test_commands_of_a_page_have_their_documented_output(
    name: str, database_url: str, sql: SqlConnection
) -> None:
    """In one shell, from the first to the last command."""
    _require_programs(PAGES[name])
    async with find_environment(name)(name, database_url, sql) as environment:
        assert set(environment.scenarios) <= {step.heading for step in PAGES[name].steps}
        await _run_page(PAGES[name], environment)


@pytest.mark.parametrize("name", PAGES_WITH_QUERIES)
async def test_queries_of_a_page_are_valid(name: str, sql: SqlConnection) -> None:
    """In each supported version of Postgres."""
    for query in PAGES[name].queries:
        await sql.execute(query)


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_run_or_has_a_reason(name: str) -> None:
    """A block runs here, or its mark has the reason or the test that runs it."""
    for block in PAGES[name].blocks:
        where = f"{name}:{block.line}"
        known_languages = (
            *COMMAND_LANGUAGES,
            *PROGRAM_LANGUAGES,
            *QUERY_LANGUAGES,
            *TESTED_CODE_LANGUAGES,
            *UNRUNNABLE_LANGUAGES,
        )
        assert block.language in known_languages, f"{where}: unknown language {block.language!r}."
        assert block.run_marker or block.language not in TESTED_CODE_LANGUAGES, (
            f"{where}: the block is neither run nor marked"
        )
        assert not block.run_marker or block.language not in UNRUNNABLE_LANGUAGES, (
            f"{where}: the mark has no effect for this language"
        )
        if block.test_path:
            test_file = ROOT / block.test_path
            assert test_file.exists(), where
            assert Path(name).name in test_file.read_text(encoding="utf-8"), where


@pytest.mark.parametrize("name", PAGES)
def test_every_mark_belongs_to_a_block(name: str) -> None:
    """A misspelt mark, or one without a block, would have no effect."""
    marks = re.findall(r"^ *(<!-- *(?:not )?run\b.*)$", PAGES[name].text, re.MULTILINE)
    assert marks == [block.run_marker for block in PAGES[name].blocks if block.run_marker]


@pytest.mark.parametrize("name", PAGES)
def test_shown_output_can_be_checked(name: str) -> None:
    """Shown output without stable words could not be checked."""
    for step in PAGES[name].steps:
        if step.shown_output is not None:
            assert step.shown_output.language == "json" or list_stable_words(step.shown_output.text), (
                f"{name}:{step.line}"
            )


@pytest.mark.parametrize("name", PAGES)
def test_every_link_has_a_target(name: str) -> None:
    """Linked files, folders and headings exist."""
    for link in PAGES[name].links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f"{name}: {link}"
        if anchor:
            assert anchor in PAGES[target.resolve().relative_to(ROOT).as_posix()].anchors, f"{name}: {link}"


def test_index_links_every_page() -> None:
    """docs/README.md links every page below docs except the decision records, which have their own index."""
    linked = {link.partition("#")[0] for link in PAGES["docs/README.md"].links}
    docs = ROOT / "docs"
    pages = {file.relative_to(docs).as_posix() for file in docs.rglob("*.md")}
    assert {page for page in pages if not page.startswith("adr/")} - {"README.md"} <= linked


@pytest.mark.parametrize("name", PAGES)
def test_every_named_command_exists(name: str) -> None:
    """Commands of `make` and `wms-orders` in the text."""
    for code in PAGES[name].inline_code:
        if match := re.match(r"make ((?:[a-z-]+ ?)+)", code):
            assert set(match[1].split()) <= _list_make_targets(), f"{name}: {code}"
        if match := re.match(r"(?:\.venv/bin/)?wms-orders((?: [a-z][a-z-]*)+)", code):
            assert _is_command(match[1].split()), f"{name}: {code}"


def _list_make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _is_command(words: list[str]) -> bool:
    """Return whether the first words name a command. The other words are its arguments."""
    entry = {point.name: point for point in entry_points(group="wms_orders.commands")}.get(words[0])
    app = entry and entry.load()
    if not isinstance(app, typer.Typer) or len(words) == 1:
        return entry is not None
    return words[1] in {command.name for command in app.registered_commands}


SHELL_PAGE = "Here:\n\n```sh\n{}\n```\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SHELL_PAGE.format("true\nfalse\ntrue"), ":3: ended with 1"),
        (SHELL_PAGE.format("echo apples\nunknown-command"), "ended with 127"),
        (SHELL_PAGE.format("echo apples") + "\n```text\npears\n```\n", "shows 'pears'"),
        ("```console\n$ echo '{}'\npears\n```\n", "shows 'pears'"),
    ],
)
async def test_wrong_page_is_detected(text: str, complaint: str, tmp_path: Path) -> None:
    """A failing command, also before others, an unknown command, and missing output."""
    with pytest.raises(AssertionError, match=complaint):
        await _run_page(DocsPage("page.md", text), DocsEnvironment(tmp_path, {}, {}))


def test_block_is_parsed_with_its_context() -> None:
    """Its heading, its mark, and the output that follows it."""
    page = DocsPage(
        "page.md",
        "# A\n<!-- not run: takes long -->\n```sh\nx\n```\n\n```text\ny\n```\n## B `c`\n```sh\nz\n```\n",
    )
    assert [(block.heading, block.run_marker, block.previous_fence_line) for block in page.blocks] == [
        ("A", "<!-- not run: takes long -->", 0),
        ("A", "", 3),
        ("B `c`", "", 0),
    ]
    assert [(step.script, step.shown_output) for step in page.steps] == [("z", None)]
    assert page.anchors == {"a", "b-c"}


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        ("order  ORD-1  received", "order  ORD-2   received", ""),
        ("active  3 min", "active  1.2 s", ""),
        ("order  received", "received order", "order  received"),
        ("exit code 3", "exit code 1", "exit code 3"),
        ("a b\n...\nc d", "x\na b\ny\nc d", ""),
        ("a b\nc d", "c d\na b", "c d"),
    ],
)
def test_shown_words_are_compared_by_line(shown: str, printed: str, missing: str) -> None:
    """In their order. Numbers and ids may differ."""
    assert find_missing_output(shown, "text", printed) == missing


def test_shown_json_must_be_equal() -> None:
    """Its layout may differ."""
    assert not find_missing_output('{"a": 1}', "json", '{"a":1}\n')
    assert find_missing_output('{"a": 1}', "json", '{"a":2}\n')
    assert find_missing_output('{"a": 1}', "json", "nothing")


def test_table_of_errors_has_every_reason() -> None:
    """The table in docs/guides/api.md has the code of each."""
    rows = re.findall(
        r"^\| (`[A-Z_`, ]+) \| (`[A-Z_`, ]+) \|", PAGES["docs/guides/api.md"].text, re.MULTILINE
    )
    table_rows = {
        (code, reason)
        for codes, reasons in rows
        for code in re.findall(r"\w+", codes)
        for reason in re.findall(r"\w+", reasons)
    }
    documented = {
        (documentation.status_code, reason) for reason, documentation in documented_reasons().items()
    }
    assert table_rows == documented
