"""The relay chooses the same partition for a key as Kafka's own clients."""

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as some

from wms_worker.relay.kafka_producer import hash_key


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
def test_hash_matches_the_java_client(key: str, murmur: int) -> None:
    """The expected values are those of Kafka's tests, made positive as by its partitioner."""
    assert hash_key(key) == murmur & 0x7FFFFFFF


@given(some.text(max_size=60))
def test_hash_matches_aiokafka(key: str) -> None:
    """The keys are arbitrary."""
    assert hash_key(key) == murmur2(key.encode()) & 0x7FFFFFFF
