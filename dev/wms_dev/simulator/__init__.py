"""A warehouse that isn't there: drives the moves, packs, ships and delivers, over the public API only."""

from wms_dev.simulator.site import SimulatorFailed, Site, simulate
from wms_dev.simulator.tally import Tally

__all__ = ["SimulatorFailed", "Site", "Tally", "simulate"]
