"""The place where all incidents are counted, logged and added to the ground truth."""

from wms.orders.v1 import storage_pb2
from wms_dev.simulator.counters import Counters
from wms_dev.simulator.fault_plan import FaultPlan, MoveOutcome
from wms_dev.simulator.ground_truth import DamagedCarrier, GroundTruth
from wms_dev.simulator.incident_log import (
    BREAKDOWN,
    DAMAGED,
    HELD,
    LOST,
    RELEASED,
    SHORT_PICK,
    Incident,
    IncidentLog,
)


class IncidentCounter:
    """Records the incidents that the service has accepted, not the attempts."""

    def __init__(self, fault_plan: FaultPlan, counters: Counters, incident_log: IncidentLog) -> None:
        self.fault_plan = fault_plan
        self.counters = counters
        self.ground_truth = GroundTruth()
        self._incident_log = incident_log

    def record_move(self, move: storage_pb2.Move, outcome: MoveOutcome) -> None:
        """Record a reported move."""
        if outcome is MoveOutcome.BREAKS_DOWN:
            self.counters.cranes_broken_down += 1
            self._incident_log.write_incident(Incident(BREAKDOWN, move.carrier_id))
        elif outcome is MoveOutcome.LOST:
            self.counters.carriers_lost += 1
            self.ground_truth.missing_carriers.add(move.carrier_id)
            self._incident_log.write_incident(
                Incident(LOST, move.carrier_id, sku=move.sku, units=move.quantity)
            )
        else:
            self.counters.moves_completed += 1
            if outcome is MoveOutcome.DAMAGED:
                self._record_damaged_arrival(move)

    def record_short_pick(self, request: storage_pb2.ReportShortPickRequest) -> None:
        """Record an accepted report of a short pick, which wrote off the units."""
        self.counters.short_picks += 1
        self.counters.units_short += request.missing_quantity
        reason = storage_pb2.ShortPickReason.Name(request.reason).removeprefix("SHORT_PICK_REASON_").lower()
        self._incident_log.write_incident(
            Incident(
                SHORT_PICK,
                order_id=request.order_id,
                sku=request.sku,
                units=request.missing_quantity,
                reason=reason,
            )
        )

    def record_inspection(self, carrier: storage_pb2.Carrier, reason: str, *, is_held: bool) -> None:
        """Record a decision of the inspector about a load carrier."""
        if is_held:
            self.counters.carriers_held += 1
        else:
            self.counters.carriers_released += 1
        kind = HELD if is_held else RELEASED
        self._incident_log.write_incident(
            Incident(kind, carrier.carrier_id, sku=carrier.sku, units=carrier.quantity, reason=reason)
        )

    def _record_damaged_arrival(self, move: storage_pb2.Move) -> None:
        units = self.fault_plan.choose_damaged_units(move.carrier_id, move.quantity)
        self.counters.carriers_damaged += 1
        self.ground_truth.add_damaged_carrier(
            move.destination_id, move.sku, DamagedCarrier(move.carrier_id, units)
        )
        self._incident_log.write_incident(Incident(DAMAGED, move.carrier_id, sku=move.sku, units=units))
