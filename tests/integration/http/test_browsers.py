"""Requests that a foreign web page can make a browser send: they are rejected, and change nothing."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.support.builders.requests import create_order
from tests.support.clients.http import HttpTestServer, open_http_server, parse_error_response
from tests.support.invariants.database import SqlConnection
from wms.orders.v1 import fulfillment_pb2
from wms_server.http.json_encoding import message_to_json
from wms_server.http.request_guard import AllowedHosts

pytestmark = pytest.mark.one_postgres
_RESUME = "/api/v1/fulfillment/resume"


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[HttpTestServer]:
    """Yield a server with paused fulfillment."""
    async with open_http_server(
        database_url, http_allowed_hosts="orders.example,.internal.example"
    ) as opened:
        pause = fulfillment_pb2.PauseFulfillmentRequest(reason="maintenance")
        await opened.api.fulfillment.PauseFulfillment(pause)
        yield opened


async def is_paused(sql: SqlConnection) -> bool:
    """Return whether fulfillment is paused."""
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
    web: HttpTestServer,
    sql: SqlConnection,
    headers: Mapping[str, str],
    metadata: dict[str, str] | None,
    body: str | None,
) -> None:
    """With and without a body, as requests without a preflight."""
    more = {"Content-Type": "application/json"} if body else {}
    response = await web.http_client.post(_RESUME, content=body, headers={**headers, **more})
    error = parse_error_response(response)
    assert (response.status_code, error["reason"]) == (403, "CROSS_SITE_REQUEST")
    assert metadata in (None, error["metadata"])
    assert await is_paused(sql)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_body_must_have_the_media_type_json(
    web: HttpTestServer, sql: SqlConnection, kind: str | None
) -> None:
    """A form can send all others without a preflight, and some browsers do not send the origin."""
    headers = {"Content-Type": kind} if kind else {}
    response = await web.http_client.post(_RESUME, content=b"{}", headers=headers)
    assert (response.status_code, parse_error_response(response)["reason"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert await is_paused(sql)


async def test_the_server_s_own_page_and_other_programs_are_served(
    web: HttpTestServer, sql: SqlConnection
) -> None:
    """A page of the same origin, a URL that a person entered, and a program, which sends neither header."""
    own = f"http://127.0.0.1:{web.port}"
    for headers in ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}):
        response = await web.http_client.post(
            "/api/v1/orders", json=message_to_json(create_order()), headers=headers
        )
        assert response.status_code == 201
    proxied = {"Host": "orders.example", "Origin": "https://orders.example"}
    assert (await web.http_client.post(_RESUME, headers=proxied)).status_code == 200
    assert not await is_paused(sql)


async def test_reads_from_other_origins_are_not_rejected(web: HttpTestServer) -> None:
    """A foreign page may link to the reference, but cannot read the response."""
    for path in ("/docs", "/api/v1/orders"):
        response = await web.http_client.get(
            path, headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://a.b"}
        )
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "xinternal.example", "127.0.0.1.evil"]
)
async def test_a_foreign_host_name_is_rejected(web: HttpTestServer, sql: SqlConnection, host: str) -> None:
    """Its owner may have bound it to the server's address (DNS rebinding). For every call, page and body."""
    for method, path in (("GET", "/api/v1/orders"), ("POST", _RESUME), ("GET", "/docs"), ("GET", "/nothing")):
        response = await web.http_client.request(method, path, headers={"Host": f"{host}:{web.port}"})
        error = parse_error_response(response)
        assert (response.status_code, error["reason"]) == (403, "HOST_NOT_ALLOWED")
        assert error["metadata"] == {"host": f"{host}:{web.port}"}
    assert await is_paused(sql)


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_probes_may_use_any_host_name(web: HttpTestServer, path: str) -> None:
    """Monitoring has its own names for machines, and these pages are not protected."""
    assert (await web.http_client.get(path, headers={"Host": "node-17.cluster"})).status_code == 200


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
def test_host_names_of_a_server(host: str, allowed: bool) -> None:
    """Configured names, loopback names and all addresses."""
    assert AllowedHosts(["orders.example", ".internal.example"]).is_allowed(host) is allowed
    assert AllowedHosts(["*"]).is_allowed(host)


async def test_responses_are_not_sniffed_cached_or_framed(web: HttpTestServer) -> None:
    """Browsers use the given media type, cache no response, and do not show the reference in a frame."""
    created = await web.http_client.post("/api/v1/orders", json=message_to_json(create_order()))
    for response in (
        created,
        await web.http_client.get("/api/v1/orders"),
        await web.http_client.get("/nothing"),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "private, no-cache"
        assert "server" not in response.headers
    page = await web.http_client.get("/docs")
    policy: dict[str, Any] = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert (page.headers["x-content-type-options"], page.headers["referrer-policy"]) == (
        "nosniff",
        "no-referrer",
    )
