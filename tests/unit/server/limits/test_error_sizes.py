"""Every error, with texts of any length, fits into the trailers that clients accept by default."""

import string
from base64 import b64encode
from urllib.parse import quote

import pytest

from wms_core.domain import errors
from wms_core.domain.errors import FieldError, InvalidFields, WmsError
from wms_server.calls.error_status import MAX_STATUS_BYTES, to_status
from wms_server.http import responses

#: The default limit of grpc-java and gRPC's core for metadata, with 32 bytes of overhead for each entry.
_TRAILERS_BYTES = 8 * 1024
_TEXTS = ["x" * 10_000, "界" * 10_000, "%\n" * 5_000, "😀" * 2_000]


def _list_error_types(kind: type[WmsError]) -> list[type[WmsError]]:
    return [kind, *(subtype for child in kind.__subclasses__() for subtype in _list_error_types(child))]


def _create_error(kind: type[WmsError], text: str) -> WmsError:
    if issubclass(kind, InvalidFields):
        return InvalidFields([FieldError(text, text, "string.plain_text")] * 100, 900)
    if kind is errors.WorkloadOverloaded:
        return errors.WorkloadOverloaded(text, 1)
    if kind is responses.PathNotFound:
        return responses.PathNotFound(text, text)
    if kind is responses.BrokenJson:
        return responses.BrokenJson(text, 1, 1)
    names = [name for _, name, _, _ in string.Formatter().parse(kind.__doc__ or "") if name]
    return kind(**dict.fromkeys(names, text), further=text)


def _count_trailer_bytes(error: WmsError) -> int:
    status = to_status(error)
    trailers = {
        ":status": "200",
        "content-type": "application/grpc",
        "grpc-status": "13",
        "grpc-message": quote(status.message, safe="!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~ "),
        "grpc-status-details-bin": b64encode(status.SerializeToString()).decode(),
        "x-wms-correlation-id": "x" * 256,
    }
    return sum(len(name) + len(value) + 32 for name, value in trailers.items())


@pytest.mark.parametrize("kind", _list_error_types(WmsError), ids=lambda kind: kind.__name__)
def test_every_error_fits_into_the_trailers(kind: type[WmsError]) -> None:
    """The error keeps its code, its reason and as much of its texts as possible."""
    assert errors.InvalidFields in _list_error_types(WmsError)
    for text in _TEXTS:
        error = _create_error(kind, text)
        assert to_status(error).ByteSize() <= MAX_STATUS_BYTES
        assert _count_trailer_bytes(error) <= _TRAILERS_BYTES
        assert to_status(error).details


@pytest.mark.parametrize("limit", [400, 1_000, MAX_STATUS_BYTES])
def test_error_in_a_response_keeps_the_requested_limit(limit: int) -> None:
    """The number of field errors is reported at any size."""
    field_errors = [
        FieldError(f"items[{number}].sku", "must not be blank", "string.filled_text") for number in range(100)
    ]
    status = to_status(InvalidFields(field_errors, 23), limit)
    assert status.ByteSize() <= limit
    assert "more errors" in str(status) or limit > 1_000
