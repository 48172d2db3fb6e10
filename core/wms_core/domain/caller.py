"""Who asks, and on whose errand: what travels from a request into events, logs and traces."""

from dataclasses import dataclass

#: Who does not say who he is.
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """The actor of a change and the ids that tie it to the work it belongs to."""

    actor: str = ANONYMOUS
    correlation_id: str = ""
    wave_number: str = ""
    workflow_id: str = ""
    traceparent: str = ""
