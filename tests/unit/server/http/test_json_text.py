"""Limits of the JSON parser."""

import json

import pytest

from wms_core.domain.errors import InvalidFields
from wms_server.http.json_parser import parse_json

_MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("element", ["{}", "[]", "1", "1.5", '"ab"', '{"a":1}', "[{}]", '["",1]'])
def test_text_with_too_many_small_values_is_rejected(element: str) -> None:
    """Each value takes more than twenty times its bytes in memory."""
    count = 4 * _MEBIBYTE // (len(element) + 1)
    raw = ("[" + ",".join([element] * count) + "]").encode()
    with pytest.raises(InvalidFields) as caught:
        parse_json(raw)
    assert [error.field for error in caught.value.field_errors] == ["body"]


def test_largest_batch_is_parsed() -> None:
    """It has 500 orders with 12,000 lines, each with a price."""
    price = {"currencyCode": "USD", "units": "29", "nanos": 990_000_000}
    order = {"customerId": "C", "items": [{"sku": 'a "b" [c]', "quantity": 1, "unitPrice": price}] * 24}
    raw = json.dumps({"requests": [order] * 500}).encode()
    assert len(parse_json(raw)["requests"]) == 500
