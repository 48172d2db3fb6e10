"""Fail on words in names that the glossary replaced: `python -m wms_dev.checks.vocabulary`.

`vocabulary.txt` lists the words, with the words to use instead; an entry `=word` is about names that consist
of that word alone. A line `allow PATH NAME  # reason` allows one name in one file. Checked are the names of
modules, classes, functions, parameters and variables in Python, the identifiers of SQL, and the names of log
events. Generated code is left out.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
WORD_LIST = Path(__file__).with_suffix(".txt")
_GENERATED = ("clients/python/wms/", "clients/python/buf/", "typings/")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SQL_TEXT = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\$\$\s*#[^$]*\$\$")
_LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})


class Finding(NamedTuple):
    """A name with a word that the glossary replaced."""

    path: str
    line: int
    name: str
    word: str


class WordList(NamedTuple):
    """The replaced words with the words to use, and the names that are allowed, as pairs of path and name."""

    replacements: Mapping[str, str]
    allowed_names: frozenset[tuple[str, str]]


def main() -> int:
    """Print the names with replaced words and the unused `allow` lines; return 1 when there are any."""
    word_list = read_word_list(WORD_LIST.read_text(encoding="utf-8"))
    all_findings = [finding for path in _list_files() for finding in check_file(path, word_list.replacements)]
    findings = [
        finding for finding in all_findings if (finding.path, finding.name) not in word_list.allowed_names
    ]
    for finding in findings:
        advice = word_list.replacements[finding.word]
        print(f"{finding.path}:{finding.line}: {finding.name}: instead of {finding.word!r} use {advice}")
    list_name = WORD_LIST.relative_to(ROOT)
    unused = word_list.allowed_names - {(finding.path, finding.name) for finding in all_findings}
    for path, name in sorted(unused):
        print(f"{list_name}: remove `allow {path} {name}`: the file has no such name")
    if findings:
        print(f"{len(findings)} names with replaced words ({list_name})", file=sys.stderr)
    return 1 if findings or unused else 0


def read_word_list(text: str) -> WordList:
    """Parse lines of the form `word: words to use` and `allow PATH NAME  # reason`; `#` begins a comment.

    Raises ValueError for a line of another form and for an `allow` line without a reason.
    """
    replacements: dict[str, str] = {}
    allowed_names: set[tuple[str, str]] = set()
    for line in text.splitlines():
        entry, _, comment = (part.strip() for part in line.partition("#"))
        word, separator, advice = (part.strip() for part in entry.partition(":"))
        match entry.split():
            case []:
                continue
            case ["allow", path, name] if comment:
                allowed_names.add((path, name))
            case _ if separator and word and advice:
                replacements[word] = advice
            case _:
                raise ValueError(f"not `word: words to use` or `allow PATH NAME  # reason`: {line!r}")
    return WordList(replacements, frozenset(allowed_names))


def check_file(path: Path, replacements: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the findings in a Python or SQL file."""
    shown = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
    text = path.read_text(encoding="utf-8")
    named = _iterate_sql_names(text) if path.suffix == ".sql" else _iterate_python_names(ast.parse(text))
    for line, name in [(1, path.stem), *named]:
        words = [word.lower() for word in _WORD.findall(name)]
        for word in (*words, *(f"={word}" for word in words if len(words) == 1)):
            if word in replacements:
                yield Finding(shown, line, name, word)


def _list_files() -> Iterator[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.sql"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in sorted(listed.stdout.splitlines()):
        if not name.startswith(_GENERATED) and (ROOT / name).exists():
            yield ROOT / name


def _iterate_python_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value=str(name)), *_]):
                if method in _LOG_METHODS:
                    yield node.lineno, name


def _iterate_sql_names(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(_SQL_TEXT.sub(_blank_out, text).splitlines(), 1):
        for name in re.findall(r"[a-z_]\w*", line):
            yield number, name


def _blank_out(match: re.Match[str]) -> str:
    """Return as many line breaks as the text has, so that lines keep their numbers."""
    return "\n" * match[0].count("\n")


if __name__ == "__main__":
    sys.exit(main())
