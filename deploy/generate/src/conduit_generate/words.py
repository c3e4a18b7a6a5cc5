"""The template of catalogues: every word of `services/web` that people read, with where it stands.

`python -m conduit_generate.words` writes it. Whoever translates copies it to `locale/<language>.po` and fills it in.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

SOURCES = Path(__file__).parents[4] / "services" / "web" / "src" / "conduit_web"
POT = SOURCES / "locale" / "web.pot"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}


def template() -> str:
    """The text of the file. It has no date of its own, so that it changes only with the words."""
    catalog = Catalog(project="conduit-web", version="0", creation_date=datetime(2026, 1, 1, tzinfo=UTC))
    for file, _line, words, comments, context in extract_from_dir(str(SOURCES), METHODS, OPTIONS):
        catalog.add(words, None, [(file, 1)], auto_comments=comments, context=context)
    written = io.BytesIO()
    write_po(written, catalog, omit_header=True, sort_output=True, include_lineno=False)
    return written.getvalue().decode()


if __name__ == "__main__":
    POT.write_text(template(), encoding="utf-8")
