"""Secrets that are in files, as Docker and Kubernetes mount them: `DATABASE_URL_FILE` for `DATABASE_URL`.

Nothing that is read here is ever part of a complaint.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

_LONGEST = 64 * 1024  # bytes


class SecretFileError(Exception):
    """What is wrong with a file, or with giving one, and what to do about it."""


def file_variable(name: str) -> str:
    """Give the variable that names the file of a secret setting."""
    return f"{name.upper()}_FILE"


def secrets_in_files(
    names: Iterable[str], environment: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Read the files that the environment names for these settings; its keys are in capitals.

    Gives the secrets by the names of their settings, and the complaints by the names of theirs.
    """
    secrets, complaints = {}, {}
    for name in names:
        variable = file_variable(name)
        if variable not in environment:
            continue
        try:
            secrets[name] = _secret(name.upper(), environment)
        except SecretFileError as error:
            complaints[name] = f"{variable}: {error}"
    return secrets, complaints


def _secret(plain: str, environment: Mapping[str, str]) -> str:
    place = environment[file_variable(plain)]
    if environment.get(plain):
        raise SecretFileError(f"{plain} is given too; leave one of them out")
    if not place:
        raise SecretFileError(f"it names no file; name the one that holds {plain}, or leave it out")
    try:
        with Path(place).open("rb") as file:
            raw = file.read(_LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SecretFileError(
            f"{place!r} can't be read ({reason}); name a file that this process may read"
        ) from None
    return _line(raw, place, plain)


def _line(raw: bytes, place: str, plain: str) -> str:
    if len(raw) > _LONGEST:
        raise SecretFileError(f"{place!r} is longer than {_LONGEST} bytes; it should hold {plain} only")
    try:
        text = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretFileError(f"{place!r} is no text in UTF-8; write {plain} into it") from None
    if not text.strip():
        raise SecretFileError(f"{place!r} is empty; write {plain} into it")
    if not text.isprintable():
        raise SecretFileError(f"{place!r} should have one line of text, {plain}, and nothing else")
    return text
