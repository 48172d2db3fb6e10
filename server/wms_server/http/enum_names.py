"""Names of enum values in JSON: lower case, without the prefix of the enum."""

from functools import cache

from google.protobuf.descriptor import EnumDescriptor

#: Names in the Order Service specification that differ from those of the contract.
_ENUM_ALIASES = {"wms.orders.v1.OrderStatus": {"shipping": "packing"}}
UNSPECIFIED_NAME = "unspecified"


@cache
def enum_names_of(enum_descriptor: EnumDescriptor) -> dict[int, str]:
    """Return the name of each number."""
    prefix = enum_descriptor.values_by_number[0].name.removesuffix(UNSPECIFIED_NAME.upper())
    return {value.number: value.name.removeprefix(prefix).lower() for value in enum_descriptor.values}


@cache
def enum_numbers_of(enum_descriptor: EnumDescriptor) -> dict[str, int]:
    """Return the number of each accepted name: JSON names, aliases of the specification, proto names."""
    numbers_by_name = {
        enum_name: enum_number for enum_number, enum_name in enum_names_of(enum_descriptor).items()
    }
    numbers_by_alias = {
        alias_name: numbers_by_name[enum_name]
        for alias_name, enum_name in _ENUM_ALIASES.get(enum_descriptor.full_name, {}).items()
    }
    return {
        **{value.name: value.number for value in enum_descriptor.values},
        **numbers_by_name,
        **numbers_by_alias,
    }


@cache
def allowed_values(enum_descriptor: EnumDescriptor) -> str:
    """Return the names that a caller may choose from, separated by commas."""
    return ", ".join(
        enum_name for enum_number, enum_name in enum_names_of(enum_descriptor).items() if enum_number
    )
