"""The little Markdown that descriptions use, as HTML: paragraphs, lists, bold words, and code in backticks."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"``?([^`]+)``?")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


def inline(text: str) -> Markup:
    """One line of text."""
    escaped = str(escape(" ".join(text.split())))
    return Markup(_STRONG.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escaped)))  # noqa: S704 - escaped first


def paragraphs(text: str) -> Markup:
    """Text of several paragraphs and lists."""
    return Markup("\n").join(_block(block) for block in re.split(r"\n\s*\n", text.strip()) if block.strip())


def _block(block: str) -> Markup:
    lines = block.splitlines()
    if all(line.lstrip().startswith("- ") or line.startswith("  ") for line in lines):
        items = re.split(r"^\s*- ", block, flags=re.MULTILINE)[1:]
        return Markup("<ul>{}</ul>").format(Markup().join(Markup("<li>{}</li>").format(inline(item)) for item in items))
    return Markup("<p>{}</p>").format(inline(block))
