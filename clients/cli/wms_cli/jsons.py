"""JSON documents one after the other, as they come in."""

import json
from collections.abc import Iterable, Iterator


class NotJson(ValueError):
    """What was read is no JSON of the kind that is wanted."""


def documents_in(pieces: Iterable[str]) -> Iterator[str]:
    """Give the text of each document as soon as it is whole; pieces are lines. Raises NotJson."""
    decoder, text = json.JSONDecoder(), ""
    for piece in pieces:
        text = (text + piece).lstrip("\ufeff \t\r\n")
        while text:
            try:
                _, end = decoder.raw_decode(text)
            except json.JSONDecodeError:
                break
            yield text[:end]
            text = text[end:].lstrip()
    if text:
        try:
            decoder.raw_decode(text)
        except json.JSONDecodeError as error:
            raise NotJson(f"no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
