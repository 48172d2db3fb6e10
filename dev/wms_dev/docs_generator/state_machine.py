"""The status transitions as a diagram and as tables."""

from wms_core.domain.orders.status import STATUS_BY_CALL, STATUS_TRANSITIONS, OrderStatus, list_legal_calls
from wms_dev.docs_generator.generated_part import format_table

# The cause of a transition that no call causes.
WORKER = "the worker"


def part() -> str:
    """Return the generated part of docs/concepts/state_machine.md."""
    return f"```mermaid\n{diagram()}\n```\n\n{transition_table()}\n\n{legal_call_table()}"


def diagram() -> str:
    """Return the transitions as a Mermaid diagram. Each has the calls that cause it as its label."""
    lines = ["stateDiagram-v2", f"    [*] --> {OrderStatus.RECEIVED}: CreateOrder"]
    for status, targets in STATUS_TRANSITIONS.items():
        lines += [f"    {status} --> {to}: {', '.join(causes_of_transition(status, to))}" for to in targets]
        if not targets:
            lines.append(f"    {status} --> [*]")
    return "\n".join(lines)


def transition_table() -> str:
    """Return a table of all transitions with their causes."""
    rows = [("", f"`{OrderStatus.RECEIVED}`", "`CreateOrder`")]
    for status, targets in STATUS_TRANSITIONS.items():
        rows += [(f"`{status}`", f"`{to}`", _words(causes_of_transition(status, to))) for to in targets]
    return format_table(("from", "to", "caused by"), rows)


def legal_call_table() -> str:
    """Return a table of the calls that are accepted in each status."""
    rows = [
        (f"`{status}`", _words(list_legal_calls(status)) or "none (final status)")
        for status in STATUS_TRANSITIONS
    ]
    return format_table(("status", "calls that change the order"), rows)


def causes_of_transition(status: OrderStatus, to: OrderStatus) -> tuple[str, ...]:
    """Return the calls that cause a transition, or the worker."""
    legal_calls = list_legal_calls(status)
    causes = [call for call in legal_calls if STATUS_BY_CALL.get(call) is to]
    if "ResolveDeadLetterEntry" in legal_calls:
        causes.append("ResolveDeadLetterEntry")
    return tuple(causes) or (WORKER,)


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(name if name == WORKER else f"`{name}`" for name in names)
