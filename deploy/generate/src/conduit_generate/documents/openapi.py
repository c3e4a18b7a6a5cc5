"""The OpenAPI 3.1 document of the partner HTTP API, as intake's application describes itself."""

from __future__ import annotations

from typing import Any

from conduit_intake.api.app import create_app
from conduit_intake.api.documents import document as describe


def document() -> dict[str, Any]:
    """The same document that a running intake gives at /openapi.json."""
    return describe(create_app())
