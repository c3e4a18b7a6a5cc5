"""What partners and forces have installed: a published wheel, run in a process of its own beside today's code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from contracts.tests.support import Json, at, places_in

HERE = Path(__file__).parent
WHEEL = HERE / "wheels" / "conduit_contracts-0.1.0-py3-none-any.whl"
VERSION = "0.1.0"


def unpacked(folder: Path) -> Path:
    """The wheel as a folder to import from."""
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    return folder


def outside() -> dict[str, str]:
    """The environment, without what says where servers are."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("KAFKA_", "POSTGRES_", "CONDUIT_"))}


def environment(folder: Path) -> dict[str, str]:
    """In which `conduit_contracts` is the published one."""
    return {**outside(), "PYTHONPATH": str(folder)}


def ask(folder: Path, what: str, given: Sequence[Json]) -> list[Json]:
    """What the published release answers to each."""
    done = subprocess.run(
        [sys.executable, str(HERE / "released_side.py"), what],
        env=environment(folder),
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    version, answers = json.loads(done.stdout)
    assert version == VERSION, "not the wheel, but what is installed"
    found: list[Json] = answers
    return found


def variants(schema: Json, example: Json) -> Iterator[Json]:
    """The example, and what differs from it in one field: left out, or another of its allowed values."""
    yield example
    for path in list(places_in(example))[1:]:
        *above, last = path
        if isinstance(last, str):
            without = deepcopy(example)
            del at(without, tuple(above))[last]
            yield without
        for value in _allowed(schema, at(example, path), path):
            changed = deepcopy(example)
            at(changed, tuple(above))[last] = value
            yield changed


def _allowed(schema: Json, value: Json, path: tuple[Any, ...]) -> list[str]:
    """The other values of the same list: lists of values are told apart by what stands there now, and by the field."""
    if not isinstance(value, str):
        return []
    field = next(step for step in reversed(path) if isinstance(step, str))
    lists = [node["enum"] for node in _nodes_of(schema, schema, field) if value in node.get("enum", ())]
    return sorted({other for found in lists for other in found} - {value})


def _nodes_of(root: Json, node: Json, field: str) -> Iterator[Json]:
    """Every schema of a field of that name, with what it refers to."""
    if isinstance(node, Mapping):
        if isinstance(node.get("properties"), Mapping) and field in node["properties"]:
            yield from _resolved(root, node["properties"][field])
        for inner in node.values():
            yield from _nodes_of(root, inner, field)
    elif isinstance(node, list):
        for inner in node:
            yield from _nodes_of(root, inner, field)


def _resolved(root: Json, node: Json) -> Iterator[Json]:
    if "$ref" in node:
        yield from _resolved(root, root["$defs"][node["$ref"].rsplit("/", 1)[-1]])
        return
    yield node
    for inner in [*node.get("anyOf", ()), *node.get("oneOf", ()), *([node["items"]] if "items" in node else [])]:
        yield from _resolved(root, inner)


def contains(whole: Json, part: Json) -> bool:
    """Whether all that stands in `part` stands in `whole` too."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(name in whole and contains(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)
