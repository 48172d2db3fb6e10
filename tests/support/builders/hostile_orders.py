"""Lines of an order file that are no valid orders."""

import json

_ORDER = json.dumps(
    {
        "customerId": "VINET",
        "priority": "standard",
        "items": [{"sku": "NW-001", "quantity": 3, "unitPrice": 9.8}],
        "shippingAddress": {"street": "a", "city": "b", "country": "FR"},
    }
)


def _replace_in_order(replaced_part: str, replacement_text: str) -> bytes:
    """Return the line of an order with one part of it replaced."""
    assert replaced_part in _ORDER
    return _ORDER.replace(replaced_part, replacement_text).encode()


#: The lines by their error.
HOSTILE_LINES = {
    "price: an exponent of twenty digits": _replace_in_order("9.8", "1e99999999999999999999"),
    "price: an exponent of a million": _replace_in_order("9.8", "1e1000000"),
    "price: a negative exponent of a million": _replace_in_order("9.8", "1e-1000000"),
    "price: five thousand digits": _replace_in_order("9.8", "1" * 5000),
    "price: too many digits after the point": _replace_in_order("9.8", "123456789012345678.12345678904"),
    "price: NaN": _replace_in_order("9.8", "NaN"),
    "price: half a surrogate pair": _replace_in_order("9.8", r'"\ud800"'),
    "price: a currency of half a surrogate pair": _replace_in_order(
        "9.8", r'{"currencyCode": "\udfff", "units": "1"}'
    ),
    "price: lists in each other": _replace_in_order("9.8", "[" * 400 + "]" * 400),
    "quantity: beyond every number": _replace_in_order("3", "1e400"),
    "quantity: an exponent of twenty digits": _replace_in_order("3", "1e99999999999999999999"),
    "quantity: five thousand digits": _replace_in_order("3", "1" * 5000),
    "quantity: Infinity": _replace_in_order("3", "-Infinity"),
    "quantity: a fraction": _replace_in_order("3", "1.5"),
    "priority: half a surrogate pair": _replace_in_order("standard", r"\udc00"),
    "priority: beyond every number": _replace_in_order('"standard"', "1e99999999999999999999"),
    "priority: a fraction": _replace_in_order('"standard"', "1.5"),
    "priority: a list": _replace_in_order('"standard"', "[]"),
    "name of a field: half a surrogate pair": _replace_in_order("customerId", r"\ud800"),
    "text: half a surrogate pair": _replace_in_order("VINET", r"\ud83d"),
    "text: a NUL": _replace_in_order("VINET", r"\u0000"),
    "text: not UTF-8": _ORDER.encode().replace(b"VINET", b"\xff"),
    "text: a surrogate pair in UTF-8": _ORDER.encode().replace(b"VINET", b"\xed\xa0\xbd\xed\xb8\x80"),
    "time: no date": _replace_in_order(
        '"priority"', '"promisedDeliveryAt": "9999-99-99T00:00:00Z", "priority"'
    ),
    "time: a number": _replace_in_order('"priority"', '"promisedDeliveryAt": 1e999, "priority"'),
    "lists in each other without an end": _replace_in_order("9.8", "[" * 200_000),
    "objects in each other": b'{"items":' * 2000 + b"1" + b"}" * 2000,
    "a name twice": _replace_in_order('"priority"', '"priority": "standard", "priority"'),
    "a name twice, after 50,000 others": (
        "{" + "".join(f'"k{number}":1,' for number in range(50_000)) + '"k49999":1}'
    ).encode(),
    "something after the order": _ORDER.encode() + b" {}",
    "no object": b"null",
}
