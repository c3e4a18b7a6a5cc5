"""SQL names its columns: a migration of the next release may add one under statements that this release has prepared."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((*ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("deploy/*/src/**/*.py")))
FOLDERS = sorted(ROOT.glob("services/*/src/*/migrations"))
# What `unnest` gives is in the statement itself, so no migration changes it.
EVERYTHING = re.compile(r"(?:\bSELECT|\bRETURNING|,)\s+(?:\w+\.)?\*(?![^()]*\bFROM\s+unnest\b)", re.IGNORECASE)


def texts(source: str) -> Iterator[str]:
    """The strings of a module that are not docstrings: those may speak of SQL as they like."""
    tree = ast.parse(source)
    spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
            yield node.value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DELETE FROM outbox WHERE id = $1 RETURNING *", True),
        ("select * from cases", True),
        ("SELECT id, c.* FROM cases AS c", True),
        ("INSERT INTO inbox (topic) SELECT * FROM unnest($1::text[])", False),
        ("SELECT count(*), 2 * 3 FROM outbox", False),
    ],
)
def test_a_star_is_seen(text: str, *, found: bool) -> None:
    assert bool(EVERYTHING.search(text)) is found


def test_no_statement_asks_for_whatever_columns_there_are() -> None:
    assert len(SOURCES) > 50
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in SOURCES
        if "/testing.py" not in str(path)
        for text in texts(path.read_text(encoding="utf-8"))
        for match in EVERYTHING.finditer(text)
    ]
    assert found == []


# Columns are named once. A row that is unpacked or read by place says nothing of which value is which.
BY_PLACE = re.compile(r"\(\*row\b|\brow\[\d|\bfor \w+, .* in await \w+\.(?:fetch|cursor)\(|= await \w+\.fetchrow\(.*\)\[\d")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("return Client(*row)", True),
        ("found = {row[0]: row for row in rows}", True),
        ("for topic, key in await connection.fetch(_SCAN):", True),
        ("return Client(**row)", False),
        ('return row["state"]', False),
        ("for row in await connection.fetch(_SCAN):", False),
    ],
)
def test_a_row_that_is_read_by_place_is_seen(text: str, *, found: bool) -> None:
    assert bool(BY_PLACE.search(text)) is found


def test_rows_are_read_by_name() -> None:
    # yoyo's own table is read there, by another driver.
    sources = [path for path in SOURCES if "services" in path.parts and path.name != "migrate.py"]
    assert len(sources) > 50
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sources
        for match in BY_PLACE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_migrations_are_numbered_without_gap_and_none_has_anothers_number(folder: Path) -> None:
    """Two that came in side by side would be applied in one order here and in another there."""
    numbers = sorted(int(found[0]) for path in folder.glob("*.sql") if (found := re.search(r"\d{4}", path.stem)))
    assert numbers == list(range(1, len(list(folder.glob("*.sql"))) + 1))
