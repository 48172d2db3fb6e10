"""The free units of a plan's carriers, sorted so that the best are found without looking at all of them."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TypeAlias

from wms_core.domain.storage import Destination, FreeCarrier

#: Reasons for which an order waits although there is stock (see the contract's WaitingReason), the one that
#: ends by itself first, the one that needs the most last.
STOCK_ELSEWHERE = "stock_elsewhere"
LANE_BLOCKED = "lane_blocked"
NO_ROUTE = "no_route"
OBSTACLES = (STOCK_ELSEWHERE, LANE_BLOCKED, NO_ROUTE)

#: Units that will stand in a lane again by themselves, from where the destination is served.
_COMING = "coming"

#: What was taken from a shelf: the shelf, the units, and where it went before.
Taken: TypeAlias = "tuple[Shelf, int, str | None]"


class Shelf:
    """A carrier, the units of it that are still free within this plan, and where it goes now."""

    __slots__ = ("carrier", "free", "kept", "key", "target")

    def __init__(self, number: int, carrier: FreeCarrier) -> None:
        """Begin with what the carrier has; of equally good ones the lower number comes first."""
        self.carrier = carrier
        self.free = carrier.free
        self.target = carrier.destination_id
        self.kept = False
        self.key = (carrier.deep, carrier.age_rank, carrier.blockers, number)

    def obstacle(self, destination: Destination, stations: Mapping[str, Destination]) -> str:
        """Say why it serves a destination not now, as one of OBSTACLES or as units that are coming."""
        carrier = self.carrier
        if self.kept:
            return STOCK_ELSEWHERE
        if not carrier.reachable:
            if not carrier.comes_back:
                return LANE_BLOCKED
            return _COMING if carrier.zone in destination.zones else NO_ROUTE
        if self.target is None:
            return NO_ROUTE
        station = stations.get(self.target)
        if station is None or not (carrier.comes_back or carrier.destination_id is None):
            return STOCK_ELSEWHERE
        return STOCK_ELSEWHERE if set(station.zones).isdisjoint(destination.zones) else _COMING


_by_key = attrgetter("key")


class Rack:
    """All carriers with one SKU in one warehouse.

    `units` counts what is not promised yet, `kept` what was taken of that to be kept for those who wait.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.units = self.kept = 0
        self._shelves: list[Shelf] = []
        self._idle: dict[str, list[Shelf]] = defaultdict(list)
        self._going: dict[str, list[Shelf]] = defaultdict(list)
        self._obstacles: dict[str, dict[str, int]] = {}

    def add(self, shelf: Shelf) -> None:
        """Put a carrier in; `sort` when all are in."""
        self.units += shelf.free
        self._shelves.append(shelf)
        if (row := self._row(shelf)) is not None:
            row.append(shelf)

    def sort(self) -> None:
        """Put the best first."""
        for rows in (self._idle, self._going):
            for row in rows.values():
                row.sort(key=_by_key)

    def take(self, units: int, destination: Destination) -> list[Taken]:
        """Take units for a destination, as many as there are, from the best shelves first."""
        taken: list[Taken] = []
        left = units
        while left and (group := self._best(destination)):
            if len(group) > 1:
                group.sort(key=lambda shelf: (max(shelf.free - units, 0), shelf.key))
            for shelf in group:
                part = min(left, shelf.free)
                if not part:
                    break
                taken.append((shelf, part, shelf.target))
                self._change(shelf, -part, destination.destination_id)
                left -= part
        return taken

    def give_back(self, taken: Sequence[Taken]) -> None:
        """Undo the last takings."""
        for shelf, units, target in reversed(taken):
            self._change(shelf, units, target)

    def promise(self, taken: Sequence[Taken]) -> None:
        """Make takings count: they are gone for good."""
        self.units -= sum(units for _, units, _ in taken)
        self._obstacles.clear()

    def keep(
        self,
        taken: Sequence[Taken],
        lacking: int,
        destination: Destination,
        stations: Mapping[str, Destination],
    ) -> None:
        """Keep takings for one who waits, and carriers that are coming with what it lacks.

        What was idle serves nobody else; what is coming is not held up by others where it is now.
        """
        self.kept += sum(units for _, units, _ in taken)
        for shelf, _, target in taken:
            if target is None:
                self._close(shelf)
        for shelf in sorted(self._shelves, key=lambda one: (one.carrier.reachable, one.key)):
            if lacking <= 0:
                break
            if shelf.free and self._is_coming(shelf, destination, stations):
                lacking -= shelf.free
                self._close(shelf)
        self._obstacles.clear()

    def obstacle(
        self, lacking: int, destination: Destination, stations: Mapping[str, Destination]
    ) -> tuple[str, bool]:
        """Say what must end so that so many units more can be had, and whether they come by themselves.

        Of the obstacles the first counts that does, together with those before it.
        """
        found = self._obstacles.get(destination.destination_id)
        if found is None:
            found = self._obstacles[destination.destination_id] = self._sum_up(destination, stations)
        if found[_COMING] >= lacking:
            return STOCK_ELSEWHERE, True
        there = found[_COMING] + self.kept
        for obstacle in OBSTACLES:
            there += found[obstacle]
            if there >= lacking:
                return obstacle, False
        return next((one for one in reversed(OBSTACLES) if found[one]), STOCK_ELSEWHERE), False

    def _sum_up(self, destination: Destination, stations: Mapping[str, Destination]) -> dict[str, int]:
        units: dict[str, int] = dict.fromkeys((_COMING, *OBSTACLES), 0)
        for shelf in self._shelves:
            if shelf.free and not self._serves(shelf, destination):
                units[shelf.obstacle(destination, stations)] += shelf.free
        return units

    def _is_coming(self, shelf: Shelf, destination: Destination, stations: Mapping[str, Destination]) -> bool:
        return not self._serves(shelf, destination) and shelf.obstacle(destination, stations) == _COMING

    def _serves(self, shelf: Shelf, destination: Destination) -> bool:
        if shelf.kept or not shelf.carrier.reachable:
            return False
        if shelf.target is not None:
            return shelf.target == destination.destination_id
        return shelf.carrier.zone in destination.zones

    def _best(self, destination: Destination) -> list[Shelf]:
        """Give the shelves that are equally good and better than all others."""
        if row := self._going.get(destination.destination_id):
            return _first(row, row[0].key[:3])
        rows = [row for zone in destination.zones if (row := self._idle.get(zone))]
        if not rows:
            return []
        best = min(row[0].key[:3] for row in rows)
        return [shelf for row in rows for shelf in _first(row, best)]

    def _row(self, shelf: Shelf) -> list[Shelf] | None:
        """Give the row in which a shelf is found, if it can serve anybody."""
        if not shelf.free or shelf.kept or not shelf.carrier.reachable:
            return None
        if shelf.target is not None:
            return self._going[shelf.target]
        return self._idle[shelf.carrier.zone] if shelf.carrier.zone is not None else None

    def _change(self, shelf: Shelf, units: int, target: str | None) -> None:
        before = self._row(shelf)
        shelf.free += units
        shelf.target = target
        self._shift(shelf, before)

    def _close(self, shelf: Shelf) -> None:
        before = self._row(shelf)
        shelf.kept = True
        self._shift(shelf, before)

    def _shift(self, shelf: Shelf, before: list[Shelf] | None) -> None:
        after = self._row(shelf)
        if after is before:
            return
        if before is not None:
            del before[bisect_left(before, shelf.key, key=_by_key)]
        if after is not None:
            insort(after, shelf, key=_by_key)


def _first(row: Sequence[Shelf], best: tuple[bool, float, int]) -> list[Shelf]:
    """Give the shelves at the beginning of a row that are as good as the best."""
    found = []
    for shelf in row:
        if shelf.key[:3] != best:
            break
        found.append(shelf)
    return found


def racks(carriers: Sequence[FreeCarrier]) -> defaultdict[tuple[str, str], Rack]:
    """Sort carriers by warehouse and SKU; of what nobody has there is an empty rack."""
    sorted_in: defaultdict[tuple[str, str], Rack] = defaultdict(Rack)
    for number, carrier in enumerate(carriers):
        sorted_in[carrier.warehouse_id, carrier.sku].add(Shelf(number, carrier))
    for rack in sorted_in.values():
        rack.sort()
    return sorted_in
