"""Size of a measurement."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Size of a measurement: rounds, seconds of warm-up and load, orders in the full database.

    One of five orders has a dead letter. `deep` is the depth of the deep page; the memory of a process is
    measured after `grown_from` and `grown` orders.
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
