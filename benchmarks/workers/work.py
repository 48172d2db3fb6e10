"""The task of a competitor: database, orders and concurrency, passed as arguments."""

import sys
from dataclasses import dataclass

WAVE_SIZE = 50
STEPS = (1, 2, 3, 4)
TAKE_STEP = "SELECT take_step({}, {}, {})"


@dataclass(frozen=True, slots=True)
class CompetitorTask:
    """One round of a competitor; `engine_address` is that of its server, if it has one."""

    database_url: str
    prefix: str
    orders: int
    concurrency: int
    engine_address: str = ""

    def to_arguments(self) -> list[str]:
        """Return the task as arguments of a program."""
        return [self.database_url, self.prefix, str(self.orders), str(self.concurrency), self.engine_address]

    @classmethod
    def from_arguments(cls) -> "CompetitorTask":
        """Parse the task from the arguments of this program."""
        url, prefix, orders, concurrency, engine_address = sys.argv[1:6]
        return cls(url, prefix, int(orders), int(concurrency), engine_address)

    def order_ids(self) -> list[str]:
        """Return the ids of the orders."""
        return [f"{self.prefix}{number:07}" for number in range(self.orders)]


def wave_id_of(order_id: str) -> str:
    """Return the wave of an order: fifty consecutive orders share one."""
    return f"WAVE-2000-{int(order_id[-7:]) // WAVE_SIZE:08}"
