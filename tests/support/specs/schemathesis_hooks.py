"""Hooks that filter false failures of schemathesis, which loads this module in its own process."""

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
    """Return False for requests accepted as another form of proto JSON, or rejected within a batch."""
    if not isinstance(failure, AcceptedNegativeData):
        return True
    return not (is_accepted_form(_find_schema_errors(case)) or _is_rejected_in_batch(response))


def _find_schema_errors(case: Case[Any]) -> list[Any]:
    """Return the schema errors of a request body."""
    document: Any = case.operation.schema.raw_schema
    operation = document["paths"][case.operation.path][case.operation.method]
    if "requestBody" not in operation or isinstance(case.body, bytes):
        return []
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    body_schema = {**schema, "components": document["components"]}
    return list(Draft202012Validator(body_schema).iter_errors(case.body))


def is_accepted_form(schema_errors: Iterable[Any]) -> bool:
    """Return whether all errors are null for a missing value, or a number for an enum name or a text.

    docs/guides/http.md documents that these are accepted; in the schema of every field they would be noise.
    """
    all_errors = list(schema_errors)
    return bool(all_errors) and all(_is_accepted_error(schema_error) for schema_error in all_errors)


def _is_accepted_error(schema_error: Any) -> bool:
    if schema_error.context:
        branches = groupby(schema_error.context, key=lambda child_error: child_error.schema_path[0])
        return any(is_accepted_form(child_error) for _, child_error in branches)
    expects_text = schema_error.validator == "enum" or (
        schema_error.validator,
        schema_error.validator_value,
    ) == ("type", "string")
    return schema_error.instance is None or (type(schema_error.instance) is int and expects_text)


def _is_rejected_in_batch(response: Response) -> bool:
    """Return whether a batch response has status 200 and one of its results is an error."""
    body = json.loads(response.content)
    return any("status" in result for result in body.get("results", ()))
