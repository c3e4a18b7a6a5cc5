"""The templates of catalogues: every word of pages that people read, with where it stands, a file for each desk.

`python -m conduit_generate.words` writes them. Whoever translates copies each to `locale/<language>.po` beside it and
fills it in.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from conduit_contracts.topic import DESKS

SERVICES = Path(__file__).parents[4] / "services"
WORDED = ("web", *DESKS)
"""What every desk shares, and each desk."""
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}


def sources(desk: str) -> Path:
    """Where a desk's words stand."""
    return SERVICES / desk / "src" / f"conduit_{desk}"


def pot(desk: str) -> Path:
    """The file."""
    return sources(desk) / "locale" / f"{desk}.pot"


def template(desk: str) -> str:
    """The text of the file. It has no date of its own, so that it changes only with the words."""
    catalog = Catalog(project=f"conduit-{desk}", version="0", creation_date=datetime(2026, 1, 1, tzinfo=UTC))
    for file, _line, words, comments, context in extract_from_dir(str(sources(desk)), METHODS, OPTIONS):
        catalog.add(words, None, [(file, 1)], auto_comments=comments, context=context)
    written = io.BytesIO()
    write_po(written, catalog, omit_header=True, sort_output=True, include_lineno=False)
    return written.getvalue().decode()


if __name__ == "__main__":
    for each in WORDED:
        pot(each).write_text(template(each), encoding="utf-8")
