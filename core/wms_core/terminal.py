"""Standard output on any terminal: a character that its encoding lacks is replaced.

A command that has changed something must not end with an error because a name can't be printed.
"""

import codecs
import io
import sys

#: Signs of our own in plain characters; every other character becomes a question mark.
_PLAIN = {"→": "->", "·": "-", "━": "-", "█": "#", "…": "..."}
_REPLACE = "wms-replace"


def replace_unprintable() -> None:
    """Make standard output replace what it can't encode, as standard error does from the start."""
    codecs.register_error(_REPLACE, _replacement)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=_REPLACE)


def _replacement(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in lacking), error.end
