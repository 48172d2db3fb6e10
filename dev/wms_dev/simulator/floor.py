"""What the people in the warehouse know and the service's books don't: what is gone, what is broken."""

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Damage:
    """A carrier that arrived with so many units that can't be used."""

    carrier_id: str
    units: int


class Floor:
    """Shared by those who drive, pick and inspect."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self._damage: dict[tuple[str, str], list[Damage]] = defaultdict(list)

    def arrived_damaged(self, destination_id: str, sku: str, damage: Damage) -> None:
        """A damaged carrier stands at a destination; whoever packs its goods next will see it."""
        self._damage[destination_id, sku].append(damage)

    def take_damage(self, destination_id: str, sku: str) -> Damage | None:
        """What the picker of these goods comes upon, once; None when all is well."""
        waiting = self._damage.get((destination_id, sku))
        return waiting.pop(0) if waiting else None
