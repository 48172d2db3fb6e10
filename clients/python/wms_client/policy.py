"""What is tried again, and for how long: gRPC's service config, from the contract."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait before trying again: `initial`, then `multiplier` times as long each time."""

    initial: float
    longest: float
    multiplier: float

    def before(self, attempt: int) -> float:
        """The wait before the attempt of this number; the first to wait is number 1."""
        return min(self.longest, self.initial * self.multiplier ** min(attempt - 1, 30))


@cache
def service_config() -> str:
    """The file as it is: for `grpc.service_config`, of this library or any other."""
    return resources.files("wms.orders.v1").joinpath("service_config.json").read_text(encoding="utf-8")


def default_backoff() -> Backoff:
    """The waits of the calls that are tried again."""
    policy: dict[str, Any] = json.loads(service_config())["methodConfig"][0]["retryPolicy"]
    return Backoff(
        _seconds(policy["initialBackoff"]), _seconds(policy["maxBackoff"]), float(policy["backoffMultiplier"])
    )


def deadlines() -> dict[tuple[str, str], float]:
    """The seconds that a call may take, by service and method; without a method, for a service's others."""
    return {
        (name["service"], name.get("method", "")): _seconds(group["timeout"])
        for group in json.loads(service_config())["methodConfig"]
        if "timeout" in group
        for name in group["name"]
    }


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
