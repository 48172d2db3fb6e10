"""Path templates of `google.api.http`, and the router that matches paths to them.

Of the template syntax, only the subset that the contract uses is supported: literals, and variables that
match one whole segment. A literal takes precedence over a variable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")
#: Characters of an unknown path that are compared with the known ones.
_MAX_COMPARED_CHARACTERS = 120


class TemplateError(Exception):
    """A path template uses unsupported syntax, or is defined twice."""


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A path in segments; a variable is None, and `variable_names` has the names in their order."""

    text: str
    path_segments: tuple[str | None, ...]
    variable_names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "PathTemplate":
        """Parse a template.

        Raises:
            TemplateError: the template uses unsupported syntax.
        """
        if not text.startswith("/"):
            raise TemplateError(f"{text}: a path must begin with a slash")
        path_segments: list[str | None] = []
        variable_names: list[str] = []
        for path_segment in text[1:].split("/"):
            if path_segment.startswith("{") and path_segment.endswith("}"):
                path_segments.append(None)
                variable_names.append(path_segment[1:-1])
            else:
                path_segments.append(path_segment)
        if any(
            "*" in template_part or "{" in template_part or "=" in template_part
            for template_part in (*variable_names, *filter(None, path_segments))
        ):
            raise TemplateError(f"{text}: a variable must be one whole segment, {{like_this}}")
        return cls(text, tuple(path_segments), tuple(variable_names))


@dataclass(frozen=True, slots=True)
class PathMatch(Generic[T]):
    """A matched template with its targets by HTTP method and the values of its variables."""

    path_template: PathTemplate
    target_by_method: dict[str, T]
    path_values: tuple[bytes, ...]


@dataclass(slots=True)
class _RouteNode(Generic[T]):
    literal_children: "dict[bytes, _RouteNode[T]]" = field(default_factory=dict)
    variable_child: "_RouteNode[T] | None" = None
    path_template: PathTemplate | None = None
    target_by_method: dict[str, T] = field(default_factory=dict)


class PathRouter(Generic[T]):
    """Maps paths and methods to targets."""

    def __init__(self) -> None:
        self._root_node: _RouteNode[T] = _RouteNode()
        self._template_texts: list[str] = []

    def add(self, http_method: str, path_template: PathTemplate, target: T) -> None:
        """Add a route.

        Raises:
            TemplateError: the path has a target for this method already.
        """
        route_node = self._root_node
        for path_segment in path_template.path_segments:
            if path_segment is not None:
                route_node = route_node.literal_children.setdefault(path_segment.encode(), _RouteNode())
            else:
                route_node.variable_child = route_node.variable_child or _RouteNode()
                route_node = route_node.variable_child
        if http_method in route_node.target_by_method:
            raise TemplateError(f"{http_method} {path_template.text} is defined twice")
        route_node.path_template = route_node.path_template or path_template
        route_node.target_by_method[http_method] = target
        self._template_texts.append(path_template.text)

    def match(self, raw_path: bytes) -> list[PathMatch[T]]:
        """Return all matches of a percent-encoded path, the most specific first."""
        path_segments = [unquote_to_bytes(path_segment) for path_segment in raw_path[1:].split(b"/")]
        return list(_find_matches(self._root_node, path_segments, ()))

    def suggest(self, path: str) -> Sequence[str]:
        """Return up to three known paths that are similar to an unknown one."""
        return get_close_matches(
            path[:_MAX_COMPARED_CHARACTERS], sorted(set(self._template_texts)), n=3, cutoff=0.5
        )


def _find_matches(
    route_node: _RouteNode[T], path_segments: list[bytes], path_values: tuple[bytes, ...]
) -> Iterator[PathMatch[T]]:
    if not path_segments:
        if route_node.path_template is not None:
            yield PathMatch(route_node.path_template, route_node.target_by_method, path_values)
        return
    first_segment, *other_segments = path_segments
    if (literal_child := route_node.literal_children.get(first_segment)) is not None:
        yield from _find_matches(literal_child, other_segments, path_values)
    if route_node.variable_child is not None and first_segment:
        yield from _find_matches(route_node.variable_child, other_segments, (*path_values, first_segment))
