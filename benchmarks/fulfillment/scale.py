"""How large the warehouse and the work are."""

from dataclasses import dataclass

WAREHOUSE = "WH-01"
ZONES = ("AMBIENT", "COOL", "FROZEN", "BULK")


@dataclass(frozen=True, slots=True)
class Scale:
    """One measurement. Nine lanes of ten hold one SKU each; the others hold all the other SKUs.

    Orders are numbered from `first`. `finished` orders are in the database before the first one comes in.
    `room` are the free places that a lane has at the beginning: where all lanes are full, nothing can be
    moved out of anything's way.
    """

    orders: int = 50_000
    finished: int = 10_000
    first: int = 0
    seed: int = 1
    lanes: int = 1_000
    carriers_per_lane: int = 20
    room: int = 4
    skus: int = 2_000
    units_per_carrier: int = 60
    destinations: int = 10
    queue_capacity: int = 200
    most_items: int = 5
    most_units: int = 3
    bare_batch: int = 500

    @property
    def pure_lanes(self) -> int:
        """The lanes that hold one SKU."""
        return self.lanes * 9 // 10
