"""Explains a validation error to the sender of a record: the field, what is expected, and the nearest valid value.

Names and values are told apart. A field's name is shown, since it is the sender's own spelling of ours; a value never is:
what a message lists are the contract's own words, and what it compares with the value is only chosen by it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from conduit_contracts.base import KNOWN_NAMES, TAGS, Inconsistent
from conduit_contracts.forms import FORMS
from conduit_contracts.json_texts import Fault
from conduit_contracts.places import hint, nearest_force
from conduit_contracts.problems import MOST_PROBLEMS, Location, Problem, path_of, sender_problem

_CODES = {
    "missing": "field_missing",
    "extra_forbidden": "field_unknown",
    "json_invalid": "json_invalid",
    "enum": "value_not_allowed",
    "literal_error": "value_not_allowed",
    "union_tag_invalid": "value_not_allowed",
    "union_tag_not_found": "field_missing",
    "greater_than": "value_out_of_range",
    "greater_than_equal": "value_out_of_range",
    "less_than": "value_out_of_range",
    "less_than_equal": "value_out_of_range",
    "string_too_short": "length_out_of_range",
    "string_too_long": "length_out_of_range",
    "too_short": "length_out_of_range",
    "too_long": "length_out_of_range",
    "string_pattern_mismatch": "format_invalid",
    "value_error": "value_inconsistent",
}
_FORMATS = ("date", "time", "uuid", "url", "string_unicode")
_FORMS = {
    "uuid": "a version 7 UUID, for example 01a225d0-6a63-7010-aa69-2b720b4859d2",
    "date_": "a calendar date, for example 2026-11-23",
    "datetime": "an RFC 3339 time with its time zone, for example 2026-11-23T09:30:00Z",
    "timezone": "a time with its time zone: add Z or an offset, for example 2026-11-23T09:30:00Z",
}
"""By the beginning of the library's name for it."""
_TYPES = {
    "int": "a whole number, for example 3",
    "bool": "true or false, without quotation marks",
    "string": "text in quotation marks",
    "tuple": "a list in square brackets",
    "list": "a list in square brackets",
    "model": "an object in curly brackets",
    "dict": "an object in curly brackets",
    "float": "a number",
    "uuid": "a UUID in quotation marks",
}
_DISTRICTS = frozenset({"district_code", "home_district_code", "present_district_code"})
_FORCE_IDS = frozenset({"force_id", "suspect_force_id", "home_force", "from_force", "to_force", "suggested_force"})
_LIMITS = {"le": "at most", "lt": "less than", "ge": "at least", "gt": "more than"}
_LONGEST_COMPARED = 64
_WORD = re.compile("'([^']*)'")


def problems_from(
    error: ValidationError, root: str = "value", model: type[BaseModel] | None = None, given: Any = None
) -> tuple[Problem, ...]:
    """The sender's problems behind a validation error, at most twenty, without any value from the input.

    `root` is what a problem with the whole message names. With the model and what was given, a problem names the nearest
    allowed value, and the nearest field of its place.
    """
    details = _causes(error.errors(include_url=False, include_input=False))
    return tuple(explained(detail, root, model, given) for detail in islice(details, MOST_PROBLEMS))


