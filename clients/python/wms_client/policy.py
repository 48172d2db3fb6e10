"""Retries and deadlines: the gRPC service config of the contract."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays before retries in seconds: `initial`, times `multiplier` each time, at most `longest`."""

    initial: float
    longest: float
    multiplier: float

    def before(self, attempt: int) -> float:
        """Return the delay before a retry in seconds; the first retry is number 1."""
        return min(self.longest, self.initial * self.multiplier ** min(attempt - 1, 30))


@cache
def service_config() -> str:
    """Return the service config as JSON, for the channel argument `grpc.service_config`."""
    return resources.files("wms.orders.v1").joinpath("service_config.json").read_text(encoding="utf-8")


def default_backoff() -> Backoff:
    """Return the backoff of calls that are retried."""
    policy: dict[str, Any] = json.loads(service_config())["methodConfig"][0]["retryPolicy"]
    return Backoff(
        _seconds(policy["initialBackoff"]), _seconds(policy["maxBackoff"]), float(policy["backoffMultiplier"])
    )


def deadlines() -> dict[tuple[str, str], float]:
    """Return the deadlines in seconds by service and method; the method "" is for all others of a service."""
    return {
        (name["service"], name.get("method", "")): _seconds(group["timeout"])
        for group in json.loads(service_config())["methodConfig"]
        if "timeout" in group
        for name in group["name"]
    }


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
