"""The walk over the bytes of a request: what it counts, and what it can't be deceived with."""

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from tests.support.raw import field, varint
from tests.support.requests import create_order, item
from wms.orders.v1 import orders_pb2
from wms_core.domain.errors import InvalidFields, MalformedMessage, WmsError
from wms_server.request_limits import MAX_ELEMENTS, check_elements, list_faults

_BATCH = orders_pb2.BatchCreateOrdersRequest
_ORDER = orders_pb2.CreateOrderRequest
#: So long that it is walked over.
_UNKNOWN = field(99, b"x" * MAX_ELEMENTS)


def _check(raw: bytes, kind: type[_BATCH | _ORDER] = _BATCH) -> None:
    check_elements(kind.DESCRIPTOR, raw)


def _fault(raw: bytes, kind: type[_BATCH | _ORDER] = _BATCH) -> tuple[str, str]:
    with pytest.raises(InvalidFields) as caught:
        _check(raw, kind)
    (fault,) = caught.value.faults
    return fault.field, fault.rule


def _batch(orders: int, lines: int) -> bytes:
    order = create_order(items=[item() for _ in range(lines)])
    return _BATCH(requests=[order] * orders).SerializeToString()


def test_the_largest_batch_passes_and_no_larger_one() -> None:
    """500 orders with 12,000 lines; the elements of elements count."""
    _check(_batch(500, 24))
    assert _fault(_batch(500, 25)) == ("requests", "message.max_elements")


def test_a_list_that_is_too_long_by_itself_is_named() -> None:
    """With the limit of the contract."""
    assert _fault(field(3, b"") * 20_000, _ORDER) == ("items", "repeated.max_items")
    assert _fault(field(1, b"") * 20_000) == ("requests", "repeated.max_items")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x0a\x05abc" + _UNKNOWN[:-1],
        _UNKNOWN + b"\x0a",
        _UNKNOWN + b"\x0a\xff",
        _UNKNOWN + b"\xff" * 20,
        _UNKNOWN + varint(99 << 3) + b"\xff" * 20,
        _UNKNOWN + b"\x0e",
        _UNKNOWN + field(1, b"\x1a\x05ab"),
        b"\x0a" + varint(2**40) + _UNKNOWN,
    ],
    ids=["cut", "no length", "half a length", "tag", "number", "wire type", "within", "length"],
)
def test_what_is_cut_off_is_malformed(raw: bytes) -> None:
    """And not passed over, as a decoder may have gone on."""
    with pytest.raises(MalformedMessage):
        _check(raw)


@pytest.mark.parametrize(
    "raw",
    [
        varint(98 << 3) + b"\x00",
        b"".join(varint(98 << 3 | kind) for kind in (3, 4)),
        field(98, b"\x00" * 100),
        varint(98 << 3 | 1) + b"\x00" * 8,
        varint(98 << 3 | 5) + b"\x00" * 4,
    ],
    ids=["numbers", "groups", "texts", "fixed64", "fixed32"],
)
def test_fields_that_are_not_known_are_passed_over_up_to_a_bound(raw: bytes) -> None:
    """A later contract may have some; nobody sends them by the ten thousand."""
    _check(_UNKNOWN + raw * 5_000)
    assert _fault(_UNKNOWN + raw * 60_000)[1] == "message.max_elements"
    # What comes behind them is counted.
    assert _fault(_UNKNOWN + raw * 5_000 + field(1, b"") * 20_000)[1] == "repeated.max_items"


def test_packed_numbers_count_by_their_bytes() -> None:
    """One tag may bring many."""
    statuses = field(1, b"\x01" * 20_000)
    with pytest.raises(InvalidFields) as caught:
        check_elements(orders_pb2.ListOrdersRequest.DESCRIPTOR, statuses)
    assert caught.value.faults[0].field == "statuses"


@given(st.binary(max_size=60), st.integers(0, 60))
def test_no_bytes_break_it(noise: bytes, at: int) -> None:
    """Whatever a decoder takes passes, or has too much; what does not pass is an error of the contract."""
    whole = _batch(2, 2)
    raw = whole[:at] + noise + whole[at:] + _UNKNOWN
    try:
        _check(raw)
    except MalformedMessage:
        with pytest.raises(DecodeError):
            _BATCH.FromString(raw)
    except WmsError:
        pass


def test_lists_of_a_decoded_message_are_named_by_their_place() -> None:
    """Only those that the contract judges there: elements of a batch are judged by themselves."""
    long = create_order(items=[item() for _ in range(501)])
    assert [fault.field for fault in list_faults(long, "order.")] == ["order.items"]
    assert list(list_faults(_BATCH(requests=[long]))) == []
    mask = orders_pb2.UpdateOrderRequest(order_id="A")
    mask.update_mask.paths.extend(["items"] * 101)
    assert [fault.field for fault in list_faults(mask)] == ["update_mask.paths"]
