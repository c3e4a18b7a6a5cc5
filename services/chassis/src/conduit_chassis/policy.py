"""The versioned policy file: every threshold of the domain rules, in TOML, read once at start."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from conduit_chassis.errors import ConfigurationError

M = TypeVar("M", bound=BaseModel)


def load_policy(path: Path, section: str, model: type[M], *, optional: bool = False) -> M:
    """One section of the policy file. The model receives the file's top-level `version` as `version`. A section that is
    `optional` need not be there, and then has the model's defaults.

    Raises:
        ConfigurationError: naming the file and the key that cannot be used.
    """
    document = _read(path)
    version = document.get("version")
    if not isinstance(version, str) or not version:
        raise ConfigurationError(f"{path}: the top-level key 'version' must be a text that is not empty")
    values = document.get(section, {} if optional else None)
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path}: the section [{section}] is missing")
    try:
        return model.model_validate({**values, "version": version}, strict=False)
    except ValidationError as error:
        raise ConfigurationError(_describe(path, section, error)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _describe(path: Path, section: str, error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    lines = (f"{section}.{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in details)
    return f"{path}: " + "; ".join(lines)
