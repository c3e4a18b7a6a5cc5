"""Whatever can hold what a person wrote is known as that, or as something that nobody wrote about anybody."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from conduit_chassis import facts
from conduit_console.readers import READERS
from conduit_contracts import topics
from conduit_contracts.envelope import Message

KEPT = sorted((message for service in topics.keepers() for message in topics.kept_by(service)), key=lambda kind: kind.type)
SAID = ("Synthetic words that somebody wrote.", "+44 20 7946 0000", "+442079460000", "team@partner.example")
NOBODYS = {
    "command_id": "the console made it",
    "event_id": "the sender's own id of a record",
    "force_reference": "the force's own reference, by which a case is found",
    "next_step": "the policy's text",
    "problems.field": "a name in the contracts",
    "problems.message": "the hub's text, without any value",
    "submission_id": "where a record stood",
    "taken_by": "who answers for a duty task",
    "warnings.field": "a name in the contracts",
    "warnings.message": "the hub's text, without any value",
}
"""Fields that can hold a sentence, a number or an address and are kept for as long as the case, with what they hold."""


def leaves(annotation: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each field of a model that is no model itself, with the names that lead to it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, found in annotation.model_fields.items():
            whole = Annotated[(found.annotation, *found.metadata)] if found.metadata else found.annotation
            yield from leaves(whole, (*path, name))
    elif get_origin(annotation) is Annotated and get_args(annotation)[0] is not str:
        yield from leaves(get_args(annotation)[0], path)
    elif get_origin(annotation) in {None, Annotated, Literal}:
        yield path, annotation
    else:
        for part in get_args(annotation):
            yield from leaves(part, path)


def takes(annotation: Any, said: str) -> bool:
    try:
        TypeAdapter(annotation).validate_python(said, strict=True)
    except ValidationError:
        return False
    return True


def may_hold_words(model: type[BaseModel]) -> set[tuple[str, ...]]:
    """The fields that take what a person may say, but for those that are nobody's."""
    found = {path for path, kind in leaves(model) if kind is not Ellipsis and any(takes(kind, said) for said in SAID)}
    return {path for path in found if ".".join(path) not in NOBODYS}


@pytest.mark.parametrize("kind", KEPT, ids=lambda kind: kind.__name__)
def test_every_field_that_can_hold_words_is_known_as_that(kind: type[Message]) -> None:
    known = facts.WORDS.get(kind, frozenset()) | facts.ELSEWHERE.get(kind, frozenset())
    assert {path[0] for path in may_hold_words(kind)} == known


@pytest.mark.parametrize("kind", KEPT, ids=lambda kind: kind.__name__)
def test_what_is_followed_and_held_during_a_rebuild_has_no_words(kind: type[Message]) -> None:
    assert may_hold_words(READERS.get(kind.type, kind)) == set()


def test_what_is_nobodys_is_in_some_fact() -> None:
    there = {".".join(path) for kind in KEPT for path, _ in leaves(kind)}
    assert NOBODYS.keys() <= there
