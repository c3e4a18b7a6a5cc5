"""JSON Schemas of every message, and the check that no version breaks another: `python -m conduit_contracts.schemas check`.

A schema is for those outside: what they write is described closed, what they read open.
Folders of earlier versions stay for good. Each schema carries the
message's canonical example, so that an old version's example can be read by every later model.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from conduit_contracts import __version__
from conduit_contracts.compatibility import Schema, compare_history
from conduit_contracts.described import field_texts
from conduit_contracts.envelope import Message
from conduit_contracts.topics import REGISTRY

CHECKOUT = Path(__file__).resolve().parents[2]
"""The contracts folder of a checkout. Schemas are made from sources, never from an installed package."""
RETIRED: frozenset[str] = frozenset()
"""Types that nobody writes any more and no topic still holds."""

HUB_READS = frozenset(message.type for topic in REGISTRY if topic.edge for message in topic.messages)
"""Types that partners, forces and officers write and only the hub reads: later versions may accept more."""

WRITERS = "For writers, so it is closed: the hub refuses a field that is not here, and names it. Null means absent."
READERS = "For readers, so it is open: later versions may add fields. Ignore fields that you do not know."
TAG = "kind"

_LEFT_OUT: Mapping[str, type] = {"title": str, "discriminator": dict}
"""As keywords, told from fields of that name by what they hold."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BASE = "https://conduit.example/schemas"
_UUID7 = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-7[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"


def messages() -> dict[str, type[Message]]:
    """Every message of the registry by its type."""
    return {message.type: message for topic in REGISTRY for message in topic.messages}


def schema(message: type[Message]) -> dict[str, Any]:
    """The JSON Schema of a message, described in the contract's own words. The same models give the same text.

    What partners, forces and officers write has a writer's schema: closed, and null for what may be absent. What others read
    has a reader's: open, so that fields which come later pass.
    """
    made: dict[str, Any] = _tidy(message.model_json_schema(schema_generator=_Generator))
    written = message.type in HUB_READS
    made = _nullable(made) if written else _opened(made)
    head = {
        "$schema": _DIALECT,
        "$id": f"{_BASE}/{__version__}/{message.type}.json",
        "$comment": WRITERS if written else READERS,
        "title": message.__name__,
    }
    definitions = dict(sorted(made.pop("$defs", {}).items()))
    return head | made | ({"$defs": definitions} if definitions else {})


def expected(home: Path = CHECKOUT) -> dict[str, str]:
    """The text of every schema of this version by message type, with the examples in `home`."""
    texts = {}
    for name, message in messages().items():
        example = json.loads((home / "examples" / f"{name}.json").read_text(encoding="utf-8"))
        texts[name] = json.dumps(schema(message) | {"examples": [example["value"]]}, indent=2, ensure_ascii=False) + "\n"
    return texts


def committed(home: Path = CHECKOUT) -> dict[str, dict[str, Schema]]:
    """The schemas of every version in `home` by type, oldest version first."""
    folders = sorted((home / "schemas").iterdir(), key=lambda folder: [int(part) for part in folder.name.split(".")])
    return {
        folder.name: {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
        for folder in folders
    }


def problems(home: Path = CHECKOUT) -> list[str]:
    """What is wrong with the committed schemas: not what the models give, or a version that breaks another."""
    folder = home / "schemas" / __version__
    found = [f"{folder.name}/{name}: not what the models give; run make schemas" for name in _differing(folder, home)]
    versions = committed(home)
    found += [
        f"{broken.path}: {broken.code} breaks {broken.side}"
        for broken in compare_history([*versions.values()], RETIRED, HUB_READS)
    ]
    return found + _unreadable(versions)


def write(home: Path = CHECKOUT) -> int:
    """Write this version's schemas; returns how many files changed.

    Raises:
        PermissionError: the changelog gives this version a date, so it is published and never changes again.
    """
    folder = home / "schemas" / __version__
    changed = _differing(folder, home) if folder.is_dir() else sorted(messages())
    if changed and _published(home):
        raise PermissionError(f"{__version__} is published. Raise __version__ and describe the change in CHANGELOG.md.")
    folder.mkdir(parents=True, exist_ok=True)
    texts = expected(home)
    for name in changed:
        path = folder / f"{name}.json"
        if name in texts:
            path.write_text(texts[name], encoding="utf-8")
        else:
            path.unlink()
    return len(changed)


def _differing(folder: Path, home: Path) -> list[str]:
    there = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    wanted = expected(home)
    return sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))


def _published(home: Path) -> bool:
    changelog = (home / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.search(rf"^## \[{re.escape(__version__)}\] - \d{{4}}-\d{{2}}-\d{{2}}$", changelog, re.MULTILINE) is not None


def _unreadable(versions: Mapping[str, Mapping[str, Schema]]) -> list[str]:
    """Examples of any version that today's models refuse. This sees the rules between fields, which a schema cannot say."""
    models = messages()
    return [
        f"{version}/{name}: today's model refuses the example"
        for version, schemas in versions.items()
        for name, made in schemas.items()
        for example in made.get("examples", ())
        if name in models and not _reads(models[name], example)
    ]


def _reads(model: type[BaseModel], example: object) -> bool:
    try:
        model.model_validate_json(json.dumps(example), extra="ignore")
    except ValidationError:
        return False
    return True


class _Generator(GenerateJsonSchema):
    """Adds each field's description, and requires the tag of a union: no reader does without it."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        made = super().model_schema(schema)
        properties = made.get("properties", {})
        for name, text in field_texts(schema["cls"]).items():
            if name in properties:
                properties[name]["description"] = text
        if "const" in properties.get(TAG, {}):
            properties[TAG].pop("default", None)
            made["required"] = [name for name in properties if name == TAG or name in made.get("required", ())]
        return made


def _tidy(node: Any) -> Any:
    """Without the titles that only repeat a name, with standard formats alone, and without OpenAPI's own keyword."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if not isinstance(value, _LEFT_OUT.get(key, ()))}
    if kept.get("format") == "uuid7":
        kept |= {"format": "uuid", "pattern": _UUID7}
    return {key: _tidy(value) for key, value in kept.items()}


def _nullable(node: Any) -> Any:
    """With null for every field that may be absent, as the hub reads it where outsiders write."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _nullable(value) for key, value in node.items()}
    if isinstance(made.get("properties"), dict):
        required = made.get("required", ())
        made["properties"] = {
            name: field if name in required else _or_null(field) for name, field in made["properties"].items()
        }
    return made


def _or_null(field: dict[str, Any]) -> dict[str, Any]:
    if {"type": "null"} in field.get("anyOf", ()):
        return field
    about = {key: value for key, value in field.items() if key in ("default", "description")}
    return {"anyOf": [{key: value for key, value in field.items() if key not in about}, {"type": "null"}], **about}


def _opened(node: Any) -> Any:
    """As a reader applies it: later versions may have more fields."""
    if isinstance(node, list):
        return [_opened(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _opened(value) for key, value in node.items() if not (key == "additionalProperties" and value is False)}


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 if all is well, 1 if the check found something."""
    parser = argparse.ArgumentParser(prog="python -m conduit_contracts.schemas", description=__doc__)
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("--home", type=Path, default=CHECKOUT, help="the contracts folder of a checkout")
    chosen = parser.parse_args(arguments)
    if chosen.action == "write":
        sys.stdout.write(f"{write(chosen.home)} schemas written\n")
    found = problems(chosen.home)
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
