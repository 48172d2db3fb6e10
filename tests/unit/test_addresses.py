"""Addresses to listen on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms_core.addresses import AddressError, listen_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8001", "[::]:8001"),
        ("127.0.0.1:8001", "127.0.0.1:8001"),
        ("[::1]:8001", "[::1]:8001"),
        ("orders.example:65535", "orders.example:65535"),
    ],
)
def test_an_address_is_host_and_port(text: str, address: str) -> None:
    """Without a host it is every interface, IPv4 and IPv6."""
    assert listen_address(text) == address


@pytest.mark.parametrize(
    "text", ["", ":", "8001", "localhost", "localhost:", ":0", ":65536", ":-1", ":٨", ":²"]
)
def test_anything_else_is_refused(text: str) -> None:
    """The error repeats the text, which is no secret, and says what is expected."""
    with pytest.raises(AddressError) as caught:
        listen_address(text)
    assert repr(text) in str(caught.value)
    assert "host:port" in str(caught.value)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """It gives an address with a port or says that it can't."""
    try:
        address = listen_address(text)
    except AddressError:
        return
    assert 0 < int(address.rpartition(":")[2]) < 65536
