"""A module is read at one go, and a function at a glance: neither grows beyond that."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("contracts", "services", "deploy") for path in (ROOT / room).glob("**/src/**/*.py"))
MOST_LINES_OF_A_MODULE, MOST_LINES_OF_A_FUNCTION = 400, 40


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Every function with how many lines it has, from `def` to its end."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_a_function_is_measured() -> None:
    assert list(functions("@made\ndef a():\n    ...\n\nclass B:\n    async def c(self):\n        ...\n        ...")) == [
        ("a", 2),
        ("c", 3),
    ]


def test_no_module_is_longer_than_a_person_reads_at_one_go() -> None:
    assert len(SOURCES) > 300
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: number for name, number in lines.items() if number > MOST_LINES_OF_A_MODULE} == {}


def test_no_function_is_longer_than_a_person_sees_at_a_glance() -> None:
    long = {
        f"{path.relative_to(ROOT)}: {name}": number
        for path in SOURCES
        for name, number in functions(path.read_text(encoding="utf-8"))
        if number > MOST_LINES_OF_A_FUNCTION
    }
    assert long == {}
