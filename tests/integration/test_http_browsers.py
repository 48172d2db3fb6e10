"""What a web page of somebody else can make a browser send: it is refused, and nothing is changed."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.support.http import Web, error_of, open_web
from tests.support.invariants import Sql
from tests.support.requests import create_order
from wms.orders.v1 import fulfillment_pb2
from wms_server.http.json_writing import to_json
from wms_server.http.request_guard import AllowedHosts

pytestmark = pytest.mark.one_postgres
_RESUME = "/api/v1/fulfillment/resume"


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[Web]:
    """Give a server at which fulfillment is paused."""
    async with open_web(database_url, http_allowed_hosts="orders.example,.internal.example") as opened:
        pause = fulfillment_pb2.PauseFulfillmentRequest(reason="maintenance")
        await opened.api.fulfillment.PauseFulfillment(pause)
        yield opened


async def is_paused(sql: Sql) -> bool:
    """Say whether fulfillment is paused."""
    return bool(await sql.fetchval("SELECT count(*) FROM fulfillment_pauses"))


@pytest.mark.parametrize(
    ("headers", "metadata"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, {"header": "Sec-Fetch-Site", "value": "cross-site"}),
        ({"Sec-Fetch-Site": "same-site"}, {"header": "Sec-Fetch-Site", "value": "same-site"}),
        ({"Origin": "https://evil.example"}, {"header": "Origin", "value": "https://evil.example"}),
        ({"Origin": "http://localhost:3000"}, {"header": "Origin", "value": "http://localhost:3000"}),
        ({"Origin": "null"}, {"header": "Origin", "value": "null"}),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "none"}, None),
    ],
)
@pytest.mark.parametrize("body", [None, "{}"])
async def test_a_foreign_page_changes_nothing(
    web: Web, sql: Sql, headers: Mapping[str, str], metadata: dict[str, str] | None, body: str | None
) -> None:
    """With a body or without one, which no browser asks the server about beforehand."""
    more = {"Content-Type": "application/json"} if body else {}
    response = await web.http.post(_RESUME, content=body, headers={**headers, **more})
    error = error_of(response)
    assert (response.status_code, error["reason"]) == (403, "CROSS_SITE_REQUEST")
    assert metadata in (None, error["metadata"])
    assert await is_paused(sql)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_body_has_to_be_called_json(web: Web, sql: Sql, kind: str | None) -> None:
    """A form can send all others without asking, and some browsers do not say where it comes from."""
    headers = {"Content-Type": kind} if kind else {}
    response = await web.http.post(_RESUME, content=b"{}", headers=headers)
    assert (response.status_code, error_of(response)["reason"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert await is_paused(sql)


async def test_the_server_s_own_page_and_other_programs_are_served(web: Web, sql: Sql) -> None:
    """A page of the same origin; a person who enters a URL; a program, which sends neither header."""
    own = f"http://127.0.0.1:{web.port}"
    for headers in ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}):
        response = await web.http.post("/api/v1/orders", json=to_json(create_order()), headers=headers)
        assert response.status_code == 201
    proxied = {"Host": "orders.example", "Origin": "https://orders.example"}
    assert (await web.http.post(_RESUME, headers=proxied)).status_code == 200
    assert not await is_paused(sql)


async def test_reading_is_not_refused_for_where_it_comes_from(web: Web) -> None:
    """A link from elsewhere may lead to the reference; a foreign page cannot read the answer."""
    for path in ("/docs", "/api/v1/orders"):
        response = await web.http.get(path, headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://a.b"})
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "xinternal.example", "127.0.0.1.evil"]
)
async def test_a_name_that_is_not_the_server_s_is_refused(web: Web, sql: Sql, host: str) -> None:
    """However its owner has bound it to our address; for every call, page and body."""
    for method, path in (("GET", "/api/v1/orders"), ("POST", _RESUME), ("GET", "/docs"), ("GET", "/nothing")):
        response = await web.http.request(method, path, headers={"Host": f"{host}:{web.port}"})
        error = error_of(response)
        assert (response.status_code, error["reason"]) == (403, "HOST_NOT_ALLOWED")
        assert error["metadata"] == {"host": f"{host}:{web.port}"}
    assert await is_paused(sql)


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_probes_ask_by_any_name(web: Web, path: str) -> None:
    """Monitoring knows machines by names of its own, and these pages have nothing to protect."""
    assert (await web.http.get(path, headers={"Host": "node-17.cluster"})).status_code == 200


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("LocalHost:8080", True),
        ("app.localhost:8080", True),
        ("localhost.", True),
        ("127.0.0.1:8080", True),
        ("10.1.2.3", True),
        ("[::1]:8080", True),
        ("[fd00::1]", True),
        ("orders.example", True),
        ("a.b.internal.example:80", True),
        ("internal.example", False),
        ("orders.example.evil", False),
        ("", False),
        ("[::1", True),
        ("127.0.0.1.nip.io", False),
        ("1.2.3", False),
    ],
)
def test_names_of_a_server(host: str, allowed: bool) -> None:
    """Its own, those of loopback, and every address: that of a page that is there by right."""
    assert AllowedHosts(["orders.example", ".internal.example"]).allow(host) is allowed
    assert AllowedHosts(["*"]).allow(host)


async def test_nothing_of_an_answer_is_guessed_or_kept(web: Web) -> None:
    """Browsers take the type that is said, share no answer, and show the reference in no frame."""
    made = await web.http.post("/api/v1/orders", json=to_json(create_order()))
    for response in (made, await web.http.get("/api/v1/orders"), await web.http.get("/nothing")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "private, no-cache"
        assert "server" not in response.headers
    page = await web.http.get("/docs")
    policy: dict[str, Any] = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert (page.headers["x-content-type-options"], page.headers["referrer-policy"]) == (
        "nosniff",
        "no-referrer",
    )
