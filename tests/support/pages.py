"""What a server or a worker tells by HTTP, as those see it who ask at its port."""

import asyncio
import http.client
from datetime import datetime
from email.utils import parsedate_to_datetime

from prometheus_client.parser import text_string_to_metric_families


async def get(port: int, path: str) -> tuple[int, str]:
    """Give status and body of a page, asked on a connection of its own."""
    return await asyncio.to_thread(_get, port, path)


def _get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        with connection.getresponse() as answer:
            return answer.status, answer.read().decode()
    finally:
        connection.close()


async def clock_of(port: int) -> datetime:
    """Return the wall clock of a process, as the Date of an answer tells it."""
    return await asyncio.to_thread(_date, port)


def _date(port: int) -> datetime:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/health")
        with connection.getresponse() as answer:
            return parsedate_to_datetime(answer.headers["Date"])
    finally:
        connection.close()


async def metric(port: int, name: str, **labels: str) -> float | None:
    """Give the value of a sample; None when there is none."""
    _, body = await get(port, "/metrics")
    samples = [sample for family in text_string_to_metric_families(body) for sample in family.samples]
    return next((one.value for one in samples if (one.name, one.labels) == (name, labels)), None)
