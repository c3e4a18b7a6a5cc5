"""Writes the documents into `docs/api`, and checks that they say what the code does."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conduit_local.documents import asyncapi, openapi
from conduit_local.documents.pages import pages
from conduit_local.services import DOCS_DIR


def expected() -> dict[str, str]:
    """The text of every document by its file's name."""
    topics, http = asyncapi.document(), openapi.document()
    return {"asyncapi.json": _text(topics), "openapi.json": _text(http), **pages(topics, http)}


def differing(home: Path, texts: Mapping[str, str]) -> list[str]:
    """The files that are not what the code gives."""
    there = {path.name: path.read_text(encoding="utf-8") for path in home.glob("*") if path.suffix in {".html", ".json"}}
    return sorted(name for name in there.keys() | texts.keys() if there.get(name) != texts.get(name))


def write(home: Path, texts: Mapping[str, str]) -> int:
    """Write what differs, and take away what nothing gives any more; returns how many files changed."""
    home.mkdir(parents=True, exist_ok=True)
    changed = differing(home, texts)
    for name in changed:
        if name in texts:
            (home / name).write_text(texts[name], encoding="utf-8")
        else:
            (home / name).unlink()
    return len(changed)


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where all is well, 1 where the check found something."""
    parser = argparse.ArgumentParser(prog="python -m conduit_local.documents", description=__doc__)
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("--home", type=Path, default=DOCS_DIR, help="the folder of the documents")
    chosen = parser.parse_args(arguments)
    texts = expected()
    if chosen.action == "write":
        sys.stdout.write(f"{write(chosen.home, texts)} documents written\n")
    found = differing(chosen.home, texts)
    sys.stderr.writelines(f"{name}: not what the code gives; run make documents\n" for name in found)
    return 1 if found else 0


def _text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
