"""A reader sees the flow in three places: the README's picture, the registry and the four handlers. They must agree."""

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import get_type_hints

import pytest

from conduit_chassis.dispatch import ignore
from conduit_contracts import topics

ROOT = Path(__file__).parents[2]
EDGE = re.compile(r"^\s*(\w+) -->\|(\S+)\| (\w+)$", re.MULTILINE)


def drawn_edges() -> list[tuple[str, str, str]]:
    """Every arrow of the README's picture as (producer, topic, consumer), in order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = re.search(r"```mermaid\n(.*?)```", readme, re.DOTALL)
    assert picture, "README.md has no flow picture"
    return [
        (source, topic.replace("ID", "{" + _parameter(topic) + "}"), target)
        for source, topic, target in EDGE.findall(picture[1])
    ]


def _parameter(topic: str) -> str:
    return f"{topic.split('.', maxsplit=1)[0]}_id"


def registered_edges() -> list[tuple[str, str, str]]:
    """Every arrow that the registry implies, in flow order."""
    return [
        (producer, topic.template, consumer)
        for topic in topics.REGISTRY
        for producer in topic.producers
        for consumer in topic.readers
    ]


def test_the_readmes_picture_shows_every_topic_of_the_registry_in_flow_order() -> None:
    assert drawn_edges() == registered_edges()


@pytest.mark.parametrize("service", topics.SERVICES)
def test_a_services_handlers_cover_exactly_the_messages_it_consumes(service: str) -> None:
    handlers = importlib.import_module(f"conduit_{service}.handlers").HANDLERS
    consumed = {message.type for topic in topics.consumed_by(service) for message in topic.messages}
    assert set(handlers) == consumed


@pytest.mark.parametrize("service", topics.SERVICES)
def test_every_service_has_the_same_file_names(service: str) -> None:
    package = ROOT / "services" / service / "src" / f"conduit_{service}"
    shape = {"__main__.py", "app.py", "batch.py", "work.py", "handlers.py", "rules.py", "store.py"}
    expected = shape | {"settings.py", "metrics.py"}
    assert expected <= {path.name for path in package.iterdir()}
    assert (ROOT / "services" / service / "README.md").is_file()
    assert len((package / "__main__.py").read_text(encoding="utf-8").splitlines()) <= 15


@pytest.mark.parametrize("name", topics.SERVICES)
def test_every_service_has_the_same_shape(name: str) -> None:
    service = importlib.import_module(f"conduit_{name}.app").create_service()
    assert service.handlers is importlib.import_module(f"conduit_{name}.handlers").HANDLERS
    assert {service.load.__module__, service.save.__module__} == {f"conduit_{name}.batch"}
    assert service.start.__module__ == f"conduit_{name}.app"
    unit = getattr(importlib.import_module(f"conduit_{name}.work"), f"{name.title()}Work")
    handlers = {each for each in service.handlers.values() if each is not ignore}
    assert {tuple(inspect.signature(each).parameters) for each in handlers} == {("work", "delivery")}
    assert {get_type_hints(each)["work"] for each in (*handlers, service.save)} == {unit}


def test_faststream_is_known_to_one_module_of_the_services() -> None:
    sources = [path for path in (ROOT / "services").glob("*/src/**/*.py") if "faststream" in _imported(path)]
    assert [path.name for path in sources] == ["broker.py"]


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("service", topics.SERVICES)
def test_migrations_are_numbered_without_gaps(service: str) -> None:
    folder = ROOT / "services" / service / "src" / f"conduit_{service}" / "migrations"
    numbers = [int(path.name[:4]) for path in sorted(folder.glob("*.sql")) if not path.name.endswith(".rollback.sql")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
