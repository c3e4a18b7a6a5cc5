"""The handlers, without sockets: work in memory, and an outbox that remembers."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from math import inf
from typing import Any

import pytest

from conduit_chassis.health import Health
from conduit_chassis.records import Incoming
from conduit_chassis.runtime import Runtime
from conduit_chassis.testing import ManualClock
from conduit_contracts import intake, topics
from conduit_contracts.envelope import Attributes
from conduit_contracts.names import names_of
from conduit_contracts.partner import InformationSupplied
from conduit_contracts.problems import Origin, sender_problem
from conduit_intake import handlers, metrics
from conduit_intake.app import SERVICE
from conduit_intake.handlers import HANDLERS
from conduit_intake.submissions import Held, Key, Outcome, PartnerMessage
from conduit_intake.work import IntakeWork
from services.intake.tests.samples import (
    CANARY,
    NORTH,
    NOW,
    PARTNER,
    REFERENCE,
    SOUTH,
    Event,
    MemoryOutbox,
    delivery,
    of_each_kind,
    person,
    reconsideration,
    refusal,
    registered,
    scene,
    submitted,
    supplied,
    take,
    withdrawn,
)

NORTHS = Key(NORTH, REFERENCE)


def work_of(*partner_ids: str) -> IntakeWork:
    """Work whose register has these partners."""
    return IntakeWork(
        scene(), MemoryOutbox(), {each: PARTNER.model_copy(update={"partner_id": each}) for each in partner_ids}
    )


def outcomes(work: IntakeWork) -> list[str]:
    return [entry.what for entry in work.history]


def holding_a_referral() -> tuple[IntakeWork, Held]:
    work = work_of(NORTH)
    take(work, delivery(submitted()))
    held = work.referrals[NORTHS]
    return IntakeWork(work.scene, MemoryOutbox(), work.partners, {NORTHS: held}), held


def names(events: list[Event]) -> list[str]:
    return [type(event.message).__name__ for event in events]


def test_every_message_that_intake_consumes_has_a_handler() -> None:
    consumed = {message.type for topic in topics.consumed_by("intake") for message in topic.messages}
    assert set(HANDLERS) == consumed


def test_what_a_record_is_called_is_looked_for_only_where_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: a refusal alone says it, and hardly any record is refused."""
    asked: list[Any] = []
    monkeypatch.setattr(handlers, "names_of", lambda *about: asked.append(about) or names_of(*about))
    work = work_of(NORTH)
    take(work, delivery(submitted()))
    take(work, delivery(supplied()))
    assert (outcomes(work), len(asked)) == (["received", "forwarded"], 0)
    take(work, delivery(submitted(partner_reference="OTHER", mou_reference="MOU-UNKNOWN")))
    take(work, refusal(sender_problem("json_invalid", "value")))
    assert (outcomes(work)[2:], len(asked)) == (["rejected", "rejected"], 2)


def test_a_referral_is_published_under_its_id_and_its_body_is_kept_as_sent() -> None:
    work = work_of(NORTH)
    sent = delivery(submitted())
    (event,) = take(work, sent).events
    referral_id = str(work.referrals[NORTHS].referral_id)
    assert (event.topic, event.key, event.subject) == ("intake.referrals.v1", referral_id, referral_id)
    assert event.cause is sent.attributes, "the trace goes on"
    assert work.created == {NORTHS: sent.record.value}
    (entry,) = work.history
    assert (entry.what, entry.actor, entry.kind, entry.event_id) == (
        Outcome.RECEIVED,
        f"partner:{NORTH}",
        "referral",
        event.event_id,
    )
    assert str(entry.referral_id) == referral_id


def test_records_about_one_referral_in_one_batch_see_each_other() -> None:
    work = work_of(NORTH)
    more = supplied(persons=(person("V2", "L1"),))
    events = take(work, *map(delivery, [submitted(), more, withdrawn(), supplied(text="Late")])).events
    assert names(events) == ["ReferralReceived", "InformationSupplied", "ReferralWithdrawn", "SubmissionRejected"]
    assert {event.key for event in events} == {str(work.referrals[NORTHS].referral_id)}
    assert list(work.created) == [NORTHS]
    assert not work.changed, "what is new is inserted as it stands at the end of the batch"
    assert len(work.added) == 1


@pytest.mark.parametrize("message", of_each_kind()[1:])
def test_what_changes_a_stored_referral_is_marked_as_changed(message: PartnerMessage) -> None:
    work, _ = holding_a_referral()
    take(work, delivery(message))
    assert work.changed == {NORTHS}
    assert not work.created
    assert len(work.added) == isinstance(message, InformationSupplied)


