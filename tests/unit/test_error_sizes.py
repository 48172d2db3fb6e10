"""Every error, with texts that are as long as anybody likes, in the trailers that clients take by default."""

import string
from base64 import b64encode
from urllib.parse import quote

import pytest

from wms_core.domain import errors
from wms_core.domain.errors import FieldFault, InvalidFields, WmsError
from wms_server.errors import MAX_STATUS_BYTES, status_of
from wms_server.http import refusals

#: grpc-java and gRPC's core take so many bytes of metadata by default, each with 32 for itself.
_TRAILERS_BYTES = 8 * 1024
_TEXTS = ["x" * 10_000, "界" * 10_000, "%\n" * 5_000, "😀" * 2_000]


def _kinds(kind: type[WmsError]) -> list[type[WmsError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _kinds(child))]


def _with(kind: type[WmsError], text: str) -> WmsError:
    if issubclass(kind, InvalidFields):
        return InvalidFields([FieldFault(text, text, "string.plain_text")] * 100, 900)
    if kind is errors.WorkloadOverloaded:
        return errors.WorkloadOverloaded(text, 1)
    if kind is refusals.PathNotFound:
        return refusals.PathNotFound(text, text)
    if kind is refusals.BrokenJson:
        return refusals.BrokenJson(text, 1, 1)
    names = [name for _, name, _, _ in string.Formatter().parse(kind.__doc__ or "") if name]
    return kind(**dict.fromkeys(names, text), further=text)


def _trailers_bytes(error: WmsError) -> int:
    status = status_of(error)
    trailers = {
        ":status": "200",
        "content-type": "application/grpc",
        "grpc-status": "13",
        "grpc-message": quote(status.message, safe="!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~ "),
        "grpc-status-details-bin": b64encode(status.SerializeToString()).decode(),
        "x-wms-correlation-id": "x" * 256,
    }
    return sum(len(name) + len(value) + 32 for name, value in trailers.items())


@pytest.mark.parametrize("kind", _kinds(WmsError), ids=lambda kind: kind.__name__)
def test_every_error_fits_into_the_trailers(kind: type[WmsError]) -> None:
    """With its code, its reason and as much of its texts as there is room for."""
    assert errors.InvalidFields in _kinds(WmsError)
    for text in _TEXTS:
        error = _with(kind, text)
        assert status_of(error).ByteSize() <= MAX_STATUS_BYTES
        assert _trailers_bytes(error) <= _TRAILERS_BYTES
        assert status_of(error).details


@pytest.mark.parametrize("limit", [400, 1_000, MAX_STATUS_BYTES])
def test_an_error_within_an_answer_has_the_size_that_is_asked_for(limit: int) -> None:
    """The number of faults is told whatever the size."""
    faults = [
        FieldFault(f"items[{number}].sku", "must not be blank", "string.filled_text") for number in range(100)
    ]
    status = status_of(InvalidFields(faults, 23), limit)
    assert status.ByteSize() <= limit
    assert "more faults" in str(status) or limit > 1_000
