"""A simulated warehouse that does all physical work through the public API."""

from wms_dev.simulator.counters import Counters
from wms_dev.simulator.fault_plan import FaultRates, InvalidRate
from wms_dev.simulator.layout import Simulation, SimulatorFailed, simulate_warehouse

__all__ = ["Counters", "FaultRates", "InvalidRate", "Simulation", "SimulatorFailed", "simulate_warehouse"]