def _causes(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without errors that only follow from others: the library does not count a refused entry, then calls the list too
    short."""
    above = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in above]


def repeated_problems(locations: Sequence[Location], envelope: Collection[str] = ()) -> tuple[Problem, ...]:
    """The sender's problems if fields appear more than once, at most twenty.

    In an envelope with these members, paths are those of the message in its `data` or the member's name.
    """
    fields = (member_path(location, envelope) if envelope else path_of(location, "value") for location in locations)
    return tuple(sender_problem("field_repeated", field) for field in islice(fields, MOST_PROBLEMS))


def fault_problems(faults: Sequence[Fault], root: str = "value", envelope: Collection[str] = ()) -> tuple[Problem, ...]:
    """The sender's problems if a text is not readable JSON, at most twenty."""
    return tuple(
        sender_problem(
            fault.code,
            member_path(fault.location, envelope) if envelope else path_of(fault.location, root),
            fault.message,
        )
        for fault in faults[:MOST_PROBLEMS]
    )


def member_path(location: Location, envelope: Collection[str]) -> str:
    """The path of something in an envelope."""
    if not location:
        return "value"
    name, *rest = location
    if name == "data" and rest:
        return path_of(tuple(rest), "data")
    return str(name) if name in envelope else "(unknown)"


def explained(detail: ErrorDetails, root: str = "value", model: type[BaseModel] | None = None, given: Any = None) -> Problem:
    """The sender's problem behind one detail of a validation error."""
    kind, location, context = detail["type"], detail["loc"], detail.get("ctx", {})
    code = _code(kind)
    if kind.startswith("union_tag"):
        location = (*location, _WORD.findall(str(context.get("discriminator", "'kind'")))[0])
    text: str | None = None
    match code:
        case "field_unknown":
            text = _unknown(location, model)
        case "field_missing":
            text = _missing(kind, location, model)
        case "value_not_allowed":
            text = _not_allowed(context, _at(given, location))
        case "value_out_of_range":
            text = _out_of_range(context)
        case "length_out_of_range":
            text = _length(kind, context)
        case "format_invalid":
            text = _code_meant(location, _at(given, location)) or _form(kind, context)
        case "field_type":
            text = _type(kind)
        case "value_inconsistent":
            text = _inconsistency(context)
            location = (*location, *getattr(context.get("error"), "location", ()))
    return sender_problem(code, path_of(location, root), text)


def _code(kind: str) -> str:
    if kind in _CODES:
        return _CODES[kind]
    return "format_invalid" if kind.startswith(_FORMATS) and not kind.endswith("_type") else "field_type"


def _unknown(location: Location, model: type[BaseModel] | None) -> str:
    name, here = str(location[-1]), _models_at(model, location[:-1])
    own = {field for found in here for field in found.model_fields}
    if near := _nearest(name, own) or _longer(name, own):
        return f"The contract has no such field here. Did you mean {near}?"
    if name in _names_here(model):
        others = _kinds_with(name, _models_at(model, _without_tag(location[:-1])))
        if others:
            return f"This field does not belong to this kind. It belongs to {' and '.join(others)}."
        below = [field for found in here for field in found.model_fields if name in _names_in(found, field)]
        where = f" It belongs in {' or '.join(below)}." if below else " The JSON Schema shows where it belongs."
        return f"The contract has this field, but not here.{where}"
    return f"The contract has no such field here. Check its spelling and place.{_hint(name, model)}"


def _hint(name: str, model: type[BaseModel] | None) -> str:
    """The nearest field anywhere in the same message."""
    near = _nearest(name, _names_here(model))
    return f" Did you mean {near}?" if near else ""


def _longer(name: str, own: Iterable[str]) -> str | None:
    """The one field whose name begins or ends with this one, as `nature_factor` does with `factor`."""
    found = [field for field in own if field.startswith(f"{name}_") or field.endswith(f"_{name}")]
    return found[0] if len(found) == 1 else None


def _names_here(model: type[BaseModel] | None) -> Collection[str]:
    """The fields of the same message, wherever. Those of other messages its sender cannot send."""
    return _names_below(model) if model else KNOWN_NAMES


@cache
def _names_below(model: type[BaseModel]) -> frozenset[str]:
    below = (_names_below(found) for field in model.model_fields.values() for found in _models_in(field.annotation))
    return frozenset(model.model_fields).union(*below)


def _missing(kind: str, location: Location, model: type[BaseModel] | None) -> str | None:
    if kind != "union_tag_not_found":
        return None
    kinds = [tag for found in _models_at(model, location[:-1]) for tag in _tags(found)]
    return f"This field is required. Add it: {', '.join(kinds)}." if kinds else None


def _not_allowed(context: Mapping[str, Any], given: Any) -> str:
    allowed = _WORD.findall(str(context.get("expected") or context.get("expected_tags") or ""))
    return listed("This value is not allowed. Send one of: ", given, allowed)


def listed(beginning: str, given: Any, allowed: Sequence[str]) -> str:
    """A message with the allowed words, as many as it holds, and the nearest to what was given."""
    near = _nearest(given, allowed) if isinstance(given, str) else None
    return _shortened(beginning, allowed, f". Did you mean {near}?" if near else ".")


def _shortened(beginning: str, words: Sequence[str], ending: str, most: int = 400) -> str:
    """As many of the words as a message holds."""
    text = f"{beginning}{', '.join(words)}{ending}"
    kept = len(words)
    while len(text) > most:
        kept -= 1
        text = f"{beginning}{', '.join(words[:kept])} and {len(words) - kept} more in the JSON Schema{ending}"
    return text


def _out_of_range(context: Mapping[str, Any]) -> str | None:
    for name, words in _LIMITS.items():
        limit = context.get(name)
        if isinstance(limit, int):
            return f"This number is out of range. Send {words} {limit}."
    return None


def _length(kind: str, context: Mapping[str, Any]) -> str:
    least, most = context.get("min_length"), context.get("max_length")
    unit = "character" if kind.startswith("string") else "entry"
    words = f"at least {_counted(least, unit)}" if least is not None else f"at most {_counted(most, unit)}"
    return f"This is too {'short' if least is not None else 'long'}. Send {words}."


def _counted(number: int | None, unit: str) -> str:
    plural = {"character": "characters", "entry": "entries"}[unit]
    return f"{number:,} {unit if number == 1 else plural}"


def _form(kind: str, context: Mapping[str, Any]) -> str | None:
    words = FORMS.get(str(context.get("pattern")))
    words = words or next((text for begin, text in _FORMS.items() if kind.startswith(begin)), None)
    return f"This does not have the required format. Send {words}." if words else None


def _code_meant(location: Location, given: Any) -> str | None:
    """For a place or force given by name instead of by code: the code that is probably meant, or how to find it."""
    name = str(location[-1])
    if name in _DISTRICTS and isinstance(given, str):
        return f"This is not a district code. {hint(given)}"
    force = nearest_force(given) if name in _FORCE_IDS and isinstance(given, str) else None
    return f"This is not a force id. Did you mean {force.force_id}?" if force else None


def _type(kind: str) -> str | None:
    words = next((text for begin, text in _TYPES.items() if kind.startswith(begin)), None)
    return f"This field has the wrong type. Send {words}." if words else None


def _inconsistency(context: Mapping[str, Any]) -> str | None:
    """The text of a rule of our own, which is written beside the rule and holds no value."""
    rule = context.get("error")
    return str(rule)[:400] if isinstance(rule, Inconsistent) else None


def _nearest(given: str, words: Iterable[str]) -> str | None:
    """Long texts are not compared: a record may hold many, and comparing is slow."""
    if len(given) > _LONGEST_COMPARED:
        return None
    near = get_close_matches(given.strip().lower().replace("-", "_").replace(" ", "_"), list(words), n=1, cutoff=0.75)
    return near[0] if near else None


def _at(given: Any, location: Location) -> Any:
    """The value at that location. Tags are steps that only the library adds."""
    for step in location:
        if isinstance(given, list) and isinstance(step, int):
            given = given[step] if step < len(given) else None
        elif isinstance(given, dict) and step in given:
            given = given[step]
        elif step not in TAGS:
            return None
    return given


def _models_at(model: type[BaseModel] | None, location: Location) -> list[type[BaseModel]]:
    """The models that may stand there: one, or every form of a union."""
    found = [model] if model else []
    for step in location:
        if isinstance(step, int):
            continue
        if step in TAGS:
            found = [each for each in found if step in _tags(each)]
        else:
            fields = [each.model_fields[step] for each in found if step in each.model_fields]
            found = [each for field in fields for each in _models_in(field.annotation)]
    return found


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    parts = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return [found for part in parts for found in _models_in(part)]


def _names_in(model: type[BaseModel], field: str) -> set[str]:
    return {name for found in _models_in(model.model_fields[field].annotation) for name in found.model_fields}


def _tags(model: type[BaseModel]) -> list[str]:
    field = model.model_fields.get("kind")
    return [str(tag) for tag in get_args(field.annotation)] if field else []


def _without_tag(location: Location) -> Location:
    return location[:-1] if location and location[-1] in TAGS else location


def _kinds_with(name: str, models: Iterable[type[BaseModel]]) -> list[str]:
    return [tag for model in models if name in model.model_fields for tag in _tags(model)]
