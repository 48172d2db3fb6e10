"""A warehouse that isn't there: its whole work, over the public API only."""

from wms_dev.simulator.fates import Rates, RateWrong
from wms_dev.simulator.site import SimulatorFailed, Site, simulate
from wms_dev.simulator.tally import Tally

__all__ = ["RateWrong", "Rates", "SimulatorFailed", "Site", "Tally", "simulate"]
