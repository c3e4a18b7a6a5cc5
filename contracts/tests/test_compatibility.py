"""Each breaking change is refused by name, and proved to break: a record that one side writes, the other refuses."""

import copy
import json
from collections.abc import Callable
from typing import NamedTuple

import jsonschema
import pytest
from pydantic import ValidationError

from conduit_contracts.compatibility import SIDES, Break, Readers, Side, compare, compare_history, tolerant
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.schemas import CHECKOUT, HUB_READS, committed, messages, schema
from conduit_contracts.topics import CONSOLE, FORCE, PARTNER, REGISTRY
from contracts.tests.support import Json, examples

NAME = ReferralSubmitted.type
BASE: Json = committed()["0.1.0"][NAME]
Change = Callable[[Json], object]


class Mutation(NamedTuple):
    """A change of the schema; `witness` makes of the example what one side may write and the other refuses."""

    code: str
    path: str
    change: Change
    witness: Change | None = None
    """Absent where the record passes and its meaning is lost."""
    readers: Readers = Readers.OTHERS


def definition(name: str) -> Callable[[Json], Json]:
    return lambda made: made["$defs"][name]


def field(owner: str, name: str) -> Callable[[Json], Json]:
    return lambda made: made["$defs"][owner]["properties"][name]


def require(owner: str, name: str, schema_of_field: Json) -> Change:
    def change(made: Json) -> None:
        made["$defs"][owner]["properties"][name] = schema_of_field
        made["$defs"][owner]["required"].append(name)

    return change


