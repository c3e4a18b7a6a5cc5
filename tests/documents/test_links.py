"""A link in a document leads somewhere: the file is there, and the heading in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "contracts/**/*.md", "services/**/*.md", "deploy/**/*.md", "tests/**/*.md")
    for path in ROOT.glob(pattern)
    if not {".venv", ".conduit", "node_modules"} & set(path.parts)
)
BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ELSEWHERE = ("http://", "https://", "mailto:")


def text_of(page: Path) -> str:
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text_of(page))}


def broken(page: Path, text: str) -> Iterator[str]:
    for found in LINK.finditer(text):
        link = found[1] or found[2]
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[here](README.md)", []),
        ("[here](README.md#the-flow) and [there](https://nowhere.example/x.md)", []),
        ("[here](NOWHERE.md)", ["NOWHERE.md"]),
        ("[here](README.md#nowhere)", ["README.md#nowhere"]),
        ("[here]: NOWHERE.md", ["NOWHERE.md"]),
        ("```\n[here](NOWHERE.md)\n```", []),
    ],
)
def test_a_link_to_nowhere_is_seen(text: str, wrong: list[str]) -> None:
    assert list(broken(ROOT / "README.md", BLOCK.sub("", text))) == wrong


def test_every_link_leads_somewhere() -> None:
    found = [f"{page.relative_to(ROOT)}: {link}" for page in PAGES for link in broken(page, text_of(page))]
    assert len(PAGES) > 80
    assert found == []
