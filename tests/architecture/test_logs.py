"""What a service wants to say is said: a key that is not on the log's list would be dropped where it is needed most."""

import ast
from collections.abc import Iterator
from pathlib import Path

from conduit_chassis.log import KEYS

ROOT = Path(__file__).parents[2]
SOURCES = sorted(ROOT.glob("services/*/src/**/*.py"))
LEVELS = {"debug", "info", "warning", "error", "critical"}
ERROR = "exc_info"


def keys(source: str) -> Iterator[str]:
    """The keys that a module gives to its logger."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr=level), keywords=given) if level in LEVELS:
                yield from (each.arg for each in given if each.arg is not None)


def test_a_key_is_seen() -> None:
    assert list(keys("_log.warning('x', a=1, **more)\nother.info('y', b=2)")) == ["a"]


def test_every_key_that_is_logged_is_on_the_list() -> None:
    dropped = {
        f"{path.relative_to(ROOT)}: {key}"
        for path in SOURCES
        for key in keys(path.read_text(encoding="utf-8"))
        if key not in {*KEYS, ERROR}
    }
    assert len(SOURCES) > 50
    assert not dropped