def put(value: Json, *path: str | int) -> Change:
    """Set what stands at a path of the record."""

    def change(record: Json) -> None:
        for step in path[:-1]:
            record = record[step]
        record[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    def change(record: Json) -> None:
        for step in path[:-1]:
            record = record[step]
        del record[path[-1]]

    return change


def nothing(record: Json) -> None:
    """The example itself is the witness."""


STRING_OR_NULL = [{"type": "string"}, {"type": "null"}]
MUTATIONS = {
    "a field is gone": Mutation("field_removed", "referral.setting", drop("$defs", "Referral", "properties", "setting")),
    "a message is empty": Mutation("field_removed", "referral", put({}, "properties")),
    "a new field is required": Mutation(
        "field_now_required", "referral.crime_number", require("Referral", "crime_number", {"type": "string"}), nothing
    ),
    "an optional field becomes required": Mutation(
        "field_now_required",
        "referral.persons[].sex",
        lambda made: made["$defs"]["Person"]["required"].append("sex"),
        nothing,
    ),
    "a required field becomes optional": Mutation(
        "field_now_optional",
        "referral.narrative",
        lambda made: made["$defs"]["Referral"]["required"].remove("narrative"),
        drop("referral", "narrative"),
    ),
    "a text becomes a number": Mutation(
        "field_retyped",
        "referral.narrative",
        put({"type": "integer"}, "$defs", "Referral", "properties", "narrative"),
        nothing,
    ),
    "an integer becomes any number": Mutation(
        "field_retyped",
        "referral.numbers.victims_known",
        lambda made: field("Numbers", "victims_known")(made).update(type="number"),
    ),
    "a flag becomes an object": Mutation(
        "field_retyped",
        "referral.immediate_danger",
        lambda made: field("Referral", "immediate_danger")(made).update(type="object"),
        nothing,
    ),
    "the type inside an optional field changes": Mutation(
        "field_retyped",
        "referral.caseworker.role",
        lambda made: field("Caseworker", "role")(made)["anyOf"][0].update(type="integer"),
        nothing,
    ),
    "the items of a list change": Mutation(
        "field_retyped",
        "referral.persons[].place_ids[]",
        lambda made: field("Person", "place_ids")(made)["items"].update(type="integer"),
        nothing,
    ),
    "a value is gone from an enum": Mutation(
        "enum_narrowed", "referral.urgency", lambda made: definition("Urgency")(made)["enum"].remove("priority"), nothing
    ),
    "a text becomes an enum": Mutation(
        "enum_narrowed",
        "referral.narrative",
        lambda made: field("Referral", "narrative")(made).update(enum=["short"]),
        nothing,
    ),
    "a value is added to an enum": Mutation(
        "enum_widened",
        "referral.urgency",
        lambda made: definition("Urgency")(made)["enum"].append("whenever"),
        put("whenever", "referral", "urgency"),
    ),
    "an enum becomes any text": Mutation(
        "enum_widened",
        "referral.persons[].role",
        lambda made: definition("Role")(made).pop("enum"),
        put("x", "referral", "persons", 0, "role"),
    ),
    "the tag of a form changes": Mutation(
        "alternative_removed",
        "referral.persons[].identity|kind pseudonymous",
        lambda made: field("Pseudonymous", "kind")(made).update(const="anonymous"),
        nothing,
    ),
    "a constant is not among its enum any more": Mutation(
        "enum_narrowed",
        "referral.persons[].identity.kind",
        lambda made: field("Pseudonymous", "kind")(made).update(enum=["anonymous"]),
        nothing,
    ),
    "null is no longer allowed": Mutation(
        "alternative_removed",
        "referral.group_based|null",
        lambda made: field("Referral", "group_based")(made).update(anyOf=[{"type": "boolean"}]),
        put(None, "referral", "group_based"),
    ),
    "a form of identity is gone": Mutation(
        "alternative_removed",
        "referral.persons[].identity|kind pseudonymous",
        lambda made: field("Person", "identity")(made)["oneOf"].pop(),
        nothing,
    ),
    "null becomes allowed": Mutation(
        "alternative_added",
        "referral.narrative|null",
        put({"anyOf": STRING_OR_NULL}, "$defs", "Referral", "properties", "narrative"),
        put(None, "referral", "narrative"),
    ),
    "a form is added to a union": Mutation(
        "alternative_added",
        "referral.caseworker.role|integer",
        lambda made: field("Caseworker", "role")(made)["anyOf"].append({"type": "integer"}),
        put(7, "referral", "caseworker", "role"),
    ),
    "a maximum falls": Mutation(
        "limit_tightened",
        "referral.persons[].age_at_offence",
        lambda made: field("Person", "age_at_offence")(made)["anyOf"][0].update(maximum=12),
        nothing,
    ),
    "a minimum rises": Mutation(
        "limit_tightened",
        "referral.numbers.suspects_known",
        lambda made: field("Numbers", "suspects_known")(made).update(minimum=4),
        nothing,
    ),
    "a limit appears": Mutation(
        "limit_tightened",
        "referral.reported_at",
        lambda made: field("Referral", "reported_at")(made).update(maxLength=5),
        nothing,
    ),
    "a list must be longer": Mutation(
        "limit_tightened", "referral.persons", lambda made: field("Referral", "persons")(made).update(minItems=9), nothing
    ),
    "a maximum rises": Mutation(
        "limit_loosened",
        "referral.persons[].age_at_offence",
        lambda made: field("Person", "age_at_offence")(made)["anyOf"][0].update(maximum=200),
        put(150, "referral", "persons", 0, "age_at_offence"),
    ),
    "a limit goes": Mutation(
        "limit_loosened",
        "referral.concerns",
        lambda made: field("Referral", "concerns")(made).pop("minItems"),
        put([], "referral", "concerns"),
    ),
    "a pattern changes": Mutation(
        "pattern_changed",
        "referral.partner_reference",
        lambda made: field("Referral", "partner_reference")(made).update(pattern="^[0-9]+$"),
        nothing,
    ),
    "a format changes": Mutation(
        "format_changed",
        "referral.reported_at",
        lambda made: field("Referral", "reported_at")(made).update(format="date"),
        nothing,
    ),
    "a default changes": Mutation(
        "default_changed", "referral.setting", lambda made: field("Referral", "setting")(made).update(default="other")
    ),
    "a default of nothing becomes false": Mutation(
        "default_changed", "referral.group_based", lambda made: field("Referral", "group_based")(made).update(default=False)
    ),
    "a writer's model opens": Mutation(
        "closedness_changed",
        "referral.numbers",
        lambda made: definition("Numbers")(made).pop("additionalProperties"),
        readers=Readers.HUB,
    ),
    "a model that was open closes": Mutation(
        "closedness_changed", "referral.numbers", lambda made: definition("Numbers")(made).update(additionalProperties={})
    ),
    "a keyword that the check does not know": Mutation(
        "keyword_changed",
        "referral.persons",
        lambda made: field("Referral", "persons")(made).update(contains={"required": ["force"]}),
        nothing,
    ),
    "a list's items are no longer described": Mutation(
        "keyword_changed", "referral.concerns[]", lambda made: field("Referral", "concerns")(made).pop("items")
    ),
}

NEW_OPTIONAL = {"anyOf": STRING_OR_NULL, "default": None}
HARMLESS: dict[str, tuple[Change, Change]] = {
    "a new optional field": (
        put(NEW_OPTIONAL, "$defs", "Referral", "properties", "crime_number"),
        put("EX-1", "referral", "crime_number"),
    ),
    "a new field with a default, deep inside": (
        put({"type": "boolean", "default": False}, "$defs", "Person", "properties", "looked_after"),
        put(True, "referral", "persons", 0, "looked_after"),
    ),
    "a new optional object": (
        lambda made: (
            put({"type": "object", "properties": {}, "additionalProperties": False}, "$defs", "New")(made),
            put({"$ref": "#/$defs/New"}, "$defs", "Referral", "properties", "new")(made),
        ),
        put({}, "referral", "new"),
    ),
    "other words": (put("Other words.", "$defs", "Referral", "description"), nothing),
    "another example": (put([], "examples"), nothing),
    "another order of enum values": (lambda made: definition("Urgency")(made)["enum"].reverse(), nothing),
    "another order of fields": (
        lambda made: definition("Referral")(made).update(
            properties=dict(reversed(definition("Referral")(made)["properties"].items()))
        ),
        nothing,
    ),
    "a definition moves into the place where it is used": (
        lambda made: (
            field("Person", "role")(made).update(definition("Role")(made)) or field("Person", "role")(made).pop("$ref")
        ),
        nothing,
    ),
}


def changed(thing: Json, change: Change) -> Json:
    copied = copy.deepcopy(thing)
    change(copied)
    return copied


def accepts(made: Json, record: Json) -> bool:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return bool(jsonschema.Draft202012Validator(made, format_checker=checker).is_valid(record))


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_breaking_change_is_refused_with_its_name_and_place(name: str) -> None:
    mutation = MUTATIONS[name]
    found = compare(BASE, changed(BASE, mutation.change), mutation.readers)
    assert Break(mutation.code, mutation.path, SIDES[mutation.code]) in found


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_only_the_hub_reads_may_take_more_and_nothing_else(name: str) -> None:
    """The hub upgrades first, so nobody reads it with an older model."""
    mutation = MUTATIONS[name]
    found = compare(BASE, changed(BASE, mutation.change), Readers.HUB)
    assert not any(change.side is Side.OLD_READERS for change in found)
    if SIDES[mutation.code] is not Side.OLD_READERS:
        assert Break(mutation.code, mutation.path, SIDES[mutation.code]) in found


@pytest.mark.parametrize("name", sorted(messages()))
def test_the_direction_of_a_message_is_that_of_its_topic(name: str) -> None:
    (topic,) = [topic for topic in REGISTRY if messages()[name] in topic.messages]
    outsiders = {PARTNER, FORCE, CONSOLE}
    assert (name in HUB_READS) == topic.edge
    assert not topic.edge or outsiders.issuperset(topic.producers), "the console writes of its own acts as well"


def test_the_tag_of_a_union_may_become_required_since_no_reader_ever_did_without_it() -> None:
    """Version 0.1.0 published it as optional with a default; its readers refused a record without it all the same."""
    old = BASE
    assert "kind" not in old["$defs"]["Pseudonymous"]["required"]
    new = changed(dict(old), lambda made: definition("Pseudonymous")(made)["required"].append("kind"))
    new = changed(new, drop("$defs", "Pseudonymous", "properties", "kind", "default"))
    assert compare(old, new) == ()
    record = changed(examples()[NAME].value, drop("referral", "persons", 1, "identity", "kind"))
    with pytest.raises(ValidationError, match="tag"):
        ReferralSubmitted.model_validate_json(json.dumps(record))


def test_what_others_read_may_be_published_open() -> None:
    opened = changed(BASE, lambda made: definition("Numbers")(made).pop("additionalProperties"))
    assert compare(BASE, opened, Readers.OTHERS) == ()


def test_the_history_of_each_message_is_judged_by_its_readers() -> None:
    wider = changed(BASE, lambda made: definition("Urgency")(made)["enum"].append("whenever"))
    versions = [{NAME: BASE}, {NAME: wider}]
    assert [found.code for found in compare_history(versions)] == ["enum_widened"]
    assert compare_history(versions, hub_reads=frozenset({NAME})) == ()


@pytest.mark.parametrize("name", [name for name, mutation in MUTATIONS.items() if mutation.witness])
def test_a_refused_change_really_breaks_somebody(name: str) -> None:
    _, _, change, witness, _ = MUTATIONS[name]
    assert witness is not None
    old, new = BASE, changed(BASE, change)
    record = changed(examples()[NAME].value, witness)
    if SIDES[MUTATIONS[name].code] is Side.OLD_READERS:
        old, new = new, old
    assert accepts(old, record), "its writer may send it"
    assert not accepts(tolerant(new), record), "its reader refuses it"


def test_every_code_has_a_mutation_and_a_line_in_the_policy() -> None:
    policy = (CHECKOUT / "COMPATIBILITY.md").read_text(encoding="utf-8")
    assert {mutation.code for mutation in MUTATIONS.values()} == SIDES.keys() - {"message_removed"}
    for code, side in SIDES.items():
        row = next(line for line in policy.splitlines() if line.startswith(f"| `{code}` |"))
        assert row.split("|")[3].strip() == side.replace("_", " ")


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_passes_and_both_versions_read_each_other(name: str) -> None:
    change, use = HARMLESS[name]
    new = changed(BASE, change)
    assert compare(BASE, new) == ()
    old_record = examples()[NAME].value
    new_record = changed(old_record, use)
    assert accepts(new, new_record)
    assert accepts(tolerant(BASE), new_record), "new writer, old reader"
    assert accepts(tolerant(new), old_record), "old writer, new reader"
    ReferralSubmitted.model_validate_json(json.dumps(new_record), extra="ignore")


@pytest.mark.parametrize("name", sorted(messages()))
def test_a_message_is_compatible_with_itself(name: str) -> None:
    made = schema(messages()[name])
    assert compare(made, copy.deepcopy(made)) == ()


def test_a_definition_that_contains_itself_is_walked_once() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "at": {"type": "string"}}}
    chain: Json = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    longer = changed(chain, put("date", "$defs", "Node", "properties", "at", "format"))
    assert compare(chain, chain) == ()
    assert compare(chain, longer) == (Break("format_changed", "at", Side.BOTH),)


