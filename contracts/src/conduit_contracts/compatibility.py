"""Whether two versions of a message can be in use at once. Partners and forces upgrade when they can, so both ways count.

A new writer must be understood by an old reader and an old writer by a new one, over all versions ever published. Writers
are closed and readers drop fields they do not know, so what others read may grow by optional fields alone. What only the
hub reads has no old readers, as the hub upgrades first: it may take more than before, and never less.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from typing import Any, NamedTuple

Schema = Mapping[str, Any]


class Side(StrEnum):
    """Who a change breaks."""

    OLD_WRITERS = "old_writers"
    """New readers refuse what they send, or misunderstand it."""
    OLD_READERS = "old_readers"
    """They refuse what new writers send, or misunderstand it."""
    BOTH = "both"


class Readers(StrEnum):
    """Who reads a message: the direction in which it travels."""

    HUB = "hub"
    """Only the hub, as on the topics that partners, forces and officers write."""
    OTHERS = "others"
    """Partners, forces, or services of an earlier release while an upgrade is rolled out."""


class Break(NamedTuple):
    """One change that breaks somebody. `path` leads to it from the message, for example `referral.persons[].role`."""

    code: str
    path: str
    side: Side


SIDES = {
    "message_removed": Side.OLD_WRITERS,
    "field_removed": Side.OLD_WRITERS,
    "field_now_required": Side.OLD_WRITERS,
    "field_now_optional": Side.OLD_READERS,
    "field_retyped": Side.BOTH,
    "enum_narrowed": Side.OLD_WRITERS,
    "enum_widened": Side.OLD_READERS,
    "alternative_removed": Side.OLD_WRITERS,
    "alternative_added": Side.OLD_READERS,
    "limit_tightened": Side.OLD_WRITERS,
    "limit_loosened": Side.OLD_READERS,
    "pattern_changed": Side.BOTH,
    "format_changed": Side.BOTH,
    "default_changed": Side.BOTH,
    "closedness_changed": Side.BOTH,
    "keyword_changed": Side.BOTH,
}
"""Every code, and who it breaks. `COMPATIBILITY.md` says what to do instead."""

_PASS_AT_THE_HUB = {code for code, side in SIDES.items() if side is Side.OLD_READERS}
_ANNOTATIONS = {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "deprecated", "discriminator"}
_UPPER_LIMITS = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_LOWER_LIMITS = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_EQUAL = {
    "pattern": "pattern_changed",
    "format": "format_changed",
    "default": "default_changed",
}
_WALKED = {"$ref", "type", "enum", "const", "properties", "required", "items", "anyOf", "oneOf", "additionalProperties"}
_KNOWN = _ANNOTATIONS | _UPPER_LIMITS | _LOWER_LIMITS | _WALKED | _EQUAL.keys()


def compare(old: Schema, new: Schema, readers: Readers = Readers.OTHERS) -> tuple[Break, ...]:
    """Every breaking change from one version of a message to another, in the order of the old schema."""
    found = _Comparison(old, new, readers).nodes(old, new, "")
    passing = _PASS_AT_THE_HUB if readers is Readers.HUB else ()
    return tuple(change for change in found if change.code not in passing)


def compare_history(
    versions: Sequence[Mapping[str, Schema]],
    retired: frozenset[str] = frozenset(),
    hub_reads: frozenset[str] = frozenset(),
) -> tuple[Break, ...]:
    """Every breaking change between any two versions, oldest first. Each version holds its schemas by message type.

    `retired` are types that nobody writes any more and no topic still holds: they may be missing. `hub_reads` are those that
    the hub alone reads. Paths begin with the type.
    """
    return tuple(found for old, new in combinations(versions, 2) for found in _between(old, new, retired, hub_reads))


def tolerant(schema: Any) -> Any:
    """The schema as a reader applies it: fields that it does not know pass."""
    if isinstance(schema, Mapping):
        return {key: tolerant(value) for key, value in schema.items() if key != "additionalProperties"}
    return [tolerant(item) for item in schema] if isinstance(schema, list) else schema


def _between(
    old: Mapping[str, Schema], new: Mapping[str, Schema], retired: frozenset[str], hub_reads: frozenset[str]
) -> Iterator[Break]:
    for name, schema in old.items():
        if name in new:
            for found in compare(schema, new[name], Readers.HUB if name in hub_reads else Readers.OTHERS):
                yield found._replace(path=f"{name} {found.path}")
        elif name not in retired:
            yield _break("message_removed", name)


def _break(code: str, path: str) -> Break:
    return Break(code, path, SIDES[code])


class _Comparison:
    """One walk over two schemas, each with its own definitions."""

    def __init__(self, old: Schema, new: Schema, readers: Readers) -> None:
        self._old = old
        self._new = new
        self._readers = readers
        self._open: set[tuple[str, str]] = set()

    def nodes(self, old: Schema, new: Schema, path: str, tag: str | None = None) -> Iterator[Break]:
        """Breaks from here down. A definition that contains itself is walked once. `tag` tells a form of a union."""
        pair = (str(old.get("$ref")), str(new.get("$ref")))
        if pair in self._open:
            return
        if pair[0] != "None":
            self._open.add(pair)
        old, new = _resolve(self._old, old), _resolve(self._new, new)
        if _alternatives(old) or _alternatives(new):
            yield from self._union(old, new, path)
        elif old.get("type") != new.get("type"):
            yield _break("field_retyped", path)
        else:
            yield from _values(old, new, path)
            yield from self._fields(old, new, path, tag)
            yield from self._items(old, new, path)
            yield from self._closedness(old, new, path)
        yield from _keywords(old, new, path)
        self._open.discard(pair)

    def _fields(self, old: Schema, new: Schema, path: str, tag: str | None) -> Iterator[Break]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in [*before, *(name for name in after if name not in before)]:
            here = f"{path}.{name}".lstrip(".")
            if name not in after:
                yield _break("field_removed", here)
                continue
            if name in required_after - required_before and name != tag:
                yield _break("field_now_required", here)
            if name in required_before - required_after:
                yield _break("field_now_optional", here)
            if name in before and name == tag:  # no reader ever did without it, so no default ever held
                yield from self.nodes(_alone(before[name]), _alone(after[name]), here)
            elif name in before:
                yield from self.nodes(before[name], after[name], here)

    def _items(self, old: Schema, new: Schema, path: str) -> Iterator[Break]:
        if "items" in old and "items" in new:
            yield from self.nodes(old["items"], new["items"], f"{path}[]")
        elif "items" in old or "items" in new:
            yield _break("keyword_changed", f"{path}[]")

    def _union(self, old: Schema, new: Schema, path: str) -> Iterator[Break]:
        before, after = self._branches(self._old, old), self._branches(self._new, new)
        gone, added = before.keys() - after.keys(), after.keys() - before.keys()
        if len(gone) == len(added) == 1 and not any(name.startswith("kind ") for name in gone | added):
            yield _break("field_retyped", path)
        else:
            yield from (_break("alternative_removed", f"{path}|{name}") for name in sorted(gone))
            yield from (_break("alternative_added", f"{path}|{name}") for name in sorted(added))
        for name, branch in before.items():
            if name in after:
                yield from self.nodes(branch, after[name], path, old.get("discriminator", {}).get("propertyName"))

    def _closedness(self, old: Schema, new: Schema, path: str) -> Iterator[Break]:
        """What others read may be published open: nobody is kept from anything. A writer's schema stays closed."""
        opened = old.get("additionalProperties") is False and "additionalProperties" not in new
        if _differ(old, new, "additionalProperties") and not (opened and self._readers is Readers.OTHERS):
            yield _break("closedness_changed", path)

    @staticmethod
    def _branches(root: Schema, node: Schema) -> dict[str, Schema]:
        """The alternatives by tag where there is one, else by type. A node without alternatives is its own only one."""
        branches: dict[str, Schema] = {}
        for branch in _alternatives(node) or [_alone(node)]:
            plain = _resolve(root, branch)
            tag = plain.get("properties", {}).get("kind", {}).get("const")
            name = f"kind {tag}" if tag else str(plain.get("type"))
            branches[name if name not in branches else f"{name} {len(branches)}"] = branch
        return branches


