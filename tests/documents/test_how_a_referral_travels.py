"""Each sentence of the way names a file and something in it, and the topics come as the registry has them."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from conduit_contracts.topics import REGISTRY

PAGE = Path(__file__).parents[2] / "docs" / "how-a-referral-travels.md"
SENTENCE = re.compile(r"^(\d+)\. (.+?)\n   → \[`(.+?)`\]\((.+?)\), `(.+?)`$", re.MULTILINE | re.DOTALL)
BESIDE = "## Beside the main journey"
TEMPLATES = [topic.template for topic in REGISTRY]


class Sentence(NamedTuple):
    number: str
    text: str
    shown: str
    link: str
    name: str


def parts() -> tuple[str, str]:
    """The way, and what stands beside it."""
    way, _, beside = PAGE.read_text(encoding="utf-8").partition(BESIDE)
    return way, beside


def sentences() -> list[Sentence]:
    return [Sentence(*found) for found in SENTENCE.findall(parts()[0])]


def topics_in(text: str) -> list[str]:
    """Topics as they are first named."""
    return list(dict.fromkeys(name for name in re.findall(r"`([^`]+)`", text) if name in TEMPLATES))


def defined(path: Path) -> set[str]:
    """What a module defines, and what its classes do."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    things = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    outer = [node for node in tree.body if isinstance(node, things)]
    inner = [(each.name, node) for each in outer if isinstance(each, ast.ClassDef) for node in each.body]
    return {each.name for each in outer} | {f"{name}.{node.name}" for name, node in inner if isinstance(node, things)}


def test_there_are_some_fifteen_sentences_numbered_without_gaps() -> None:
    assert [int(sentence.number) for sentence in sentences()] == list(range(1, len(sentences()) + 1))
    assert 12 <= len(sentences()) <= 20
    assert len(sentences()) == len(re.findall(r"^\d+\. ", parts()[0], re.MULTILINE))


@pytest.mark.parametrize("sentence", sentences(), ids=lambda sentence: sentence.number)
def test_a_sentence_names_a_file_and_something_that_is_in_it(sentence: Sentence) -> None:
    path = (PAGE.parent / sentence.link).resolve()
    assert path.is_file()
    assert path.name == sentence.shown
    assert sentence.name in defined(path)


def test_the_topics_come_in_flow_order_and_none_is_left_out() -> None:
    way, beside = (topics_in(text) for text in parts())
    assert way == [template for template in TEMPLATES if template in way]
    assert sorted([*way, *beside]) == sorted(TEMPLATES)
