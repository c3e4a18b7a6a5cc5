"""Notification never reads a case, and never passes one on."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from conduit_chassis.testing import raw_record, signed
from conduit_contracts import intake, routing, topics, triage
from conduit_contracts.envelope import Message
from conduit_contracts.programme import Contact
from conduit_contracts.referral import Caseworker, OffencePlace, Person, Referral, Supplement
from conduit_notification.notices import HUB
from conduit_notification.readers import READERS
from services.notification.tests import builders as b
from services.notification.tests.builders import Bench, example, example_record

CONSUMED = [message for topic in topics.consumed_by("notification") for message in topic.messages]
WORDS_FOR_PARTNERS = {
    (intake.ReferralReceived.type, "safe_contact"),
    (intake.DangerReported.type, "safe_contact"),
    (triage.InformationRequested.type, "question"),
    (triage.ReferralDeclined.type, "comment"),
    (triage.ReferralDeclined.type, "next_step"),
    (routing.HandoffAcknowledged.type, "victim_contact"),
    (routing.HandoffAcknowledgedByTelephone.type, "victim_contact"),
}
CANARY = "Canary words of a case"
SECRET_FIELDS = {
    "narrative",
    "text",
    "name",
    "comment",
    "reason",
    "description",
    "pseudonym",
    "conditions",
    "question",
    "email",
}


def models_in(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every model that a field of it can hold."""
    yield model
    for field in model.model_fields.values():
        for kind in kinds_in(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from models_in(kind)


def kinds_in(annotation: Any) -> Iterator[Any]:
    arguments = get_args(annotation)
    if not arguments:
        yield annotation
    for argument in arguments:
        yield from kinds_in(argument)


@pytest.mark.parametrize("message", CONSUMED, ids=lambda message: message.type)
def test_no_reader_has_a_place_for_a_case(message: type[Message]) -> None:
    reader = READERS.get(message.type, message)
    assert not {Referral, Supplement, Person, OffencePlace, Caseworker} & set(models_in(reader))


def test_whom_to_ring_back_is_read_of_a_referral_and_kept_in_danger_alone() -> None:
    assert not Bench(KNOWN).take(b.received()).work.callbacks
    bench = Bench(KNOWN).take(b.received(danger=True))
    (callback,) = bench.work.callbacks.values()
    assert callback.name
    everything = [row.value for row in bench.outbox.rows], bench.work.history, bench.notices, bench.work.records
    assert callback.name not in repr(everything)


@pytest.mark.parametrize("message", CONSUMED, ids=lambda message: message.type)
def test_the_only_words_that_are_read_are_an_officers_to_the_partner(message: type[Message]) -> None:
    reader = READERS.get(message.type, message)
    long = {
        (message.type, name)
        for model in models_in(reader)
        for name, schema in model.model_json_schema()["properties"].items()
        if schema.get("maxLength", 0) >= 1_000
    }
    assert long <= WORDS_FOR_PARTNERS, "and of a caseworker, when to ring back"


def with_canaries(value: Any, event_type: str) -> Any:
    """The value with a canary in every field that holds people's words, except those meant for the partner."""
    if isinstance(value, list):
        return [with_canaries(item, event_type) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, inner in value.items():
        free = isinstance(inner, str) and name in SECRET_FIELDS and (event_type, name) not in WORDS_FOR_PARTNERS
        plain_words = free and " " in inner
        found[name] = CANARY if plain_words else with_canaries(inner, event_type)
    return found


KNOWN = {
    "partner:example-haven": (Contact(email="a@x.example", webhook_url="https://x.example/", webhook_secret="x"),),
    **{f"force:{force}": (Contact(email="f@x.example"),) for force in ("west-midlands", "west-mercia", "btp")},
    HUB: (Contact(email="h@x.example"),),
}


@pytest.mark.parametrize("message", CONSUMED, ids=lambda message: message.type)
def test_whatever_words_a_record_holds_none_of_them_leave_notification(message: type[Message]) -> None:
    made = example_record(message.type)
    value = json.dumps(with_canaries(example(message.type)["value"], message.type)).encode()
    bench = Bench(KNOWN).take(b.read(signed(raw_record(made.topic, None, made.headers, value))))
    everything = [row.value for row in bench.outbox.rows], bench.work.history, bench.notices, bench.work.records
    assert CANARY not in repr(everything)


def test_the_canaries_are_really_there() -> None:
    for message in (
        intake.ReferralReceived,
        triage.ReferralAccepted,
        intake.InformationSupplied,
        triage.ImmediateDangerRaised,
    ):
        assert CANARY in json.dumps(with_canaries(example(message.type)["value"], message.type))


def test_a_field_that_a_newer_producer_adds_is_no_obstacle() -> None:
    made = example_record(triage.ReferralAccepted.type)
    value = json.dumps({**example(triage.ReferralAccepted.type)["value"], "added_later": 1}).encode()
    assert b.read(raw_record(made.topic, None, made.headers, value)).message.partner_id == "example-haven"
