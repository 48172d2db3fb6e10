"""Path templates, and which of them a path fits."""

import pytest

from wms_server.http.templates import Routes, Template, TemplateError


def routes(*templates: str) -> Routes[str]:
    """Give routes whose targets are the templates themselves, by GET."""
    made: Routes[str] = Routes()
    for text in templates:
        made.add("GET", Template.parse(text), text)
    return made


@pytest.mark.parametrize("text", ["orders", "/a/{b=*}", "/a/**", "/a/x{b}", "/a/{b}:c"])
def test_what_is_beyond_the_contract_is_refused_at_the_start(text: str) -> None:
    """Instead of never being found."""
    with pytest.raises(TemplateError):
        Template.parse(text)


def test_one_place_has_one_target() -> None:
    """However its variable is called."""
    with pytest.raises(TemplateError, match="twice"):
        routes("/a/{b}", "/a/{c}")


def test_a_literal_goes_before_a_variable() -> None:
    """And what the variable would have been given comes second."""
    found = routes("/q/{id}", "/q/stats").at(b"/q/stats")
    assert [one.template.text for one in found] == ["/q/stats", "/q/{id}"]


def test_a_literal_that_leads_nowhere_leaves_the_way_to_the_variable() -> None:
    """`entries` may be somebody's id."""
    (found,) = routes("/q/entries/x", "/q/{id}/resolve").at(b"/q/entries/resolve")
    assert (found.template.text, found.values) == ("/q/{id}/resolve", (b"entries",))


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
def test_a_variable_is_one_segment_whatever_is_in_it(path: bytes, value: bytes) -> None:
    """Percent signs are read after the segments are known."""
    (found,) = routes("/q/{id}").at(path)
    assert found.values == (value,)


@pytest.mark.parametrize("path", [b"/q", b"/q/", b"/q/a/", b"/q/a/b", b"//q/a", b"/", b"", b"*"])
def test_what_is_not_there_is_not_found(path: bytes) -> None:
    """A variable stands for something."""
    assert routes("/q/{id}").at(path) == []


def test_the_nearest_paths_are_those_most_like_it() -> None:
    """A slip of the hand finds its way; nonsense finds nothing, of any length."""
    made = routes("/api/v1/orders/{order_id}", "/api/v1/lanes", "/api/v1/waves")
    assert made.nearest("/api/v1/order/{order_id}")[0] == "/api/v1/orders/{order_id}"
    assert made.nearest("#" * 100_000) == []
