"""Attacks over HTTP through browsers and proxies: cross-site requests, DNS rebinding, request smuggling."""

from tests.attack.peers import concurrently, head_of, http_request, open_peers
from tests.attack.registry import Kind, Responses, Target, attack

_CHANGES = (
    "/api/v1/fulfillment/resume",
    "/api/v1/fulfillment/runs",
    "/api/v1/fulfillment/step-down",
    "/api/v1/orders/ORD-1/reset",
)
_CROSS_SITE = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://foreign.example")


class WasExecuted(Exception):
    """A request that a cross-site page can send was not rejected."""


@attack(Kind.BROWSERS, "requests", long=(2_000, 0), short=(400, 0))
async def send_cross_site_requests(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send bodiless changes as a cross-site page can send them, and requests with a rebound host name.

    Each one must be rejected.
    """
    heads = [
        head_of("POST", path, header, "Content-Length: 0") for path in _CHANGES for header in _CROSS_SITE
    ]
    heads += [
        f"POST {path} HTTP/1.1\r\nHost: rebound.example\r\nContent-Length: 0\r\n\r\n" for path in _CHANGES
    ]

    async def send(head: str) -> str:
        async with open_peers(target.http_port, 1) as (peer,):
            status = await http_request(peer, head)
        if not status.startswith("4"):
            raise WasExecuted(f"{status} for {head!r}")
        return status

    return await concurrently(send(heads[number % len(heads)]) for number in range(count))


_HIDDEN = "GET /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n\r\n"
_SMUGGLED = (
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 60", "0\r\n\r\n"),
    ("Content-Length: 5, 6", "12345"),
    ("Content-Length: 5\r\nContent-Length: 60", "12345"),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
    ("Transfer-Encoding : chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n"),
    ("Content-Length: +5", "12345"),
    ("Content-Length: -5", "12345"),
    ("X-Folded: a\r\n b", ""),
    ("X-Bare: a\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n"),
    ("Transfer-Encoding: chunked", "0;\n\r\n\r\n"),
    ("X-Nul: a\0b", ""),
    ("Host: other", ""),
    ("Expect: 100-continue\r\nContent-Length: 3", "{}x"),
)


@attack(Kind.BROWSERS, "requests", long=(1_600, 0), short=(320, 0))
async def smuggle_requests(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send requests whose length two parsers may read differently, each with a second request in its body."""

    async def send(headers: str, body: str) -> str:
        lines = ("POST /api/v1/orders HTTP/1.1", "Host: localhost", "Content-Type: application/json", headers)
        head = "\r\n".join(lines) + "\r\n\r\n"
        async with open_peers(target.http_port, 1) as (peer,):
            return await http_request(peer, head, (body + _HIDDEN).encode(), seconds=0.1)

    return await concurrently(send(*_SMUGGLED[number % len(_SMUGGLED)]) for number in range(count))
