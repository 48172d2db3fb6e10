"""What an operator does next, by the reason of an error; the contract's error.proto says it for programs."""

from typing import Final

_ORDERS = "`wms-orders orders list` shows the orders there are."
_EXPLAIN = "`wms-orders orders explain ORDER` says where it stands and which calls are legal now."
_LATER = "Try again later; with the same --request-id nothing is done twice."
_CORRECT = "Correct what is named above; the same again fails again."

NEXT: Final = {
    "INVALID_REQUEST": _CORRECT,
    "MALFORMED_MESSAGE": "This command and the server may be of different versions.",
    "TIME_IN_FUTURE": "See that the clock of this machine is right.",
    "MESSAGE_TOO_LARGE": "Send less at once.",
    "RESPONSE_TOO_LARGE": "Nothing was changed. Ask for fewer orders at once.",
    "REQUEST_ID_REUSED": "Nothing was changed. Leave out --request-id, and a new one is made.",
    "ETAG_MISMATCH": "Somebody changed the order. `wms-orders orders get ORDER` shows it; decide again.",
    "ORDER_NOT_FOUND": _ORDERS,
    "ORDER_ALREADY_EXISTS": "`wms-orders orders get ORDER` shows it; it may be the one you meant.",
    "ORDER_STATUS_CONFLICT": _EXPLAIN,
    "NOTHING_TO_SHIP": "`wms-orders backorders list --order ORDER` shows what it waits for.",
    "BACKORDER_OPEN": "Wait for the goods, or close it with `wms-orders backorders cancel BACKORDER`.",
    "UNITS_NOT_SHIPPED": "Ship them first with `wms-orders orders ship ORDER`.",
    "BACKORDER_NOT_FOUND": "`wms-orders backorders list` shows the backorders there are.",
    "BACKORDER_STATUS_CONFLICT": "Nothing is left to do: the goods are there.",
    "DEAD_LETTER_ENTRY_NOT_FOUND": "`wms-orders dlq list` shows the entries there are.",
    "DEAD_LETTER_ALREADY_RESOLVED": "Somebody decided first: `wms-orders dlq show ORDER`.",
    "RUN_NOT_FOUND": "`wms-orders runs list` shows the runs that are kept.",
    "NO_ACTIVE_WORKER": "Start a worker, or let one stand: `wms-orders workers mode WORKER auto`.",
    "FULFILLMENT_PAUSED": "`wms-orders workers resume` ends the pause; ask who made it first.",
    "WORKER_NOT_FOUND": "`wms-orders workers list` shows who is there.",
    "ROLE_NOT_FOUND": "The roles are fulfillment and relay; `wms-orders workers list` shows who holds which.",
    "WAREHOUSE_NOT_FOUND": "`wms-orders lanes` and `wms-orders destinations` show the warehouses there are.",
    "PARKED_EVENT_NOT_FOUND": "`wms-orders events parked` shows those there are; it may have been released.",
    "POSITION_NOT_KEPT": "Watch from --position 0, the oldest that is kept, or from now without --position.",
    "EVENT_TOO_LARGE": "Nothing was changed. Send fewer items or shorter texts.",
    "CONCURRENT_CHANGE": "Nothing was changed. Try again.",
    "DATABASE_UNAVAILABLE": f"The server is there, its database is not. {_LATER}",
    "OVERLOADED": f"Nothing was changed. {_LATER}",
    "DEADLINE_EXCEEDED": "Allow more with --deadline SECONDS, with the same --request-id.",
    "SHUTTING_DOWN": f"The server is on its way out; another one answers. {_LATER}",
    "NOT_IMPLEMENTED": "The server may be an older one, or have its reflection off (REFLECTION_ENABLED).",
    "UNAUTHENTICATED": "Present a certificate that the server trusts with --cert and --key.",
    "PERMISSION_DENIED": "Ask those who run the service for the right.",
    "INTERNAL": "Report the id above: it is in the server's log.",
}
