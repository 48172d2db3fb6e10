"""Path templates of `google.api.http`, and finding the one that a path fits.

Of the syntax there is what the contract uses: literals, and variables that stand for one whole segment. A
literal goes before a variable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")
#: How much of a path that nobody knows is compared with those that are known.
_COMPARED = 120


class TemplateError(Exception):
    """A path template that is beyond what the contract may use."""


@dataclass(frozen=True, slots=True)
class Template:
    """A path in segments; None where a variable stands, whose names are `variables` in their order."""

    text: str
    segments: tuple[str | None, ...]
    variables: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Read a template. Raises TemplateError."""
        if not text.startswith("/"):
            raise TemplateError(f"{text}: a path begins with a slash")
        segments: list[str | None] = []
        variables: list[str] = []
        for segment in text[1:].split("/"):
            if segment.startswith("{") and segment.endswith("}"):
                segments.append(None)
                variables.append(segment[1:-1])
            else:
                segments.append(segment)
        if any("*" in part or "{" in part or "=" in part for part in (*variables, *filter(None, segments))):
            raise TemplateError(f"{text}: a variable is one whole segment, {{like_this}}")
        return cls(text, tuple(segments), tuple(variables))


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What a path leads to: something for each method, and what its variables stand for."""

    template: Template
    by_method: dict[str, T]
    values: tuple[bytes, ...]


@dataclass(slots=True)
class _Node(Generic[T]):
    literals: "dict[bytes, _Node[T]]" = field(default_factory=dict)
    variable: "_Node[T] | None" = None
    template: Template | None = None
    by_method: dict[str, T] = field(default_factory=dict)


class Routes(Generic[T]):
    """What is there at which path, by which method."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._root: _Node[T] = _Node()
        self._templates: list[str] = []

    def add(self, method: str, template: Template, target: T) -> None:
        """Enter one more. Raises TemplateError when the place is taken."""
        node = self._root
        for segment in template.segments:
            if segment is not None:
                node = node.literals.setdefault(segment.encode(), _Node())
            else:
                node.variable = node.variable or _Node()
                node = node.variable
        if method in node.by_method:
            raise TemplateError(f"{method} {template.text} is there twice")
        node.template = node.template or template
        node.by_method[method] = target
        self._templates.append(template.text)

    def at(self, raw_path: bytes) -> list[Found[T]]:
        """Give everything that a path fits, as it stands in the request line; the best first."""
        segments = [unquote_to_bytes(segment) for segment in raw_path[1:].split(b"/")]
        return list(_walk(self._root, segments, ()))

    def nearest(self, path: str) -> Sequence[str]:
        """Name up to three known paths that are most like an unknown one."""
        return get_close_matches(path[:_COMPARED], sorted(set(self._templates)), n=3, cutoff=0.5)


def _walk(node: _Node[T], segments: list[bytes], values: tuple[bytes, ...]) -> Iterator[Found[T]]:
    if not segments:
        if node.template is not None:
            yield Found(node.template, node.by_method, values)
        return
    first, *rest = segments
    if (literal := node.literals.get(first)) is not None:
        yield from _walk(literal, rest, values)
    if node.variable is not None and first:
        yield from _walk(node.variable, rest, (*values, first))
