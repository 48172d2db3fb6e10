"""Whether what a page shows is what comes."""

import json
import re
from typing import Any

_DURATION = re.compile(r"\b\d[\d.]* (?:ms|s|min|h|d)\b")
_WORD = re.compile(r"exit code \d+|[^\W_](?:[\w.'-]*\w)?")


def missing(shown: str, language: str, printed: str) -> str:
    """Give the first line of what a page shows that was not printed, or what differs; empty when none is.

    Of a line the words count that have no digit, in their order: ids, times and measures are another time
    others; an exit code has to be the same. A line of dots stands for any lines. JSON has to be the same,
    whatever its layout.
    """
    if language == "json":
        return _different(json.loads(shown), printed)
    lines = iter(printed.splitlines())
    for line in shown.splitlines():
        wanted = words(line)
        if wanted and not any(_within(wanted, words(found)) for found in lines):
            return line
    return ""


def words(text: str) -> list[str]:
    """Give the words of a text that are the same each time."""
    found = _WORD.findall(_DURATION.sub("", text))
    return [word for word in found if word.startswith("exit code") or not re.search(r"\d", word)]


def _within(wanted: list[str], found: list[str]) -> bool:
    rest = iter(found)
    return all(word in rest for word in wanted)


def _different(shown: Any, printed: str) -> str:
    try:
        found = json.loads(printed)
    except json.JSONDecodeError:
        return f"no JSON: {printed}"
    return "" if found == shown else f"instead came {json.dumps(found)}"
