"""Which partition an order's events are in: the one that Kafka's own clients choose for its key."""

import struct
from functools import lru_cache

_SEED, _MIX, _WORD = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF


@lru_cache(maxsize=65_536)
def key_hash(order_id: str) -> int:
    """Give the hash of a key as Kafka's Java client has it: murmur2, made positive."""
    key = order_id.encode()
    words = len(key) // 4
    mixed = _SEED ^ len(key)
    for word in struct.unpack_from(f"<{words}I", key):
        turned = word * _MIX & _WORD
        mixed = mixed * _MIX & _WORD ^ (turned ^ turned >> 24) * _MIX & _WORD
    rest = key[words * 4 :]
    if rest:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * _MIX & _WORD
    mixed = (mixed ^ mixed >> 13) * _MIX & _WORD
    return (mixed ^ mixed >> 15) & 0x7FFFFFFF
