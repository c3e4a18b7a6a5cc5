"""Writes the documents into `docs/api`, and checks that they say what the code does."""

from __future__ import annotations

import json
from typing import Any

from conduit_generate.documents import asyncapi, openapi
from conduit_generate.documents.pages import pages
from conduit_generate.generated import command
from conduit_local.services import DOCS_DIR


def expected() -> dict[str, str]:
    """The text of every document by its file's name."""
    topics, http = asyncapi.document(), openapi.document()
    return {"asyncapi.json": _text(topics), "openapi.json": _text(http), **pages(topics, http)}


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where all is well, 1 where the check found something."""
    return command("documents", DOCS_DIR, expected, arguments)


def _text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
