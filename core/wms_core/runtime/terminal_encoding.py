"""Standard output on any terminal: characters that its encoding lacks are replaced.

A command that has changed data must not end with an error because a name cannot be printed.
"""

import codecs
import io
import sys

#: ASCII forms of the product's own symbols; all other characters become a question mark.
_PLAIN_CHARACTERS = {"→": "->", "·": "-", "━": "-", "█": "#", "…": "..."}
_ERROR_HANDLER_NAME = "wms-replace"


def replace_unprintable() -> None:
    """Make standard output replace unencodable characters, as standard error does by default."""
    codecs.register_error(_ERROR_HANDLER_NAME, _replace_characters)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=_ERROR_HANDLER_NAME)


def _replace_characters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unprintable_text = error.object[error.start : error.end]
    return "".join(
        _PLAIN_CHARACTERS.get(source_character, "?") for source_character in unprintable_text
    ), error.end
