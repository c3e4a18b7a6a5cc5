"""Each decision says in what situation, what, what else was thought of and when to think again; the index has them all."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOME = ROOT / "docs" / "decisions"
DECISIONS = sorted(HOME.glob("[0-9]*.md"))
WANTED = ["Context", "Decision", "Rejected", "Revisit when"]
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
TITLE = re.compile(r"\A# (\d+)\. (.+)$", re.MULTILINE)
INDEXED = re.compile(r"^\| (\d+) \| \[(.+)\]\((\S+)\) \|$", re.MULTILINE)
NAMED = re.compile(r"\b[Dd]ecisions? (\d+)\b")
LINKED = re.compile(r"decisions/(\d{4}-[a-z0-9-]+\.md)")
KINDS = {".md", ".py", ".sql", ".toml", ".yml", ".yaml"}
TEXTS = sorted(
    path
    for folder in ("contracts", "deploy", "docs", "services", "tests")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in KINDS and "node_modules" not in path.parts
)


def sections(text: str) -> dict[str, str]:
    """What stands under each heading."""
    _, *parts = HEADING.split(text)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem[:4])
def test_a_decision_has_its_four_parts_in_order(path: Path) -> None:
    found = sections(path.read_text(encoding="utf-8"))
    assert [heading for heading in found if heading in WANTED] == WANTED
    assert all(found[heading] for heading in WANTED)


def test_the_index_has_every_decision_under_its_number_and_title() -> None:
    titles = [(TITLE.match(path.read_text(encoding="utf-8")), path) for path in DECISIONS]
    found = [(title[1], title[2], path.name) for title, path in titles if title]
    assert INDEXED.findall((HOME / "README.md").read_text(encoding="utf-8")) == found
    assert [int(path.name[:4]) for path in DECISIONS] == [int(number) for number, *_ in found]


def test_whatever_names_a_decision_names_one_that_is_there() -> None:
    numbers = {int(path.name[:4]) for path in DECISIONS}
    names = {path.name for path in DECISIONS}
    wrong = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in TEXTS
        for text in [path.read_text(encoding="utf-8")]
        for found in (*NAMED.finditer(text), *LINKED.finditer(text))
        if (int(found[1]) not in numbers if found[1].isdigit() else found[1] not in names)
    ]
    assert len(TEXTS) > 300
    assert wrong == []
