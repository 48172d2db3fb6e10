"""Path templates and the router."""

import pytest

from wms_server.http.router import PathRouter, PathTemplate, TemplateError


def create_router(*templates: str) -> PathRouter[str]:
    """Return a router whose targets are the templates themselves, by GET."""
    router: PathRouter[str] = PathRouter()
    for text in templates:
        router.add("GET", PathTemplate.parse(text), text)
    return router


@pytest.mark.parametrize("text", ["orders", "/a/{b=*}", "/a/**", "/a/x{b}", "/a/{b}:c"])
def test_unsupported_template_is_rejected_at_the_start(text: str) -> None:
    """Otherwise its path would never match."""
    with pytest.raises(TemplateError):
        PathTemplate.parse(text)


def test_templates_with_the_same_shape_are_rejected() -> None:
    """The names of variables do not matter."""
    with pytest.raises(TemplateError, match="twice"):
        create_router("/a/{b}", "/a/{c}")


def test_literal_precedes_a_variable() -> None:
    """The match of the variable comes second."""
    matches = create_router("/q/{id}", "/q/stats").match(b"/q/stats")
    assert [match.path_template.text for match in matches] == ["/q/stats", "/q/{id}"]


def test_literal_without_a_match_falls_back_to_the_variable() -> None:
    """`entries` may be an id."""
    (match,) = create_router("/q/entries/x", "/q/{id}/resolve").match(b"/q/entries/resolve")
    assert (match.path_template.text, match.path_values) == ("/q/{id}/resolve", (b"entries",))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (b"/q/a%2Fb", b"a/b"),
        (b"/q/%00", b"\0"),
        (b"/q/100%25", b"100%"),
        (b"/q/%zz", b"%zz"),
        (b"/q/%ff", b"\xff"),
        (b"/q/a+b", b"a+b"),
        (b"/q/..", b".."),
    ],
)
def test_variable_is_one_segment(path: bytes, value: bytes) -> None:
    """Percent escapes are decoded after the path is split into segments."""
    (match,) = create_router("/q/{id}").match(path)
    assert match.path_values == (value,)


@pytest.mark.parametrize("path", [b"/q", b"/q/", b"/q/a/", b"/q/a/b", b"//q/a", b"/", b"", b"*"])
def test_path_without_a_template_does_not_match(path: bytes) -> None:
    """A variable needs a value."""
    assert create_router("/q/{id}").match(path) == []


def test_suggestions_are_the_most_similar_paths() -> None:
    """A typo has a suggestion. A random text of any length has none."""
    router = create_router("/api/v1/orders/{order_id}", "/api/v1/lanes", "/api/v1/waves")
    assert router.suggest("/api/v1/order/{order_id}")[0] == "/api/v1/orders/{order_id}"
    assert router.suggest("#" * 100_000) == []