def _alternatives(node: Schema) -> list[Schema]:
    return [*node.get("anyOf", ()), *node.get("oneOf", ())]


def _alone(node: Schema) -> Schema:
    """Without what the caller compares on the union itself."""
    return {key: value for key, value in node.items() if key != "default"}


def _resolve(root: Schema, node: Schema) -> Schema:
    while "$ref" in node:
        target: Any = root
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _values(old: Schema, new: Schema, path: str) -> Iterator[Break]:
    """Breaks in which values are allowed."""
    before, after = _allowed(old), _allowed(new)
    if before is not None and (after is None or after - before):
        yield _break("enum_widened", path)
    if after is not None and (before is None or before - after):
        yield _break("enum_narrowed", path)
    for keyword in sorted(_UPPER_LIMITS | _LOWER_LIMITS):
        yield from _limit(keyword, old.get(keyword), new.get(keyword), path)


def _allowed(node: Schema) -> set[str] | None:
    """The values that are allowed, by their text; None where the type alone decides."""
    lists = [{repr(value) for value in node["enum"]}] if "enum" in node else []
    lists += [{repr(node["const"])}] if "const" in node else []
    return set.intersection(*lists) if lists else None


def _limit(keyword: str, old: float | None, new: float | None, path: str) -> Iterator[Break]:
    if old == new:
        return
    lower = keyword in _LOWER_LIMITS
    tightened = old is None or (new is not None and (new > old) == lower)
    yield _break("limit_tightened" if tightened else "limit_loosened", path)


def _keywords(old: Schema, new: Schema, path: str) -> Iterator[Break]:
    """Breaks in keywords that must stay as they are. One that this module does not know counts as broken if it changes."""
    for keyword, code in _EQUAL.items():
        if _differ(old, new, keyword) and not (keyword != "default" and (_alternatives(old) or _alternatives(new))):
            yield _break(code, path)
    for keyword in sorted((old.keys() | new.keys()) - _KNOWN):
        if _differ(old, new, keyword):
            yield _break("keyword_changed", path)


def _differ(old: Schema, new: Schema, keyword: str) -> bool:
    """Compared by text, because JSON tells false from 0 and Python does not. A null member of a default is an absent one."""
    return repr(_said(old.get(keyword))) != repr(_said(new.get(keyword)))


def _said(value: Any) -> Any:
    return {name: _said(inner) for name, inner in value.items() if inner is not None} if isinstance(value, dict) else value
