"""The variables of the environment, from the settings of each process.

Nothing here imports server or worker: they name their settings by an entry point, as they do their commands.
"""

from importlib.metadata import entry_points

from pydantic.fields import FieldInfo

from wms_core.configuration import GROUP
from wms_core.configuration import default_of as default_text
from wms_core.secret_files import file_variable, is_secret
from wms_core.settings import CoreSettings
from wms_dev.documents.marked import table


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
    if field.is_required():
        return "**required**"
    text = default_text(field)
    return f"`{text}`" if text else "none"
