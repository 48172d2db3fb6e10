"""Lines of a file of orders that no order can be read from, each a case that a real file had."""

import json

_ORDER = json.dumps(
    {
        "customerId": "VINET",
        "priority": "standard",
        "items": [{"sku": "NW-001", "quantity": 3, "unitPrice": 9.8}],
        "shippingAddress": {"street": "a", "city": "b", "country": "FR"},
    }
)


def _with(part: str, other: str) -> bytes:
    """Return the line of an order with one part of it replaced."""
    assert part in _ORDER
    return _ORDER.replace(part, other).encode()


#: By what is wrong with them.
HOSTILE_LINES = {
    "price: an exponent of twenty digits": _with("9.8", "1e99999999999999999999"),
    "price: an exponent of a million": _with("9.8", "1e1000000"),
    "price: a negative exponent of a million": _with("9.8", "1e-1000000"),
    "price: five thousand digits": _with("9.8", "1" * 5000),
    "price: too many digits after the point": _with("9.8", "123456789012345678.12345678904"),
    "price: NaN": _with("9.8", "NaN"),
    "price: half a surrogate pair": _with("9.8", r'"\ud800"'),
    "price: a currency of half a surrogate pair": _with("9.8", r'{"currencyCode": "\udfff", "units": "1"}'),
    "price: lists in each other": _with("9.8", "[" * 400 + "]" * 400),
    "quantity: beyond every number": _with("3", "1e400"),
    "quantity: an exponent of twenty digits": _with("3", "1e99999999999999999999"),
    "quantity: five thousand digits": _with("3", "1" * 5000),
    "quantity: Infinity": _with("3", "-Infinity"),
    "quantity: a fraction": _with("3", "1.5"),
    "priority: half a surrogate pair": _with("standard", r"\udc00"),
    "priority: beyond every number": _with('"standard"', "1e99999999999999999999"),
    "priority: a fraction": _with('"standard"', "1.5"),
    "priority: a list": _with('"standard"', "[]"),
    "name of a field: half a surrogate pair": _with("customerId", r"\ud800"),
    "text: half a surrogate pair": _with("VINET", r"\ud83d"),
    "text: a NUL": _with("VINET", r"\u0000"),
    "text: not UTF-8": _ORDER.encode().replace(b"VINET", b"\xff"),
    "text: a surrogate pair in UTF-8": _ORDER.encode().replace(b"VINET", b"\xed\xa0\xbd\xed\xb8\x80"),
    "time: no date": _with('"priority"', '"promisedDeliveryAt": "9999-99-99T00:00:00Z", "priority"'),
    "time: a number": _with('"priority"', '"promisedDeliveryAt": 1e999, "priority"'),
    "lists in each other without an end": _with("9.8", "[" * 200_000),
    "objects in each other": b'{"items":' * 2000 + b"1" + b"}" * 2000,
    "a name twice": _with('"priority"', '"priority": "standard", "priority"'),
    "a name twice, after 50,000 others": (
        "{" + "".join(f'"k{number}":1,' for number in range(50_000)) + '"k49999":1}'
    ).encode(),
    "something after the order": _ORDER.encode() + b" {}",
    "no object": b"null",
}
