"""Caller of a request: the identity and ids that are copied into events, logs and traces."""

from dataclasses import dataclass

#: The actor of requests without a name.
ANONYMOUS_ACTOR = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """The actor of a change and the ids that link it to its request."""

    actor_name: str = ANONYMOUS_ACTOR
    correlation_id: str = ""
    wave_number: str = ""
    workflow_id: str = ""
    traceparent: str = ""
