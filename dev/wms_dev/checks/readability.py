"""Print figures about names, prose and folders: `python -m wms_dev.checks.readability [--output json]`.

Generated code is excluded. The figures:

- *One-word names*: the share of distinct names that have one word. Names are those of functions, parameters,
  classes and assigned variables in core, server and worker. Underscores and capital letters separate words.
  Digits and the words of `_FILLER_WORDS`, which carry no meaning, are not counted.
- *Participle function names*: the share of distinct function names whose first word is a past participle: a
  word with the ending -ed that is not in `_NO_PARTICIPLES`, or a word of `_IRREGULAR`.
- *Sentences with "what" or "who"*: the share of sentences that contain one of these words, also with -ever,
  in the README, the documents and the READMEs of clients and benchmarks. Code, tables and headings are
  excluded.
- *Folders over 20 modules* and *functions over 60 lines* in core, server, worker, dev, clients and tests. A
  function includes its decorators and its docstring.
- *Duplicates*: the findings of pylint's `duplicate-code` for eight lines in core, server and worker.
"""

import argparse
import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[3]
_PRODUCT = ("core", "server", "worker")
_ALL = (*_PRODUCT, "dev", "clients/cli", "clients/python/wms_client", "tests")
_PROSE_PATTERNS = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/**/*.md",
    "clients/*/README.md",
    "benchmarks/README.md",
)
_MAX_MODULES, _MAX_LINES = 20, 60
_FILLER_WORDS = frozenset({"data", "value", "info", "item", "obj", "result"})
_NO_PARTICIPLES = frozenset(
    {"need", "feed", "speed", "seed", "embed", "exceed", "proceed", "red", "id", "bed"}
)
_IRREGULAR = frozenset(
    (
        "told", "held", "begun", "given", "taken", "kept", "left", "made", "done", "found",
        "sent", "lost", "met", "said", "known", "seen", "written", "shown", "won", "built",
        "bound", "brought", "bought", "caught", "chosen", "drawn", "driven", "fallen", "felt",
        "got", "gone", "grown", "heard", "hidden", "laid", "led", "meant", "paid", "sold",
        "spent", "stood", "thought", "thrown", "torn", "understood", "worn",
    )
)  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WHAT_OR_WHO = re.compile(r"\b(?:what|who)(?:ever)?\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+(?=[A-Z`*\[(\"'])")


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a repository. Shares are between 0 and 1."""

    distinct_names: int
    one_word_names: float
    function_names: int
    participle_function_names: float
    sentences: int
    sentences_with_what_or_who: float
    folders_over_20_modules: list[str]
    functions_over_60_lines: list[str]
    duplicates: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="wms_dev.checks.readability", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="another copy of the repository")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    options = parser.parse_args(arguments)
    figures = measure(options.root)
    if options.output == "json":
        print(json.dumps(asdict(figures), indent=2))
    else:
        _print_table(figures)
    return 0


def measure(root: Path) -> Figures:
    """Return the figures of a copy of the repository."""
    product = [ast.parse(path.read_bytes()) for path in _modules(root, _PRODUCT)]
    names = {name for tree in product for name in _names(tree)}
    functions = {node.name for tree in product for node in _functions(tree)}
    sentences = [sentence for path in _documents(root) for sentence in _sentences(path.read_text("utf-8"))]
    return Figures(
        len(names),
        _share(len(_words(name)) <= 1 for name in names),
        len(functions),
        _share(_begins_with_participle(name) for name in functions),
        len(sentences),
        _share(bool(_WHAT_OR_WHO.search(sentence)) for sentence in sentences),
        _large_folders(root),
        _long_functions(root),
        _count_duplicates(root),
    )


def _modules(root: Path, folders: Iterable[str]) -> Iterator[Path]:
    """Yield the modules, except those that protoc generates."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if not path.stem.endswith(("_pb2", "_pb2_grpc")):
                yield path


def _names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module gives to functions, parameters, classes and variables."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case (
                ast.arg(arg=name)
                | ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
            ):
                yield name


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _words(name: str) -> list[str]:
    return [word for match in _WORD.findall(name) if (word := match.lower()) not in _FILLER_WORDS]


def _begins_with_participle(name: str) -> bool:
    words = _WORD.findall(name)
    if not words:
        return False
    first = words[0].lower()
    return first in _IRREGULAR or (first.endswith("ed") and first not in _NO_PARTICIPLES)


def _documents(root: Path) -> Iterator[Path]:
    for pattern in _PROSE_PATTERNS:
        yield from sorted(root.glob(pattern))


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a Markdown text."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"^ *(```|~~~).*?^ *\1 *$", "", text, flags=re.DOTALL | re.MULTILINE)
    text_lines = [line for line in text.splitlines() if not re.match(r"\s*(\||#|    \S)", line)]
    # A blank line and a list item end a sentence.
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.)\s)", "\n".join(text_lines)):
        plain = " ".join(re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", paragraph).split())
        yield from (sentence for sentence in _SENTENCE_END.split(plain) if re.search(r"[a-z]", sentence))


def _large_folders(root: Path) -> list[str]:
    module_counts = Counter(path.parent for path in _modules(root, _ALL) if path.stem != "__init__")
    large = [
        (folder.relative_to(root), count) for folder, count in module_counts.items() if count > _MAX_MODULES
    ]
    return [f"{folder}: {count}" for folder, count in sorted(large)]


def _long_functions(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}: {node.name}"
        for path in _modules(root, _ALL)
        for node in _functions(ast.parse(path.read_bytes()))
        if (node.end_lineno or 0)
        - min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        >= _MAX_LINES
    ]


def _count_duplicates(root: Path) -> int:
    """Return the number of duplicates that pylint reports."""
    completed = subprocess.run(
        [
            sys.executable, "-m", "pylint", "--disable=all", "--enable=duplicate-code",
            "--min-similarity-lines=8", "--score=no", "--output-format=json", *_PRODUCT,
        ],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return len(json.loads(completed.stdout))


def _share(flags: Iterable[bool]) -> float:
    values = list(flags)
    return round(sum(values) / len(values), 3) if values else 0.0


def _print_table(figures: Figures) -> None:
    table = Table("figure", "value", "of")
    table.add_row("one-word names", f"{figures.one_word_names:.3f}", f"{figures.distinct_names} names")
    table.add_row(
        "participle function names",
        f"{figures.participle_function_names:.3f}",
        f"{figures.function_names} functions",
    )
    table.add_row(
        "sentences with what or who",
        f"{figures.sentences_with_what_or_who:.3f}",
        f"{figures.sentences} sentences",
    )
    table.add_row("folders over 20 modules", str(len(figures.folders_over_20_modules)), "")
    table.add_row("functions over 60 lines", str(len(figures.functions_over_60_lines)), "")
    table.add_row("duplicates of 8 lines", str(figures.duplicates), "")
    console = Console()
    console.print(table)
    for finding in (*figures.folders_over_20_modules, *figures.functions_over_60_lines):
        console.print(finding)


if __name__ == "__main__":
    sys.exit(main())
