"""An event as Kafka gets it: a CloudEvent 1.0 in binary mode, keyed by its order (docs/adr/0014)."""

from wms_core.domain.publishing import LogEvent

Headers = list[tuple[str, bytes]]

_VERSION = ("ce_specversion", b"1.0")
_SOURCE = ("ce_source", b"/wms/order-service")
_CONTENT = ("content-type", b"application/json")


def headers(event: LogEvent) -> Headers:
    """Give the attributes of an event; the same event has the same ones. What is empty is left out.

    Runs for each event on its way: what could be a loop is written out.
    """
    found = [
        _VERSION,
        ("ce_id", event.event_id.encode()),
        _SOURCE,
        ("ce_type", event.type.encode()),
        ("ce_subject", b"order/" + event.order_id.encode()),
        ("ce_time", event.occurred_at.encode()),
        _CONTENT,
        ("ce_sequence", b"%d" % event.sequence),
        ("ce_wmswarehouseid", event.warehouse_id.encode()),
    ]
    if event.correlation_id:
        found.append(("ce_wmscorrelationid", event.correlation_id.encode()))
    if event.wave_number:
        found.append(("ce_wmswavenumber", event.wave_number.encode()))
    if event.workflow_id:
        found.append(("ce_wmsworkflowid", event.workflow_id.encode()))
    if event.traceparent:
        traceparent = event.traceparent.encode()
        found += [("ce_traceparent", traceparent), ("traceparent", traceparent)]
    return found
