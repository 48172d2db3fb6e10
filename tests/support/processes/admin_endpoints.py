"""Read the admin HTTP endpoints of a server or a worker."""

import asyncio
import http.client
from datetime import datetime
from email.utils import parsedate_to_datetime

from prometheus_client.parser import text_string_to_metric_families


async def get_page(port: int, path: str) -> tuple[int, str]:
    """Return status and body of a page, read over a new connection."""
    return await asyncio.to_thread(_get_page, port, path)


def _get_page(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        with connection.getresponse() as response:
            return response.status, response.read().decode()
    finally:
        connection.close()


async def read_clock(port: int) -> datetime:
    """Return the wall clock of a process, from the header `Date` of a response."""
    return await asyncio.to_thread(_read_date_header, port)


def _read_date_header(port: int) -> datetime:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/health")
        with connection.getresponse() as response:
            return parsedate_to_datetime(response.headers["Date"])
    finally:
        connection.close()


async def read_metric(port: int, name: str, **labels: str) -> float | None:
    """Return the value of a metric sample; None if there is none."""
    _, body = await get_page(port, "/metrics")
    samples = [sample for family in text_string_to_metric_families(body) for sample in family.samples]
    return next(
        (sample.value for sample in samples if (sample.name, sample.labels) == (name, labels)),
        None,
    )
