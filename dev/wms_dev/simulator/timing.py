"""Durations in the simulated warehouse, and their conversion to real time."""

import random
from dataclasses import dataclass

from wms_dev.simulator.seeded_random import SeededRandom, hash_to_share

IDLE_POLL_SECONDS = 0.25
BUSY_POLL_SECONDS = 0.1
# In simulated seconds. The distances do not depend on the seed.
CRANE_BASE_SECONDS, CRANE_DISTANCE_SECONDS = 10.0, 20.0
CONVEYOR_SECONDS = (20.0, 60.0)
REPAIR_SECONDS = 120.0
PACK_SECONDS = (20.0, 60.0)
# Shorter than a real delivery, which takes days.
DELIVERY_SECONDS = (60.0, 180.0)
INSPECTION_SECONDS = (120.0, 300.0)


@dataclass(frozen=True)
class Timing:
    """Returns durations in real seconds: simulated seconds divided by `speed`.

    Poll intervals are not scaled.
    """

    seeded_random: SeededRandom
    random_generator: random.Random
    speed: float = 30.0

    def crane_seconds(self, *lane_ids: str) -> float:
        """Return the duration of a crane's trip to a lane or between lanes, by their distance."""
        return (
            CRANE_BASE_SECONDS
            + sum(CRANE_DISTANCE_SECONDS * hash_to_share("lane", lane_id) for lane_id in lane_ids)
        ) / self.speed

    def conveyor_seconds(self, zone: str, destination_id: str) -> float:
        """Return the duration of a trip between a zone and a destination, in either direction."""
        minimum, maximum = CONVEYOR_SECONDS
        return (minimum + (maximum - minimum) * hash_to_share("conveyor", zone, destination_id)) / self.speed

    def repair_seconds(self) -> float:
        """Return the repair time of a crane."""
        return REPAIR_SECONDS / self.speed

    def pack_seconds(self, order_id: str, number: int) -> float:
        """Return the packing time of a shipment."""
        return self.seeded_random.draw_between(*PACK_SECONDS, "pack", f"{order_id}/{number}") / self.speed

    def delivery_seconds(self, order_id: str) -> float:
        """Return the delivery time from the warehouse to the customer."""
        return self.seeded_random.draw_between(*DELIVERY_SECONDS, "deliver", order_id) / self.speed

    def inspection_seconds(self, carrier_id: str) -> float:
        """Return the time until a load carrier is inspected."""
        return self.seeded_random.draw_between(*INSPECTION_SECONDS, "inspect", carrier_id) / self.speed

    def poll_seconds(self, *, busy: bool) -> float:
        """Return the time until the next poll, with jitter so that callers do not synchronize."""
        return (BUSY_POLL_SECONDS if busy else IDLE_POLL_SECONDS) * self.random_generator.uniform(0.8, 1.2)
