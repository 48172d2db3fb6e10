"""The bare four-status update, the measure that the fulfilment is held to."""

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


async def bare_rate(connection: Connection, scale: Scale, part: int) -> float:
    """Give orders a second that go through four statuses; `part` tells measurements in one database apart."""
    await connection.execute(query("bare.place"))
    await connection.execute(query("bare.waves"), part * scale.orders, scale.orders)
    await connection.execute(query("bare.orders"), f"BARE-{part}-", scale.orders)
    began = time.perf_counter()
    for source, to, event in STEPS:
        await _move_all(connection, scale, part, (source, to, event))
    return scale.orders / (time.perf_counter() - began)


async def _move_all(connection: Connection, scale: Scale, part: int, step: tuple[str, str, str]) -> None:
    for start in range(0, scale.orders, scale.bare_batch):
        numbers = range(start, min(start + scale.bare_batch, scale.orders))
        order_ids = [f"BARE-{part}-{number:07}" for number in numbers]
        joins = step[1] == "assigned_to_wave"
        waves = [_wave(part, scale, number) if joins else None for number in numbers]
        await connection.execute(query("bare.move"), order_ids, *step, waves)


def _wave(part: int, scale: Scale, number: int) -> str:
    return f"WAVE-2000-{part * scale.orders + number // WAVE_SIZE:08}"
