"""The partition of a key is the one that Kafka's own clients choose."""

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as some

from wms_worker.partitions import key_hash


@pytest.mark.parametrize(
    ("key", "murmur"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_the_hash_is_that_of_the_java_client(key: str, murmur: int) -> None:
    """By the values that Kafka's own tests expect, made positive as its partitioner does."""
    assert key_hash(key) == murmur & 0x7FFFFFFF


@given(some.text(max_size=60))
def test_the_hash_is_that_of_aiokafka(key: str) -> None:
    """Of any key."""
    assert key_hash(key) == murmur2(key.encode()) & 0x7FFFFFFF
