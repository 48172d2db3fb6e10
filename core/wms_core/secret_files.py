"""Secrets that are in files, as Docker and Kubernetes mount them: `DATABASE_URL_FILE` for `DATABASE_URL`.

Nothing that is read here is ever part of a complaint.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

_LONGEST = 64 * 1024  # bytes


class SecretFileError(Exception):
    """What is wrong with a file, or with giving one, and what to do about it."""


class Unusable(str):
    """Stands for a secret whose file is wrong, and says what is; no setting takes it."""

    __slots__ = ()


class SecretFiles(PydanticBaseSettingsSource):
    """Where settings find the secrets of which the environment names a file."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Give the secret of a field, or what is wrong; None when no file is named."""
        if not is_secret(field):
            return None, field_name, False
        environment = {name.upper(): value for name, value in os.environ.items()}
        if file_variable(field_name) not in environment:
            return None, field_name, False
        try:
            return _secret(field_name.upper(), environment), field_name, False
        except SecretFileError as error:
            return Unusable(error), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Give all that are in files."""
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def is_secret(field: FieldInfo) -> bool:
    """Say whether a setting is secret; if so, it may be in a file."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def secret_names(kind: type[BaseModel]) -> list[str]:
    """Give the settings that are secret."""
    return [name for name, field in kind.model_fields.items() if is_secret(field)]


def file_variable(name: str) -> str:
    """Give the variable that names the file of a secret setting."""
    return f"{name.upper()}_FILE"


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
