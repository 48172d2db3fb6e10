"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a measurement: rounds, seconds of a load, and what is in the databases.

    One in five of the orders has an entry in the dead letter queue. `deep` is the depth of the deep page,
    `grown` the orders that a process's memory is looked at after.
    """

    rounds: int = 5
    warm: float = 0.25
    seconds: float = 1.5
    orders: int = 5_000_000
    deep: int = 1_000_000
    grown_from: int = 10_000
    grown: int = 1_000_000
    seed: int = 1


QUICK = Scale(rounds=1, warm=0.2, seconds=0.6, orders=50_000, deep=10_000, grown_from=2_000, grown=20_000)
