"""The environment variables, from the settings of each process.

This module does not import server and worker: they publish their settings with an entry point.
"""

from importlib.metadata import entry_points

from pydantic.fields import FieldInfo

from wms_core.config.config_command import SETTINGS_ENTRY_POINT_GROUP
from wms_core.config.config_command import format_default as default_text
from wms_core.config.secret_files import get_file_variable, is_secret
from wms_core.config.settings import CoreSettings
from wms_dev.docs_generator.generated_part import format_table


def render_generated_part() -> str:
    """Return the generated part of docs/guides/configuration.md."""
    common = CoreSettings.model_fields
    sections = [("Every process", format_variables(CoreSettings, excluded_names=()))]
    sections += [
        (entry.name.capitalize(), format_variables(entry.load(), excluded_names=tuple(common)))
        for entry in sorted(entry_points(group=SETTINGS_ENTRY_POINT_GROUP))
    ]
    return "\n\n".join(f"## {title}\n\n{table}" for title, table in sections)


def format_variables(kind: type[CoreSettings], *, excluded_names: tuple[str, ...]) -> str:
    """Return a table of a process's variables: name, default, meaning."""
    rows = [
        (f"`{name.upper()}`", format_default(field), format_meaning(name, field))
        for name, field in kind.model_fields.items()
        if name not in excluded_names
    ]
    return format_table(("Variable", "Default", "Meaning"), rows)


def format_meaning(name: str, field: FieldInfo) -> str:
    """Return the meaning of a variable, and for a secret the variable of its file."""
    description = field.description or ""
    return (
        f"{description} Secret; or in the file `{get_file_variable(name)}`."
        if is_secret(field)
        else description
    )


def format_default(field: FieldInfo) -> str:
    """Return a default in the form of the environment."""
    if field.default_factory is not None:
        return "generated at the start"
    if field.is_required():
        return "**required**"
    text = default_text(field)
    return f"`{text}`" if text else "none"
