"""Rules of entry: what is checked once, when a message comes in, and never when it is read again.

A model says what can be read at all, in every version. A rule of entry may be stricter, and may be added later: as `AtEntry`
in a type, or in a model's `at_entry`. What was taken before the rule existed is never checked against it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from conduit_contracts.base import Finding, Value
from conduit_contracts.problems import MOST_PROBLEMS, Location, Problem, path_of, sender_problem

_Found: TypeAlias = Sequence[tuple[Location, Finding]]
_Walk: TypeAlias = Callable[[Any], _Found]
"""What is found in a value, with the way to it from there: nearly always nothing, so that no way is made for that."""
_NOTHING: _Found = ()


@dataclass(frozen=True)
class AtEntry:
    """Goes into a type's `Annotated`: what the check finds in such a value is a problem when the value comes in.

    It is not asked of what is absent.
    """

    check: Callable[[Any], Finding | None]


def entry_problems(message: BaseModel, root: str = "value") -> tuple[Problem, ...]:
    """What the rules of entry find in a message that can be read, at most twenty. `root` names the message as a whole."""
    walk = _of_model(type(message))
    return tuple(
        sender_problem(finding.code, path_of((*location, *finding.location), root), finding.message)
        for location, finding in (walk(message) if walk else _NOTHING)[:MOST_PROBLEMS]
    )


@cache
def _of_model(model: type[BaseModel]) -> _Walk | None:
    """How to walk a value of this model; None where no rule applies to anything in it."""
    fields = {name: _of_type(field.annotation, tuple(field.metadata)) for name, field in model.model_fields.items()}
    walks = [(name, walk) for name, walk in fields.items() if walk]
    own = issubclass(model, Value) and model.at_entry is not Value.at_entry
    if not walks and not own:
        return None

    def walk(value: Any) -> _Found:
        found: list[tuple[Location, Finding]] = []
        for name, inner in walks:
            held = getattr(value, name)
            if held is not None and (within := inner(held)):
                found += [((name, *location), finding) for location, finding in within]
        if own:
            found += [((), finding) for finding in value.at_entry()]
        return found

    return walk


def _of_type(annotation: Any, metadata: tuple[Any, ...] = ()) -> _Walk | None:
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        return _of_type(annotation, (*more, *metadata))
    rules = [found for found in metadata if isinstance(found, AtEntry)]
    return _of_rules(rules, _inner(annotation)) if rules else _inner(annotation)


def _inner(annotation: Any) -> _Walk | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation)
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple:
        return _of_list(_of_type(arguments[0]))
    walks = {_kind(argument): walk for argument in arguments if (walk := _of_type(argument))}
    return _of_union(walks) if walks else None


def _kind(annotation: Any) -> type:
    """The class of a union's alternative."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    found: type = get_origin(annotation) or annotation
    return found


def _of_rules(rules: list[AtEntry], inner: _Walk | None) -> _Walk:
    checks = [rule.check for rule in rules]
    if len(checks) == 1 and inner is None:
        return _of_rule(checks[0])

    def walk(value: Any) -> _Found:
        found = [((), finding) for check in checks if (finding := check(value)) is not None]
        return [*found, *inner(value)] if inner else found

    return walk


def _of_rule(check: Callable[[Any], Finding | None]) -> _Walk:
    def walk(value: Any) -> _Found:
        finding = check(value)
        return _NOTHING if finding is None else (((), finding),)

    return walk


def _of_list(inner: _Walk | None) -> _Walk | None:
    if inner is None:
        return None

    def walk(value: Any) -> _Found:
        found: list[tuple[Location, Finding]] = []
        for index, item in enumerate(value):
            if within := inner(item):
                found += [((index, *location), finding) for location, finding in within]
        return found

    return walk


def _of_union(walks: dict[type, _Walk]) -> _Walk:
    def walk(value: Any) -> _Found:
        inner = walks.get(type(value))
        return inner(value) if inner else _NOTHING

    return walk
