"""Secrets in files, as Docker and Kubernetes mount them: `DATABASE_URL_FILE` for `DATABASE_URL`.

The content of a file is never part of an error message.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

_MAX_FILE_BYTES = 64 * 1024


class SecretFileError(Exception):
    """A secret file is unusable; the message names the file, the error and the remedy."""


class UnusableSecret(str):
    """Placeholder for a secret whose file is unusable, with the error as text; every setting rejects it."""

    __slots__ = ()


class SecretFileSource(PydanticBaseSettingsSource):
    """Source of settings that reads secrets from the files named in the environment."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the secret of a field or an `UnusableSecret`; None when the environment names no file."""
        if not is_secret(field):
            return None, field_name, False
        env_variables = {name.upper(): value for name, value in os.environ.items()}
        if get_file_variable(field_name) not in env_variables:
            return None, field_name, False
        try:
            return _read_secret(field_name.upper(), env_variables), field_name, False
        except SecretFileError as error:
            return UnusableSecret(error), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all secrets that are in files."""
        settings_fields = self.settings_cls.model_fields
        secrets_by_name = {
            name: self.get_field_value(field, name)[0] for name, field in settings_fields.items()
        }
        return {name: value for name, value in secrets_by_name.items() if value is not None}


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting is secret; a secret may be in a file."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def list_secret_names(settings_class: type[BaseModel]) -> list[str]:
    """Return the names of the secret settings."""
    return [name for name, field in settings_class.model_fields.items() if is_secret(field)]


def get_file_variable(name: str) -> str:
    """Return the variable that names the file of a secret setting."""
    return f"{name.upper()}_FILE"


def _read_secret(variable_name: str, env_variables: Mapping[str, str]) -> str:
    file_path = env_variables[get_file_variable(variable_name)]
    if env_variables.get(variable_name):
        raise SecretFileError(f"{variable_name} is set as well; remove one of them")
    if not file_path:
        raise SecretFileError(f"it is empty; set it to the file that contains {variable_name}, or remove it")
    try:
        with Path(file_path).open("rb") as secret_file:
            raw_bytes = secret_file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SecretFileError(
            f"{file_path!r} can't be read ({reason}); name a file that this process can read"
        ) from None
    return _parse_secret(raw_bytes, file_path, variable_name)


def _parse_secret(raw_bytes: bytes, file_path: str, variable_name: str) -> str:
    if len(raw_bytes) > _MAX_FILE_BYTES:
        raise SecretFileError(
            f"{file_path!r} is longer than {_MAX_FILE_BYTES} bytes; it must contain {variable_name} only"
        )
    try:
        text = raw_bytes.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretFileError(f"{file_path!r} is not UTF-8 text; write {variable_name} into it") from None
    if not text.strip():
        raise SecretFileError(f"{file_path!r} is empty; write {variable_name} into it")
    if not text.isprintable():
        raise SecretFileError(f"{file_path!r} must contain one line with {variable_name}, and nothing else")
    return text
