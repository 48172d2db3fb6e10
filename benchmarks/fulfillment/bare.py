"""The bare four-status update, the baseline of the fulfillment."""

import time

from benchmarks.connection import Connection
from benchmarks.fulfillment.scale import Scale
from benchmarks.queries import query

STEPS = (
    ("received", "validated", "wms.order.validated"),
    ("validated", "assigned_to_wave", "wms.order.wave-assigned"),
    ("assigned_to_wave", "picking", "wms.order.picking-started"),
    ("picking", "packing", "wms.order.packing-started"),
)
WAVE_SIZE = 50


async def measure_bare_rate(connection: Connection, scale: Scale, part: int) -> float:
    """Return the orders per second through four statuses; `part` numbers the measurements of a database."""
    await connection.execute(query("bare.create_destination"))
    await connection.execute(query("bare.waves"), part * scale.orders, scale.orders)
    await connection.execute(query("bare.orders"), f"BARE-{part}-", scale.orders)
    started_at = time.perf_counter()
    for source, target, event in STEPS:
        await _update_all(connection, scale, part, (source, target, event))
    return scale.orders / (time.perf_counter() - started_at)


async def _update_all(connection: Connection, scale: Scale, part: int, step: tuple[str, str, str]) -> None:
    for start in range(0, scale.orders, scale.bare_batch):
        numbers = range(start, min(start + scale.bare_batch, scale.orders))
        order_ids = [f"BARE-{part}-{number:07}" for number in numbers]
        joins_wave = step[1] == "assigned_to_wave"
        waves = [_wave_id(part, scale, number) if joins_wave else None for number in numbers]
        await connection.execute(query("bare.update_status"), order_ids, *step, waves)


def _wave_id(part: int, scale: Scale, number: int) -> str:
    return f"WAVE-2000-{part * scale.orders + number // WAVE_SIZE:08}"
