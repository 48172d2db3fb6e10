"""What a rival is told: where Postgres is, its orders, and how many steps it may take at a time."""

import sys
from dataclasses import dataclass

WAVE_SIZE = 50
STEPS = (1, 2, 3, 4)
TAKE_STEP = "SELECT take_step({}, {}, {})"


@dataclass(frozen=True, slots=True)
class Work:
    """One round of one rival; `engine` is where its server is, if it has one."""

    database_url: str
    prefix: str
    orders: int
    at_once: int
    engine: str = ""

    def arguments(self) -> list[str]:
        """Give it as arguments of a program."""
        return [self.database_url, self.prefix, str(self.orders), str(self.at_once), self.engine]

    @classmethod
    def told(cls) -> "Work":
        """Read it from the arguments of this program."""
        url, prefix, orders, at_once, engine = sys.argv[1:6]
        return cls(url, prefix, int(orders), int(at_once), engine)

    def order_ids(self) -> list[str]:
        """Name its orders."""
        return [f"{self.prefix}{number:07}" for number in range(self.orders)]


def wave_of(order_id: str) -> str:
    """Name the wave of an order: fifty orders that follow each other go together."""
    return f"WAVE-2000-{int(order_id[-7:]) // WAVE_SIZE:08}"
