"""The status table as a drawing and as a table."""

from wms_core.domain.order_status import CALLS, TRANSITIONS, OrderStatus, legal_calls
from wms_dev.documents.marked import table

#: Who leads an order along an arrow for which there is no call.
WORKER = "the worker"


def part() -> str:
    """Give the generated part of docs/state_machine.md."""
    return f"```mermaid\n{diagram()}\n```\n\n{arrows()}\n\n{calls()}"


def diagram() -> str:
    """Draw the table in Mermaid; every arrow once, labelled with the calls that ask for it."""
    lines = ["stateDiagram-v2", f"    [*] --> {OrderStatus.RECEIVED}: CreateOrder"]
    for status, targets in TRANSITIONS.items():
        lines += [f"    {status} --> {to}: {', '.join(askers(status, to))}" for to in targets]
        if not targets:
            lines.append(f"    {status} --> [*]")
    return "\n".join(lines)


def arrows() -> str:
    """List every arrow with who asks for it."""
    rows = [("", f"`{OrderStatus.RECEIVED}`", "`CreateOrder`")]
    for status, targets in TRANSITIONS.items():
        rows += [(f"`{status}`", f"`{to}`", _words(askers(status, to))) for to in targets]
    return table(("from", "to", "asked for by"), rows)


def calls() -> str:
    """List the calls that are accepted in each status."""
    rows = [(f"`{status}`", _words(legal_calls(status)) or "none: final") for status in TRANSITIONS]
    return table(("status", "calls that change the order"), rows)


def askers(status: OrderStatus, to: OrderStatus) -> tuple[str, ...]:
    """Name the calls that lead from one status to the other, or the worker."""
    legal = legal_calls(status)
    asked = [call for call in legal if CALLS.get(call) is to]
    if "ResolveDeadLetterEntry" in legal:
        asked.append("ResolveDeadLetterEntry")
    return tuple(asked) or (WORKER,)


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(name if name == WORKER else f"`{name}`" for name in names)
