"""Compare the output shown on a page with the real output."""

import json
import re
from typing import Any

_DURATION = re.compile(r"\b\d[\d.]* (?:ms|s|min|h|d)\b")
_WORD = re.compile(r"exit code \d+|[^\W_](?:[\w.'-]*\w)?")


def find_missing_output(expected_text: str, language: str, printed_text: str) -> str:
    """Return the first shown line that was not printed, or the difference; empty if all were printed.

    Lines match by their words without digits, in order, since ids, times and measurements vary; exit codes
    must be equal. A line of dots matches any lines. JSON must be equal, except for its layout.
    """
    if language == "json":
        return _describe_difference(json.loads(expected_text), printed_text)
    lines = iter(printed_text.splitlines())
    for line in expected_text.splitlines():
        expected_words = list_stable_words(line)
        if expected_words and not any(
            _contains_in_order(expected_words, list_stable_words(printed_line)) for printed_line in lines
        ):
            return line
    return ""


def list_stable_words(text: str) -> list[str]:
    """Return the words of a text that do not vary between runs."""
    all_words = _WORD.findall(_DURATION.sub("", text))
    return [word for word in all_words if word.startswith("exit code") or not re.search(r"\d", word)]


def _contains_in_order(expected_words: list[str], printed_words: list[str]) -> bool:
    remaining_words = iter(printed_words)
    return all(word in remaining_words for word in expected_words)


def _describe_difference(expected_json: Any, printed_text: str) -> str:
    try:
        printed_json = json.loads(printed_text)
    except json.JSONDecodeError:
        return f"not JSON: {printed_text}"
    return "" if printed_json == expected_json else f"printed instead: {json.dumps(printed_json)}"
