"""Imports a client library when it is first needed, so that the contracts need only pydantic."""

from importlib import import_module
from typing import Any

from conduit_contracts.kits.errors import MissingExtraError


def load(module: str, extra: str) -> Any:
    """The module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != library:
            raise
        raise MissingExtraError(
            f"{library} is not installed; install it with: pip install 'conduit-contracts[{extra}]'"
        ) from None