@pytest.mark.parametrize("message", of_each_kind())
def test_a_message_handled_twice_has_one_effect(message: PartnerMessage) -> None:
    work, _ = holding_a_referral() if not isinstance(message, type(submitted())) else (work_of(NORTH), None)
    take(work, delivery(message))
    after, added = work.referrals[NORTHS], list(work.added)
    (answer,) = take(work, delivery(message)).events
    assert (work.referrals[NORTHS], work.added) == (after, added)
    expected = "SubmissionRejected" if isinstance(message, type(reconsideration())) else "SubmissionRepeated"
    assert names([answer]) == [expected]


def test_a_rejection_without_a_referral_is_keyed_by_partner_and_reference() -> None:
    (event,) = take(work_of(NORTH), delivery(withdrawn())).events
    assert (event.key, event.subject) == (f"{NORTH}:{REFERENCE}", None)
    assert event.message.submission_id.startswith(f"partner.{NORTH}.referrals.v1/0/")


def test_a_rejection_about_a_referral_goes_where_its_other_events_go() -> None:
    work, held = holding_a_referral()
    (event,) = take(work, delivery(submitted(narrative="Something else"))).events
    assert (event.key, event.subject, event.message.referral_id) == (
        str(held.referral_id),
        str(held.referral_id),
        held.referral_id,
    )
    assert work.history[0].referral_id == held.referral_id


def test_one_partners_reference_is_not_anothers() -> None:
    work, held = holding_a_referral()
    work.partners[SOUTH] = PARTNER.model_copy(update={"partner_id": SOUTH})
    theirs = [delivery(message, SOUTH) for message in of_each_kind(SOUTH)]
    claimed = [delivery(message, SOUTH) for message in of_each_kind(NORTH)]
    events = take(work, *claimed, *theirs).events
    assert names(events[:4]) == ["SubmissionRejected"] * 4
    assert {event.message.partner_id for event in events[:4]} == {SOUTH}
    assert work.referrals[NORTHS] is held
    assert work.referrals[Key(SOUTH, REFERENCE)].referral_id != held.referral_id


def test_a_registration_counts_for_the_whole_batch_wherever_it_stands_in_it() -> None:
    work = work_of()
    outbox = take(work, delivery(submitted()), delivery(registered()))
    assert names(outbox.events) == ["ReferralReceived"]
    assert not outbox.put_aside


def test_the_last_registration_of_a_partner_holds_and_repeating_it_changes_nothing() -> None:
    work = work_of()
    take(work, *map(delivery, [registered(suspended=True), registered(), registered()]))
    assert work.registered == {NORTH: work.partners[NORTH]}
    assert not work.partners[NORTH].suspended
    assert [(entry.actor, entry.what, entry.why) for entry in work.history] == [
        ("programme", "registered", "suspended"),
        ("programme", "registered", ""),
    ]


@pytest.mark.parametrize("message", of_each_kind())
def test_nobody_unknown_is_answered(message: PartnerMessage) -> None:
    work = work_of(SOUTH)
    sent = delivery(message)
    outbox = take(work, sent)
    assert not outbox.events
    (request,) = outbox.put_aside
    assert request.incoming is sent
    assert (request.problem.code, request.problem.origin, request.problem.retryable) == ("unknown_partner", Origin.HUB, True)
    (entry,) = work.history
    assert (entry.what, entry.why, entry.partner_reference) == (
        Outcome.DEAD_LETTERED,
        "unknown_partner",
        REFERENCE,
    )


def test_a_record_that_cannot_be_read_is_answered_with_all_its_problems() -> None:
    work = work_of(NORTH)
    found = (sender_problem("field_missing", "referral.narrative"), sender_problem("field_unknown", "referral.(unknown)"))
    (event,) = take(work, refusal(*found)).events
    assert isinstance(event.message, intake.SubmissionRejected)
    assert (event.message.partner_id, event.message.submission_id, event.message.problems) == (NORTH, event.key, found)
    (entry,) = work.history
    assert (entry.kind, entry.what, entry.why) == ("unreadable", Outcome.REJECTED, "field_missing field_unknown")


def test_what_a_record_that_cannot_be_read_was_meant_to_be_is_counted_where_it_says_so() -> None:
    work = work_of(NORTH)
    attributes = Attributes("1", "/test", submitted().type, NOW)
    unknown = attributes._replace(type="uk.conduit.partner.wish.v1")
    problem = sender_problem("value_missing", "value")
    take(work, refusal(problem, attributes=attributes), refusal(problem, attributes=unknown))
    assert [entry.kind for entry in work.history] == ["referral", "unreadable"]


