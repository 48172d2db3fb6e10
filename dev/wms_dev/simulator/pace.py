"""How long things take in the simulated warehouse: its own seconds, and how fast they pass."""

import random
from dataclasses import dataclass

from wms_dev.simulator.chance import Chance, share

IDLE_POLL = 0.25
BUSY_POLL = 0.1
# Seconds of the warehouse. The building is the same whatever the seed.
CRANE_LEAST, CRANE_FAR = 10.0, 20.0
CONVEYOR = (20.0, 60.0)
REPAIR = 120.0
PACK = (20.0, 60.0)
# The customer is not a minute away; nobody who looks on wants to wait for days.
DELIVER = (60.0, 180.0)
INSPECT = (120.0, 300.0)


@dataclass(frozen=True)
class Pace:
    """Gives real seconds; with `speed` 60 a minute of the warehouse passes in one. Polls stay as they are."""

    chance: Chance
    rng: random.Random
    speed: float = 30.0

    def crane(self, *lane_ids: str) -> float:
        """A crane's trip to one lane, or from one to another: the farther the longer."""
        return (CRANE_LEAST + sum(CRANE_FAR * share("lane", lane_id) for lane_id in lane_ids)) / self.speed

    def conveyor(self, zone: str, destination_id: str) -> float:
        """The way between a zone and a destination, in either direction."""
        least, most = CONVEYOR
        return (least + (most - least) * share("conveyor", zone, destination_id)) / self.speed

    def repair(self) -> float:
        """Until a crane that broke down goes again."""
        return REPAIR / self.speed

    def pack(self, order_id: str, number: int) -> float:
        """Packing one consignment of an order."""
        return self.chance.between(*PACK, "pack", f"{order_id}/{number}") / self.speed

    def deliver(self, order_id: str) -> float:
        """From the warehouse's door to the customer's."""
        return self.chance.between(*DELIVER, "deliver", order_id) / self.speed

    def inspect(self, carrier_id: str) -> float:
        """Until the inspector has seen to a carrier."""
        return self.chance.between(*INSPECT, "inspect", carrier_id) / self.speed

    def poll(self, *, busy: bool) -> float:
        """Until the service is asked again, with jitter so that callers don't march in step."""
        return (BUSY_POLL if busy else IDLE_POLL) * self.rng.uniform(0.8, 1.2)
