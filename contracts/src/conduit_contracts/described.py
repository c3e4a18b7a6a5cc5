"""What each field means: the docstring below it in the sources, otherwise the docstring of its type.

One text serves JSON Schema, OpenAPI and AsyncAPI alike.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import BaseModel

_PACKAGE = __package__ or ""
_FORMS = {"Line", "Moment", "Day", "LocalId", "CountryCode", "LanguageCode"}
"""Types that describe the format of a text, but not what a field means."""


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """The description of every field that has one, by name. Inherited fields count; the subclass's own text wins."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base.__module__.startswith(f"{_PACKAGE}."):
            texts |= _texts_of_module(base.__module__).get(base.__name__, {})
    return texts


@cache
def _texts_of_module(name: str) -> dict[str, dict[str, str]]:
    tree = _tree(sys.modules[name])
    return {node.name: dict(_texts_of_class(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _tree(module: object) -> ast.Module:
    return ast.parse(inspect.getsource(module))  # type: ignore[arg-type]  # modules are what it takes


def _texts_of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """A field's own text is a bare string right after its annotated name."""
    for field, below in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = _text(below) or _text_of_type(field.annotation)
            if text:
                yield field.target.id, text


def _text(node: ast.stmt | None) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return inspect.cleandoc(node.value.value)
    return None


def _text_of_type(annotation: ast.expr) -> str | None:
    names = [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name) and node.id not in _FORMS]
    return next((text for name in names if (text := _types().get(name))), None)


@cache
def _types() -> dict[str, str]:
    """The docstrings below the package's type aliases, and those of its classes."""
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, below in zip(body, [*body[1:], None], strict=True):
            if isinstance(node, ast.ClassDef) and (text := ast.get_docstring(node)):
                found[node.name] = text
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (text := _text(below)):
                found[node.targets[0].id] = text
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and (text := _text(below)):
                found[node.target.id] = text
    return found
