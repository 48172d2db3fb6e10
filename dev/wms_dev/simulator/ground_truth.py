"""The physical state that the service does not know: lost and damaged load carriers."""

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class DamagedCarrier:
    """A load carrier that arrived with damaged units."""

    carrier_id: str
    units: int


class GroundTruth:
    """State that is shared by vehicles, pickers and inspector."""

    def __init__(self) -> None:
        self.missing_carriers: set[str] = set()
        self._damaged_carriers: dict[tuple[str, str], list[DamagedCarrier]] = defaultdict(list)

    def add_damaged_carrier(self, destination_id: str, sku: str, damage: DamagedCarrier) -> None:
        """Add a damaged load carrier at a destination; the next picker of the SKU there finds it."""
        self._damaged_carriers[destination_id, sku].append(damage)

    def take_damaged_carrier(self, destination_id: str, sku: str) -> DamagedCarrier | None:
        """Return and remove a damaged load carrier for a picker, or return None."""
        damaged_carriers = self._damaged_carriers.get((destination_id, sku))
        return damaged_carriers.pop(0) if damaged_carriers else None
