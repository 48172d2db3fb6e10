"""The functions, triggers and views of the database, with their purpose and current text."""

import re
from itertools import groupby

from wms_core.postgres.definitions import SchemaDefinition, read_definitions

_COMMENT = re.compile(r"\A((?:--.*\n)+)")
_SOURCE = "../../core/wms_core/postgres/definitions"


def render_generated_part() -> str:
    """Return the generated part of docs/reference/functions.md."""
    sections = []
    for folder, files in groupby(read_definitions(), lambda definition: definition.name.partition("/")[0]):
        sections.append(f"## {folder.capitalize()}")
        sections += [_render_section(file) for file in files]
    return "\n\n".join(sections)


def _render_section(definition: SchemaDefinition) -> str:
    name = definition.name.partition("/")[2]
    comment = _COMMENT.match(definition.sql_text)
    purpose = re.sub(r"^-- ?", "", comment.group(1), flags=re.MULTILINE).strip() if comment else ""
    text = definition.sql_text.removeprefix(comment.group(1) if comment else "").strip()
    return f"### [{name}]({_SOURCE}/{definition.name}.sql)\n\n{purpose}\n\n```sql\n{text}\n```"
