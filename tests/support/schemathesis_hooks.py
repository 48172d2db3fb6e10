"""What schemathesis takes for a fault and is none: it reads this itself, in a process of its own."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext


@schemathesis.hook
def filter_failure(_: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Keep a failure unless the request was accepted as another form of proto JSON, or refused in a batch."""
    if not isinstance(failure, AcceptedNegativeData):
        return True
    return not (is_other_form(_faults(case)) or _is_refused_in_batch(response))


def _faults(case: Case[Any]) -> list[Any]:
    """Give what is wrong with a body by the document."""
    document: Any = case.operation.schema.raw_schema
    operation = document["paths"][case.operation.path][case.operation.method]
    if "requestBody" not in operation or isinstance(case.body, bytes):
        return []
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    return list(Draft202012Validator(whole).iter_errors(case.body))


def is_other_form(faults: Iterable[Any]) -> bool:
    """Say whether all of it is null in place of nothing, or a number in place of a word or of text.

    docs/http.md says that these are read; to say it of every field would make the document unreadable.
    """
    found = list(faults)
    return bool(found) and all(_is_form(fault) for fault in found)


def _is_form(fault: Any) -> bool:
    if fault.context:
        branches = groupby(fault.context, key=lambda inner: inner.schema_path[0])
        return any(is_other_form(inner) for _, inner in branches)
    expects_text = fault.validator == "enum" or (fault.validator, fault.validator_value) == ("type", "string")
    return fault.instance is None or (type(fault.instance) is int and expects_text)


def _is_refused_in_batch(response: Response) -> bool:
    """Say whether it is an answer of 200 in which each request has one of its own, and one is refused."""
    body = json.loads(response.content)
    return any("status" in result for result in body.get("results", ()))
