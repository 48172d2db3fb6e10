"""Conditions of a request by etags (RFC 9110 13.1).

A change on the condition of If-Match is held to it in its own transaction, by the field `etag` of its
request; here are the conditions of reading, and those that no call can be held to.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor

from wms_core.domain.errors import EtagMismatch
from wms_core.domain.orders import entity_tags
from wms_server.http.faults import Faults

IF_MATCH, IF_NONE_MATCH = "if-match", "if-none-match"
#: The condition that there is something at all.
ANY = "*"


def expect_match(answer: Any, headers: Mapping[str, str]) -> None:
    """Raise EtagMismatch when what was read has none of the etags of If-Match."""
    given, etag = headers.get(IF_MATCH, ANY), answer.get("etag")
    if etag and given != ANY and etag not in entity_tags(given):
        raise EtagMismatch(order_id=answer["orderId"], etag=etag)


def is_known(answer: Any, headers: Mapping[str, str]) -> bool:
    """Say whether what was read has one of the etags of If-None-Match, so that the caller has it already."""
    given, etag = headers.get(IF_NONE_MATCH, ""), answer.get("etag")
    # Weak ones count: a proxy that compresses an answer makes its etag weak.
    return bool(etag) and (given == ANY or etag in [tag.removeprefix("W/") for tag in entity_tags(given)])


def refuse_other_conditions(request: Descriptor, headers: Mapping[str, str], faults: Faults) -> None:
    """Add a fault for each condition of a change that would not be held to."""
    if IF_NONE_MATCH in headers:
        faults.add(IF_NONE_MATCH, "holds for reading only", "header.condition")
    if headers.get(IF_MATCH, ANY) != ANY and "etag" not in request.fields_by_name:
        faults.add(IF_MATCH, "does not hold for this call: what it changes has no etag", "header.condition")
