"""Conditional requests by etag (RFC 9110 13.1).

For changes, the field `etag` of the request has the value of If-Match, and the transaction checks it. This
module checks the conditions of reads, and rejects conditions that a call does not support.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor

from wms_core.domain.errors import EtagMismatch
from wms_core.domain.orders.orders import parse_entity_tags
from wms_server.http.field_errors import FieldErrorCollector

IF_MATCH, IF_NONE_MATCH = "if-match", "if-none-match"
#: Matches any existing resource.
ANY_ETAG = "*"


def check_if_match(response_json: Any, headers: Mapping[str, str]) -> None:
    """Raise `EtagMismatch` when the resource read has none of the etags of If-Match."""
    if_match, current_etag = headers.get(IF_MATCH, ANY_ETAG), response_json.get("etag")
    if current_etag and if_match != ANY_ETAG and current_etag not in parse_entity_tags(if_match):
        raise EtagMismatch(order_id=response_json["orderId"], etag=current_etag)


def is_not_modified(response_json: Any, headers: Mapping[str, str]) -> bool:
    """Return whether the etag of the resource read is in If-None-Match, so that the client has it."""
    if_none_match, current_etag = headers.get(IF_NONE_MATCH, ""), response_json.get("etag")
    # Weak etags count: a proxy that compresses a response makes its etag weak.
    return bool(current_etag) and (
        if_none_match == ANY_ETAG
        or current_etag in [entity_tag.removeprefix("W/") for entity_tag in parse_entity_tags(if_none_match)]
    )


def reject_other_conditions(
    request_descriptor: Descriptor, headers: Mapping[str, str], error_collector: FieldErrorCollector
) -> None:
    """Add a field error for each condition that a change does not support."""
    if IF_NONE_MATCH in headers:
        error_collector.add(IF_NONE_MATCH, "is supported only for reads", "header.condition")
    if headers.get(IF_MATCH, ANY_ETAG) != ANY_ETAG and "etag" not in request_descriptor.fields_by_name:
        error_collector.add(
            IF_MATCH, "is not supported for this call: the changed resource has no etag", "header.condition"
        )
