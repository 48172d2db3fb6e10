"""Enum values as JSON writes them: short lower-case words without the enum's own name."""

from functools import cache

from google.protobuf.descriptor import EnumDescriptor

#: Words that the Order Service document uses for values that have another name here.
_ALIASES = {"wms.orders.v1.OrderStatus": {"shipping": "packing"}}
UNSPECIFIED = "unspecified"


@cache
def words_of(enum: EnumDescriptor) -> dict[int, str]:
    """Give the word of each number."""
    prefix = enum.values_by_number[0].name.removesuffix(UNSPECIFIED.upper())
    return {value.number: value.name.removeprefix(prefix).lower() for value in enum.values}


@cache
def numbers_of(enum: EnumDescriptor) -> dict[str, int]:
    """Give the number of everything that is understood: words, the document's, and the contract's names."""
    numbers = {word: number for number, word in words_of(enum).items()}
    also = {alias: numbers[word] for alias, word in _ALIASES.get(enum.full_name, {}).items()}
    return {**{value.name: value.number for value in enum.values}, **numbers, **also}


@cache
def allowed_words(enum: EnumDescriptor) -> str:
    """Name the words that a caller may choose from."""
    return ", ".join(word for number, word in words_of(enum).items() if number)