def test_a_record_that_cannot_be_read_of_an_unknown_partner_is_put_aside() -> None:
    work = work_of()
    outbox = take(work, refusal(sender_problem("value_missing", "value")))
    assert not outbox.events
    assert [request.problem.code for request in outbox.put_aside] == ["unknown_partner"]
    assert outcomes(work) == [Outcome.DEAD_LETTERED]


def test_every_submission_has_exactly_one_outcome_in_history() -> None:
    work = work_of(NORTH)
    batch: list[Incoming] = [
        delivery(submitted()),
        delivery(submitted()),
        delivery(submitted(narrative="Something else")),
        delivery(submitted(partner_id=SOUTH)),
        delivery(supplied()),
        delivery(reconsideration()),
        delivery(withdrawn()),
        delivery(submitted(), SOUTH),
        refusal(sender_problem("value_missing", "value")),
    ]
    outbox = take(work, *batch)
    assert outcomes(work) == [
        "received",
        "repeated",
        "rejected",
        "rejected",
        "forwarded",
        "forwarded",
        "forwarded",
        "dead_lettered",
        "rejected",
    ]
    assert [entry.submission_id for entry in work.history] == [
        f"{each.record.topic}/0/{each.record.offset}" for each in batch
    ]
    assert [entry.event_id for entry in work.history if entry.event_id] == [event.event_id for event in outbox.events]


def test_nobodys_words_reach_history_keys_or_problems() -> None:
    work = work_of(NORTH)
    batch = [
        delivery(message) for message in [*of_each_kind(), *of_each_kind(SOUTH), submitted(narrative=f"{CANARY} other")]
    ]
    outbox = take(work, *batch, *[delivery(message, SOUTH) for message in of_each_kind()])
    assert CANARY not in repr(work.history)
    assert CANARY not in repr([event.key for event in outbox.events])
    rejected = [event.message for event in outbox.events if isinstance(event.message, intake.SubmissionRejected)]
    assert rejected
    assert CANARY not in repr(rejected)
    assert CANARY not in repr([request.problem for request in outbox.put_aside])


def test_submissions_are_counted_by_kind_and_outcome_and_registrations_are_not() -> None:
    def value(kind: str, outcome: str) -> float:
        return float(metrics.SUBMISSIONS.labels(kind, outcome)._value.get())

    before = value("referral", "received"), value("withdrawal", "forwarded")
    work = work_of()
    take(work, *map(delivery, [registered(), submitted(), withdrawn()]))
    metrics.count(work.history)
    assert (value("referral", "received"), value("withdrawal", "forwarded")) == (before[0] + 1, before[1] + 1)


def test_the_gauges_say_how_many_partners_there_are_and_whose_mous_lapse() -> None:
    def values() -> list[float]:
        gauges: list[Any] = [metrics.PARTNERS, metrics.LAPSING.labels("7d"), metrics.LAPSING.labels("30d")]
        return [gauge._value.get() for gauge in [*gauges, metrics.SOONEST_LAPSE]]

    last = datetime.combine(PARTNER.mous[0].valid_to, time(23), scene().zone)
    metrics.measure([PARTNER, PARTNER], scene(last - timedelta(days=31)))
    assert values() == [2, 0, 0, 31 * 86_400 + 3_600]
    metrics.measure([PARTNER], scene(last - timedelta(days=30)))
    assert values() == [1, 0, 1, 30 * 86_400 + 3_600]
    metrics.measure([PARTNER], scene(last))
    assert values() == [1, 1, 1, 3_600]
    metrics.measure([PARTNER], scene(last + timedelta(hours=1)))
    assert values() == [1, 0, 0, inf]


async def test_a_service_that_was_not_started_says_so() -> None:
    given = {"kafka_bootstrap_servers": "unused:9092", "postgres_dsn": "postgresql://unused", "policy_file": "unused"}
    runtime = Runtime(SERVICE, SERVICE.settings(**given), None, ManualClock(NOW), Health())
    with pytest.raises(RuntimeError):
        await SERVICE.handle(runtime, None, [], MemoryOutbox())


def test_a_refusal_says_which_record_it_means_whether_or_not_it_could_be_read() -> None:
    attributes = Attributes("my-id-7", "/test", submitted().type, NOW)
    broken = refusal(sender_problem("json_invalid", "value"), attributes=attributes)
    broken = replace(broken, record=broken.record._replace(key=b"EX-9", value=b"{"))
    (event,) = take(work_of(NORTH), broken).events
    assert (event.message.event_id, event.message.partner_reference) == ("my-id-7", "EX-9")
    sent = delivery(submitted(partner_id=SOUTH))
    (event,) = take(work_of(NORTH), sent).events
    assert (event.message.event_id, event.message.problems[0].code) == (sent.attributes.id, "identity_mismatch")
