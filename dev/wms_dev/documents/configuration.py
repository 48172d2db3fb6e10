"""The variables of the environment, from the settings of each process.

Nothing here imports server or worker: they name their settings by an entry point, as they do their commands.
"""

from datetime import timedelta
from importlib.metadata import entry_points

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from wms_core.secret_files import file_variable, is_secret
from wms_core.settings import CoreSettings
from wms_dev.documents.marked import table

GROUP = "wms_orders.settings"
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def part() -> str:
    """Give the generated part of docs/configuration.md."""
    common = CoreSettings.model_fields
    found = [("Every process", variables(CoreSettings, without=()))]
    found += [
        (entry.name.capitalize(), variables(entry.load(), without=tuple(common)))
        for entry in sorted(entry_points(group=GROUP))
    ]
    return "\n\n".join(f"## {title}\n\n{listed}" for title, listed in found)


def variables(kind: type[CoreSettings], *, without: tuple[str, ...]) -> str:
    """List the variables of a process: name, default, meaning."""
    rows = [
        (f"`{name.upper()}`", default_of(field), meaning(name, field))
        for name, field in kind.model_fields.items()
        if name not in without
    ]
    return table(("Variable", "Default", "Meaning"), rows)


def meaning(name: str, field: FieldInfo) -> str:
    """Say what a variable means, and of a secret where else it may be."""
    told = field.description or ""
    return f"{told} Secret; or in the file `{file_variable(name)}`." if is_secret(field) else told


def default_of(field: FieldInfo) -> str:
    """Write a default as the environment would."""
    if field.default_factory is not None:
        return "made at the start"
    default = field.default
    if default is PydanticUndefined or isinstance(default, SecretStr):
        return "**required**"
    if default is None or default == "":
        return "none"
    if isinstance(default, timedelta):
        return f"`{duration_text(default)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"


def duration_text(value: timedelta) -> str:
    """Write a duration in the largest unit that it is a whole number of."""
    seconds = value.total_seconds()
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds * 1000:g}ms" if seconds else "0"
