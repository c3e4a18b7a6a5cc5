"""One word, one meaning: a public class has a name that no other service and no other module of its own uses.

Messages are excepted: their module is part of their name.
"""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("services/*/src/**/*.py"))


def public_classes(source: str) -> set[str]:
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name[0] != "_"}


def test_a_class_is_seen() -> None:
    assert public_classes("class A: ...\nclass _B: ...\ndef f():\n    class C: ...") == {"A"}


def test_a_public_class_name_stands_once() -> None:
    places = defaultdict(list)
    for path in SOURCES:
        for name in public_classes(path.read_text(encoding="utf-8")):
            places[name].append(str(path.relative_to(ROOT)))
    assert len(places) > 100
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
