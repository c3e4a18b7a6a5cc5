"""SQL names its columns: a migration of the next release may add one under statements that this release has prepared."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((*ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("deploy/*/src/**/*.py")))
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
