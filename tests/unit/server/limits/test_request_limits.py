"""The element counter over the bytes of a request: its limits, and malformed input."""

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders.requests import create_order, item
from tests.support.clients.raw_calls import encode_field, encode_varint

from wms.orders.v1 import orders_pb2
from wms_core.domain.errors import InvalidFields, MalformedMessage, WmsError
from wms_server.limits.request_limits import MAX_ELEMENTS, check_elements, find_list_errors

_BATCH = orders_pb2.BatchCreateOrdersRequest
_ORDER = orders_pb2.CreateOrderRequest
#: Long enough for the counter to run.
_UNKNOWN = encode_field(99, b"x" * MAX_ELEMENTS)


def _check(raw: bytes, kind: type[_BATCH | _ORDER] = _BATCH) -> None:
    check_elements(kind.DESCRIPTOR, raw)


def _field_error(raw: bytes, kind: type[_BATCH | _ORDER] = _BATCH) -> tuple[str, str]:
    with pytest.raises(InvalidFields) as caught:
        _check(raw, kind)
    (error,) = caught.value.field_errors
    return error.field, error.rule_name


def _batch(orders: int, lines: int) -> bytes:
    order = create_order(items=[item() for _ in range(lines)])
    return _BATCH(requests=[order] * orders).SerializeToString()


def test_largest_batch_is_accepted_and_a_larger_one_is_rejected() -> None:
    """It has 500 orders with 12,000 lines. Nested elements count."""
    _check(_batch(500, 24))
    assert _field_error(_batch(500, 25)) == ("requests", "message.max_elements")


def test_too_long_list_is_reported() -> None:
    """The limit is the one of the contract."""
    assert _field_error(encode_field(3, b"") * 20_000, _ORDER) == ("items", "repeated.max_items")
    assert _field_error(encode_field(1, b"") * 20_000) == ("requests", "repeated.max_items")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x0a\x05abc" + _UNKNOWN[:-1],
        _UNKNOWN + b"\x0a",
        _UNKNOWN + b"\x0a\xff",
        _UNKNOWN + b"\xff" * 20,
        _UNKNOWN + encode_varint(99 << 3) + b"\xff" * 20,
        _UNKNOWN + b"\x0e",
        _UNKNOWN + encode_field(1, b"\x1a\x05ab"),
        b"\x0a" + encode_varint(2**40) + _UNKNOWN,
    ],
    ids=["cut", "no length", "half a length", "tag", "number", "wire type", "within", "length"],
)
def test_truncated_message_is_malformed(raw: bytes) -> None:
    """It is not skipped, because a decoder might continue."""
    with pytest.raises(MalformedMessage):
        _check(raw)


@pytest.mark.parametrize(
    "raw",
    [
        encode_varint(98 << 3) + b"\x00",
        b"".join(encode_varint(98 << 3 | kind) for kind in (3, 4)),
        encode_field(98, b"\x00" * 100),
        encode_varint(98 << 3 | 1) + b"\x00" * 8,
        encode_varint(98 << 3 | 5) + b"\x00" * 4,
    ],
    ids=["numbers", "groups", "texts", "fixed64", "fixed32"],
)
def test_unknown_fields_are_skipped_up_to_a_limit(raw: bytes) -> None:
    """A later contract may have a few of them, but not tens of thousands."""
    _check(_UNKNOWN + raw * 5_000)
    assert _field_error(_UNKNOWN + raw * 60_000)[1] == "message.max_elements"
    # Elements after unknown fields are counted.
    assert _field_error(_UNKNOWN + raw * 5_000 + encode_field(1, b"") * 20_000)[1] == "repeated.max_items"


def test_packed_numbers_are_counted_by_their_bytes() -> None:
    """One tag may contain many numbers."""
    statuses = encode_field(1, b"\x01" * 20_000)
    with pytest.raises(InvalidFields) as caught:
        check_elements(orders_pb2.ListOrdersRequest.DESCRIPTOR, statuses)
    assert caught.value.field_errors[0].field == "statuses"


@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_are_handled(noise: bytes, position: int) -> None:
    """Decodable bytes are accepted or exceed a limit. All others cause an error of the contract."""
    valid = _batch(2, 2)
    raw = valid[:position] + noise + valid[position:] + _UNKNOWN
    try:
        _check(raw)
    except MalformedMessage:
        with pytest.raises(DecodeError):
            _BATCH.FromString(raw)
    except WmsError:
        pass


def test_lists_of_a_decoded_message_are_reported_with_their_path() -> None:
    """Elements of a batch are not included, because they are validated separately."""
    long_order = create_order(items=[item() for _ in range(501)])
    assert [error.field for error in find_list_errors(long_order, "order.")] == ["order.items"]
    assert list(find_list_errors(_BATCH(requests=[long_order]))) == []
    update = orders_pb2.UpdateOrderRequest(order_id="A")
    update.update_mask.paths.extend(["items"] * 101)
    assert [error.field for error in find_list_errors(update)] == ["update_mask.paths"]
