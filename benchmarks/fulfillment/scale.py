"""Size of the warehouse and of the work."""

from dataclasses import dataclass

WAREHOUSE = "WH-01"
ZONES = ("AMBIENT", "COOL", "FROZEN", "BULK")


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of a measurement. Nine of ten lanes have one SKU each; the others have all other SKUs.

    Orders are numbered from `first`. `finished` orders are in the database at the start. `room` is the number
    of free positions of each lane at the start; with full lanes, no load carrier could be relocated.
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
        """The number of lanes with only one SKU."""
        return self.lanes * 9 // 10
