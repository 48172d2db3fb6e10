"""Where everything that goes wrong is counted, written down, and known to those whom it concerns."""

from wms.orders.v1 import storage_pb2
from wms_dev.simulator.fates import Fate, Fates
from wms_dev.simulator.floor import Damage, Floor
from wms_dev.simulator.journal import BREAKDOWN, DAMAGED, HELD, LOST, RELEASED, SHORT_PICK, Incident, Journal
from wms_dev.simulator.tally import Tally


class Chronicle:
    """What the service has accepted; never what was only tried."""

    def __init__(self, fates: Fates, tally: Tally, journal: Journal) -> None:
        self.fates = fates
        self.tally = tally
        self.floor = Floor()
        self._journal = journal

    def trip_ended(self, move: storage_pb2.Move, fate: Fate) -> None:
        """A move was reported."""
        if fate is Fate.BREAKS_DOWN:
            self.tally.cranes_broken_down += 1
            self._journal.note(Incident(BREAKDOWN, move.carrier_id))
        elif fate is Fate.LOST:
            self.tally.carriers_lost += 1
            self.floor.missing.add(move.carrier_id)
            self._journal.note(Incident(LOST, move.carrier_id, sku=move.sku, units=move.quantity))
        else:
            self.tally.moves_completed += 1
            if fate is Fate.DAMAGED:
                self._arrived_damaged(move)

    def short_picked(self, request: storage_pb2.ReportShortPickRequest) -> None:
        """A picker's report was taken in: the units are off the books."""
        self.tally.short_picks += 1
        self.tally.units_short += request.missing_quantity
        reason = storage_pb2.ShortPickReason.Name(request.reason).removeprefix("SHORT_PICK_REASON_").lower()
        self._journal.note(
            Incident(
                SHORT_PICK,
                order_id=request.order_id,
                sku=request.sku,
                units=request.missing_quantity,
                reason=reason,
            )
        )

    def inspected(self, carrier: storage_pb2.Carrier, reason: str, *, held: bool) -> None:
        """The inspector decided about a carrier."""
        if held:
            self.tally.carriers_held += 1
        else:
            self.tally.carriers_released += 1
        kind = HELD if held else RELEASED
        self._journal.note(
            Incident(kind, carrier.carrier_id, sku=carrier.sku, units=carrier.quantity, reason=reason)
        )

    def _arrived_damaged(self, move: storage_pb2.Move) -> None:
        units = self.fates.damaged_units(move.carrier_id, move.quantity)
        self.tally.carriers_damaged += 1
        self.floor.arrived_damaged(move.destination_id, move.sku, Damage(move.carrier_id, units))
        self._journal.note(Incident(DAMAGED, move.carrier_id, sku=move.sku, units=units))
