"""Counters of the simulated warehouse."""

from dataclasses import asdict, dataclass


@dataclass
class Counters:
    """Counts since the start."""

    moves_completed: int = 0
    cranes_broken_down: int = 0
    carriers_lost: int = 0
    carriers_damaged: int = 0
    short_picks: int = 0
    units_short: int = 0
    carriers_released: int = 0
    carriers_held: int = 0
    orders_shipped: int = 0
    orders_delivered: int = 0
    rounds_lost: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in asdict(self).items())
