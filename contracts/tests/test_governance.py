"""Every message has one place, one type and a name that says what it is; nothing in the contracts is unused."""

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from conduit_contracts import intake, partner, triage
from conduit_contracts.base import KNOWN_NAMES, TAGS, Term, Value
from conduit_contracts.envelope import Command, Event, Message
from conduit_contracts.notification import Channel
from conduit_contracts.passkeys import Assertion
from conduit_contracts.schemas import messages
from conduit_contracts.signature import SignedClaims
from conduit_contracts.topics import CONSOLE, PEOPLE_COMMANDS, REGISTER_COMMANDS, REGISTRY, SERVICES, Topic
from contracts.tests.support import examples

READERS: dict[type[Value], type[Message]] = {
    intake.ReferralReceivedNotice: intake.ReferralReceived,
    triage.ReferralAcceptedNotice: triage.ReferralAccepted,
}
"""Narrower models for readers without need to know, and what they are read from."""
IN_A_HEADER: set[type[Value]] = {SignedClaims, Assertion}
"""What travels beside a message."""

TYPE = re.compile(r"uk\.conduit\.(?P<producer>[a-z]+)\.(?P<name>[a-z]+(?:-[a-z]+)*)\.v(?P<version>[1-9][0-9]*)")
IRREGULAR = {"Sent", "Overdue", "Withdrawn", "Taken", "Broken"}
ADVERBS = {"Over", "Down"}
IMPERATIVES = {
    *("Send", "Decide", "Name", "Reroute", "Stand", "Take", "Chase", "Escalate", "Record", "Note"),
    *("Register", "Suspend", "Resume", "Remove"),
}


def defined() -> list[type[Value]]:
    """Every model of the package, without the bases that only share fields."""

    def below(model: type[Value]) -> Iterator[type[Value]]:
        for child in model.__subclasses__():
            yield child
            yield from below(child)

    found = {model for model in below(Value) if model.__module__.startswith("conduit_contracts.")}
    return sorted(
        (model for model in found - {Message, Event, Command} if not model.__name__.startswith("_")),
        key=repr,
    )


def models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation} | {found for field in annotation.model_fields.values() for found in models_in(field.annotation)}
    return {found for part in get_args(annotation) for found in models_in(part)}


def words(name: str) -> list[str]:
    return re.findall("[A-Z][a-z0-9]*", name)


def is_past(name: str) -> bool:
    """True where a participle stands last, or before an adverb or the means: HandoffStoodDown."""
    spoken = words(name.removesuffix("ByTelephone"))
    if spoken[-1] in ADVERBS:
        return spoken[-2] in {"Handed", "Stood"}
    return spoken[-1] in IRREGULAR or spoken[-1].endswith("ed")


def is_imperative(name: str) -> bool:
    return words(name)[0] in IMPERATIVES


ALL_MESSAGES = [model for model in defined() if issubclass(model, Message)]


@pytest.mark.parametrize("message", ALL_MESSAGES, ids=lambda model: model.__qualname__)
def test_a_message_is_on_exactly_one_topic(message: type[Message]) -> None:
    assert sum(topic.messages.count(message) for topic in REGISTRY) == 1


@pytest.mark.parametrize("message", ALL_MESSAGES, ids=lambda model: model.__qualname__)
def test_a_type_names_its_producer_and_its_class(message: type[Message]) -> None:
    found = TYPE.fullmatch(message.type)
    assert found
    assert found["producer"] == message.__module__.split(".")[1]
    kebab = "-".join(word.lower() for word in words(message.__name__))
    assert found["name"] == kebab
    assert message.__doc__


def test_types_are_unique() -> None:
    assert [
        name
        for name, times in Counter(model.type for model in ALL_MESSAGES if issubclass(model, Message)).items()
        if times > 1
    ] == []
    assert len(messages()) == len(ALL_MESSAGES)


@pytest.mark.parametrize("message", ALL_MESSAGES, ids=lambda model: model.__qualname__)
def test_events_are_in_the_past_tense_and_commands_imperative(message: type[Message]) -> None:
    assert issubclass(message, Event) != issubclass(message, Command)
    assert is_past(message.__name__) == issubclass(message, Event)
    assert is_imperative(message.__name__) == issubclass(message, Command)