def test_a_message_that_is_gone_is_refused_until_it_is_retired() -> None:
    assert compare_history([{NAME: BASE}, {}]) == (Break("message_removed", NAME, Side.OLD_WRITERS),)
    assert compare_history([{NAME: BASE}, {}], frozenset({NAME})) == ()


def test_a_new_message_passes() -> None:
    assert compare_history([{}, {NAME: BASE}]) == ()


def test_versions_that_are_not_neighbours_are_compared_as_well() -> None:
    with_text = changed(BASE, put(NEW_OPTIONAL, "$defs", "Referral", "properties", "band"))
    with_number = changed(BASE, put({"type": "integer", "default": 0}, "$defs", "Referral", "properties", "band"))
    breaks = compare_history([{NAME: with_text}, {NAME: BASE}, {NAME: with_number}])
    assert [(found.code, found.path) for found in breaks] == [
        ("field_removed", f"{NAME} referral.band"),
        ("alternative_removed", f"{NAME} referral.band|null"),
        ("alternative_removed", f"{NAME} referral.band|string"),
        ("alternative_added", f"{NAME} referral.band|integer"),
        ("default_changed", f"{NAME} referral.band"),
    ]


def test_three_versions_that_only_add_pass() -> None:
    second = changed(BASE, put(NEW_OPTIONAL, "$defs", "Referral", "properties", "band"))
    third = changed(second, put(NEW_OPTIONAL, "$defs", "Person", "properties", "looked_after"))
    assert compare_history([{NAME: BASE}, {NAME: second}, {NAME: third}]) == ()


def test_an_optional_field_of_a_value_that_is_a_default_changes_nothing() -> None:
    old: Json = {"type": "object", "properties": {"contact": {"type": "object", "default": {"email": None, "x": False}}}}
    new = copy.deepcopy(old)
    new["properties"]["contact"]["default"]["telephone"] = None
    assert not compare(old, new)
    new["properties"]["contact"]["default"]["telephone"] = False
    assert [each.code for each in compare(old, new)] == ["default_changed"]