@pytest.mark.parametrize("name", ["ReferralStatus", "SubmitReferral", "ReferralHandOver", "NoticeSending", "Over"])
def test_a_name_that_is_no_fact_is_not_taken_for_one(name: str) -> None:
    assert not is_past("Case" + name)


@pytest.mark.parametrize("topic", REGISTRY, ids=lambda topic: topic.template)
def test_commands_are_written_by_officers_or_registrar_and_events_by_their_topics_owner_or_principal(topic: Topic) -> None:
    for message in topic.messages:
        assert issubclass(message, Command) == (topic.signed or topic in (PEOPLE_COMMANDS, REGISTER_COMMANDS))
        assert not topic.signed or topic.producers == (CONSOLE,)
        assert TYPE.fullmatch(message.type)["producer"] in {*topic.producers, topic.owner}  # type: ignore[index] - held above


@pytest.mark.parametrize("topic", REGISTRY, ids=lambda topic: topic.template)
def test_a_topics_messages_are_of_one_major_version_which_its_name_ends_in(topic: Topic) -> None:
    assert {message.type.rsplit(".", maxsplit=1)[-1] for message in topic.messages} == {
        topic.template.rsplit(".", maxsplit=1)[-1]
    }


def test_every_value_type_is_part_of_a_message_or_a_reader() -> None:
    used = {found for message in messages().values() for found in models_in(message)}
    assert [model.__qualname__ for model in defined() if model not in used | READERS.keys() | IN_A_HEADER] == []


@pytest.mark.parametrize(("reader", "message"), READERS.items(), ids=lambda model: model.__name__)
def test_a_readers_model_reads_the_message_and_holds_nothing_that_names_a_person(
    reader: type[Value], message: type[Message]
) -> None:
    for name, field in reader.model_fields.items():
        assert field.annotation == message.model_fields[name].annotation
    assert reader.model_validate_json(examples()[message.type].raw_value, extra="ignore")
    assert not {"referral", "supplements", "narrative", "persons"} & reader.model_fields.keys()


@pytest.mark.parametrize("model", defined(), ids=lambda model: model.__qualname__)
def test_every_model_is_frozen_strict_closed_hides_its_input_and_is_described(model: type[Value]) -> None:
    config = model.model_config
    assert (config["frozen"], config["strict"], config["extra"], config["hide_input_in_errors"]) == (
        True,
        True,
        "forbid",
        True,
    )
    assert model.__doc__
    assert model.model_fields.keys() <= KNOWN_NAMES


def test_no_tag_of_a_union_is_the_name_of_a_field() -> None:
    assert not KNOWN_NAMES & TAGS


def test_enum_values_are_lower_case_words_but_for_the_handling_codes() -> None:
    enums = [found for found in Term.__subclasses__() if found.__module__.startswith("conduit_contracts.")]
    assert len(enums) > 20
    for found in enums:
        if found.__name__ != "HandlingCode":
            assert all(re.fullmatch("[a-z]+(_[a-z]+)*", value) for value in found)


def test_nothing_in_a_message_can_hold_the_state_of_an_investigation() -> None:
    forbidden = re.compile(r"charge|arrest|verdict|convict|outcome_of|crime_record|suspicion_level")
    fields = {name for model in defined() if model.__name__ != "DecideReview" for name in model.model_fields}
    assert [name for name in sorted(fields) if forbidden.search(name)] == []


def test_partner_messages_carry_through_intake_under_the_same_names() -> None:
    for name in ("InformationSupplied", "ReferralWithdrawn", "ReconsiderationRequested"):
        sent, taken = getattr(partner, name).model_fields, getattr(intake, name).model_fields
        assert taken.keys() - sent.keys() - {"warnings"} == {"referral_id"}


def test_the_services_are_those_that_consume() -> None:
    assert {service for topic in REGISTRY for service in topic.consumers} == set(SERVICES)


def test_every_list_of_words_in_a_message_is_of_terms() -> None:
    others = [found.__name__ for found in StrEnum.__subclasses__() if found.__module__.startswith("conduit_contracts.")]
    assert sorted(others) == ["Readers", "Side", "Term"]


def test_a_term_says_its_value_as_any_enum_does() -> None:
    assert [(term.value, str(term)) for term in Channel] == [("email", "email"), ("webhook", "webhook")]
    assert Channel("email") is Channel.EMAIL
