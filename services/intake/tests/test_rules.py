"""The rules, one sentence per test."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts import intake
from conduit_contracts.ids import first_of, moment_of
from conduit_contracts.meaning import content_hash
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.problems import Origin
from conduit_contracts.referral import AgencyKind, Concern, InformedAgency, NamedWithConsent, OffencePeriod
from conduit_intake import problems, rules
from conduit_intake.submissions import (
    KINDS,
    Answer,
    Held,
    Mou,
    Outcome,
    Partner,
    PartnerMessage,
    SubmissionKind,
    former_hash,
)
from services.intake.tests.samples import (
    CANARY,
    FIRST_ID,
    MOU,
    NORTH,
    NOW,
    PARTNER,
    REFERENCE,
    SOUTH,
    of_each_kind,
    person,
    place,
    reconsideration,
    referral,
    scene,
    submission,
    submitted,
    supplied,
    withdrawn,
)

RULES: dict[SubmissionKind, rules.Rule] = {
    SubmissionKind.REFERRAL: rules.receive,
    SubmissionKind.INFORMATION: rules.supply,
    SubmissionKind.WITHDRAWAL: rules.withdraw,
    SubmissionKind.RECONSIDERATION: rules.reconsider,
}
SUSPENDED = PARTNER.model_copy(update={"suspended": True})
UNREGISTERED_MOU = PARTNER.model_copy(update={"mous": ()})


def ask(message: PartnerMessage, held: Held | None = None, partner: Partner = PARTNER, **where: Any) -> Answer:
    return rules.answer(RULES[KINDS[message.type]], submission(message, partner.partner_id), partner, held, scene(**where))


def the_referral(**changes: Any) -> Held:
    held = ask(submitted(**changes), new_id=lambda _at: FIRST_ID).held
    assert held is not None
    return held


def withdrawn_referral() -> Held:
    held = ask(withdrawn(), the_referral()).held
    assert held is not None
    return held


def told(answer: Answer) -> list[str]:
    """What the sender is told, as `code at field`."""
    assert isinstance(answer.event, intake.SubmissionRejected)
    assert answer.outcome is Outcome.REJECTED
    return [f"{problem.code} at {problem.field}" for problem in answer.event.problems]


def terms(first: str, last: str, *, suspended: bool = False) -> Mou:
    return Mou(reference=MOU, valid_from=date.fromisoformat(first), valid_to=date.fromisoformat(last), suspended=suspended)


def with_mous(*mous: Mou) -> Partner:
    return PARTNER.model_copy(update={"mous": mous})


# A new referral


def test_a_referral_in_order_is_received_under_a_new_id_at_the_moment_of_receipt() -> None:
    answer = ask(submitted(immediate_danger=True), new_id=lambda _at: FIRST_ID)
    assert answer.outcome is Outcome.RECEIVED
    assert answer.event == intake.ReferralReceived(
        referral_id=FIRST_ID,
        received_at=NOW,
        partner_id=NORTH,
        partner_reference=REFERENCE,
        urgency=referral().urgency,
        immediate_danger=True,
        referral=referral(immediate_danger=True),
    )
    assert answer.held is not None
    assert (answer.held.place_ids, answer.held.person_ids) == (frozenset({"L1"}), frozenset({"V1"}))


def test_the_id_of_a_referral_tells_when_the_broker_took_the_partners_record() -> None:
    sent_at = NOW - timedelta(seconds=90)
    answer = rules.receive(replace(submission(submitted()), sent_at=sent_at), PARTNER, None, scene())
    assert answer.held is not None
    assert moment_of(answer.held.referral_id) == sent_at
    assert first_of(sent_at) <= answer.held.referral_id < first_of(sent_at + timedelta(milliseconds=1))


def test_the_same_content_again_gets_the_first_answer() -> None:
    held = the_referral()
    answer = ask(submitted(), held)
    assert answer.outcome is Outcome.REPEATED
    assert answer.event == intake.SubmissionRepeated(referral_id=FIRST_ID, partner_id=NORTH, partner_reference=REFERENCE)
    assert answer.held is held


def test_the_same_content_again_is_repeated_even_when_the_mou_has_lapsed_since() -> None:
    assert ask(submitted(), the_referral(), UNREGISTERED_MOU).outcome is Outcome.REPEATED


def test_another_content_under_the_same_reference_is_refused_and_the_first_stands() -> None:
    held = the_referral()
    answer = ask(submitted(narrative="Something else"), held)
    assert told(answer) == ["reference_reused at referral.partner_reference"]
    assert answer.event.referral_id == FIRST_ID  # type: ignore[attr-defined]  # told() saw what it is
    assert answer.held is held


@pytest.mark.parametrize("narrative", [f"{CANARY} narrative", "Something else"])
def test_a_referral_sent_again_after_its_withdrawal_is_not_mistaken_for_a_repetition(narrative: str) -> None:
    assert told(ask(submitted(narrative=narrative), withdrawn_referral())) == [
        "referral_withdrawn at referral.partner_reference"
    ]


# What counts as the same content


def test_spacing_order_of_keys_and_defaults_spelt_out_do_not_make_another_content() -> None:
    sent = json.loads(submitted().model_dump_json())
    shuffled = dict(reversed(list(sent["referral"].items()))) | {"reported_at": "2026-11-22T09:00:00.000+00:00"}
    again = ReferralSubmitted.model_validate_json(json.dumps({"referral": shuffled}, indent=3))
    assert content_hash(again.referral) == content_hash(referral())


@given(order=st.randoms(use_true_random=False), offset=st.integers(-23, 23), twice=st.booleans())
def test_a_times_zone_and_the_order_of_a_list_do_not_make_another_content(order: Random, offset: int, twice: bool) -> None:
    base = referral(
        persons=(person("V1", "L1", "L2"), person("V2", "L2")),
        places=(place("L1"), place("L2"), place("L3")),
        concerns=(Concern.GROOMING, Concern.CONTACT_SEXUAL_ABUSE, Concern.OTHER_HARM),
    )
    sent = json.loads(ReferralSubmitted(referral=base).model_dump_json())["referral"]
    shuffle(sent, order)
    sent["reported_at"] = base.reported_at.astimezone(timezone(timedelta(hours=offset))).isoformat()
    sent["concerns"] += sent["concerns"][:1] if twice else []
    sent["offence_period"] = {"ongoing": False}
    again = ReferralSubmitted.model_validate_json(json.dumps({"referral": sent})).referral
    assert content_hash(again) == content_hash(base)


def shuffle(node: Any, order: Random) -> None:
    if isinstance(node, list):
        order.shuffle(node)
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        shuffle(inner, order)


def test_what_the_releases_before_stored_is_known_again() -> None:
    sent = submitted(concerns=(Concern.GROOMING, Concern.CONTACT_SEXUAL_ABUSE))
    assert former_hash(sent.referral) != content_hash(sent.referral)
    held = replace(the_referral(), content_hash=former_hash(sent.referral))
    assert ask(sent, held).outcome is Outcome.REPEATED
    more = supplied()
    held = replace(the_referral(), supplements=frozenset({former_hash(more.supplement)}))
    assert ask(more, held).outcome is Outcome.REPEATED


def test_the_hash_of_a_content_is_the_same_in_every_release() -> None:
    """If this fails, a partner that repeats a referral after the upgrade is told that it changed."""
    assert former_hash(referral()).hex() == "36e263cb9c40b52593fb1bc579d01b20f26aa944966e6a03205af1760fd8e96d"
    assert former_hash(supplied().supplement).hex() == "2c8ed894a09218f9d6580f59a836b5a9bccd16becb5ab6b1acdc1a83730573ec"
    assert content_hash(referral()).hex() == "36e263cb9c40b52593fb1bc579d01b20f26aa944966e6a03205af1760fd8e96d"
    assert content_hash(supplied().supplement).hex() == "2c8ed894a09218f9d6580f59a836b5a9bccd16becb5ab6b1acdc1a83730573ec"


@pytest.mark.parametrize(
    "change", [{"immediate_danger": True}, {"group_based": False}, {"places": (place("L1"), place("L2"))}]
)
def test_any_field_makes_another_content(change: dict[str, Any]) -> None:
    assert content_hash(referral(**change)) != content_hash(referral())


# Who sends it


@pytest.mark.parametrize(
    ("message", "field"),
    list(
        zip(of_each_kind(SOUTH), ["referral.partner_id", "supplement.partner_id", "partner_id", "partner_id"], strict=True)
    ),
)
def test_a_body_that_names_another_partner_is_refused(message: PartnerMessage, field: str) -> None:
    answer = ask(message, the_referral())
    assert told(answer) == [f"identity_mismatch at {field}"]
    assert answer.event.partner_id == NORTH  # type: ignore[attr-defined]  # told() saw what it is
    assert answer.held is None, "nothing is said of a referral that might be another's"


@pytest.mark.parametrize("message", of_each_kind())
def test_a_suspended_partner_is_refused_whatever_it_sends(message: PartnerMessage) -> None:
    assert [each.partition(" ")[0] for each in told(ask(message, the_referral(), SUSPENDED))] == ["partner_suspended"]


# Memoranda of Understanding


@pytest.mark.parametrize(
    ("first", "last", "outcome"),
    [
        ("2026-11-23", "2026-11-23", Outcome.RECEIVED),
        ("2026-11-24", "2026-12-31", Outcome.REJECTED),
        ("2026-01-01", "2026-11-22", Outcome.REJECTED),
    ],
)
def test_a_mou_is_in_force_from_its_first_day_to_its_last(first: str, last: str, outcome: Outcome) -> None:
    assert ask(submitted(), partner=with_mous(terms(first, last))).outcome is outcome


def test_the_date_of_receipt_is_the_united_kingdoms() -> None:
    half_past_midnight_of_the_second = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    ends, begins = with_mous(terms("2026-01-01", "2026-07-01")), with_mous(terms("2026-07-02", "2026-12-31"))
    message = submitted(reported_at=half_past_midnight_of_the_second)
    assert ask(message, partner=ends, now=half_past_midnight_of_the_second).outcome is Outcome.REJECTED
    assert ask(message, partner=begins, now=half_past_midnight_of_the_second).outcome is Outcome.RECEIVED


LAST_DAY = with_mous(terms("2026-01-01", "2026-12-30"))
MIDNIGHT = datetime(2026, 12, 31, tzinfo=UTC)


@given(taken=st.integers(-86_400, 86_400), later=st.integers(0, 14 * 86_400))
def test_a_mou_is_judged_by_when_the_hub_took_the_referral_however_much_later_it_is_handled(taken: int, later: int) -> None:
    at = MIDNIGHT + timedelta(seconds=taken)
    made = replace(submission(submitted(reported_at=NOW)), sent_at=at)
    answer = rules.answer(rules.receive, made, LAST_DAY, None, scene(now=at + timedelta(seconds=later)))
    assert answer.outcome is (Outcome.RECEIVED if at < MIDNIGHT else Outcome.REJECTED)


def test_a_mou_that_the_partner_does_not_have_is_refused() -> None:
    assert told(ask(submitted(mou_reference="MOU-OTHER"))) == ["mou_unknown at referral.mou_reference"]


def test_a_suspended_mou_is_not_in_force() -> None:
    partner = with_mous(terms("2026-01-01", "2026-12-31", suspended=True))
    assert told(ask(submitted(), partner=partner)) == ["mou_not_in_force at referral.mou_reference"]


def test_a_mou_renewed_under_its_reference_is_in_force() -> None:
    partner = with_mous(terms("2025-01-01", "2025-12-31"), terms("2026-01-01", "2026-12-31"))
    assert ask(submitted(), partner=partner).outcome is Outcome.RECEIVED


@pytest.mark.parametrize("message", of_each_kind()[1:])
def test_a_lapsed_mou_does_not_stop_what_is_said_of_running_referrals(message: PartnerMessage) -> None:
    assert ask(message, the_referral(), UNREGISTERED_MOU).outcome is Outcome.FORWARDED


def test_the_last_days_of_mous_in_force_come_soonest_first() -> None:
    today = date(2026, 11, 23)
    mous = [terms("2026-01-01", last) for last in ("2026-12-24", "2026-11-22", "2026-11-23", "2026-12-23")]
    found = rules.last_days([with_mous(*mous), SUSPENDED], today)
    assert found == [date(2026, 11, 23), date(2026, 12, 23), date(2026, 12, 24)]


# Size and time


def test_a_record_of_the_largest_size_is_taken_and_one_byte_more_is_not() -> None:
    size = len(submission(submitted()).body)
    assert ask(submitted(), max_bytes=size).outcome is Outcome.RECEIVED
    assert told(ask(submitted(), max_bytes=size - 1)) == ["referral_too_large at value"]
    assert told(ask(supplied(), the_referral(), max_bytes=10)) == ["referral_too_large at value"]


def test_a_time_up_to_five_minutes_ahead_is_a_clock_that_differs() -> None:
    ahead = NOW + timedelta(minutes=5)
    late = ahead + timedelta(microseconds=1)
    assert ask(submitted(reported_at=ahead)).outcome is Outcome.RECEIVED
    assert told(ask(submitted(reported_at=late))) == ["time_in_future at referral.reported_at"]
    assert told(ask(supplied(supplied_at=late), the_referral())) == ["time_in_future at supplement.supplied_at"]


@pytest.mark.parametrize("hours", [1, 2, 48])
def test_a_clock_of_ours_that_is_behind_is_not_the_senders_fault(hours: int) -> None:
    behind = scene(now=NOW - timedelta(hours=hours))
    sent = submission(submitted(reported_at=NOW))
    assert rules.receive(sent, PARTNER, None, behind).outcome is Outcome.REJECTED
    assert rules.receive(sent, PARTNER, None, replace(behind, latest=NOW)).outcome is Outcome.RECEIVED
    assert rules.receive(replace(sent, sent_at=NOW), PARTNER, None, behind).outcome is Outcome.RECEIVED


@given(days=st.integers(-400, 400), agreed=st.sampled_from(["named", "home", "both"]))
def test_an_agreement_counts_from_the_day_on_which_it_was_given(days: int, agreed: str) -> None:
    day = NOW.date() + timedelta(days=days)
    update: dict[str, Any] = {}
    if agreed != "home":
        update["identity"] = NamedWithConsent(name=CANARY, consented_on=day)
    if agreed != "named":
        update["home_area_consented_on"] = day
    who = person("V7").model_copy(update=update)
    fields = {"named": ["identity.consented_on"], "home": ["home_area_consented_on"]}
    fields["both"] = fields["named"] + fields["home"]
    for path, answer in (
        ("referral", ask(submitted(persons=(who,)))),
        ("supplement", ask(supplied(persons=(who,)), the_referral())),
    ):
        if days <= 0:
            assert answer.outcome in {Outcome.RECEIVED, Outcome.FORWARDED}
        else:
            assert told(answer) == [f"time_in_future at {path}.persons[0].{field}" for field in fields[agreed]]


TODAY = NOW.date()
TOMORROW = TODAY + timedelta(days=1)
TO_COME: dict[str, dict[str, Any]] = {
    "persons[0].identity.date_of_birth": {
        "persons": (
            person("V7").model_copy(
                update={"identity": NamedWithConsent(name="x", date_of_birth=TOMORROW, consented_on=TODAY)}
            ),
        )
    },
    "places[0].period.first_on": {"places": (place("L1").model_copy(update={"period": OffencePeriod(first_on=TOMORROW)}),)},
    "places[0].period.last_on": {"places": (place("L1").model_copy(update={"period": OffencePeriod(last_on=TOMORROW)}),)},
    "offence_period.first_on": {"offence_period": OffencePeriod(first_on=TOMORROW)},
    "informed_agencies[0].informed_on": {
        "informed_agencies": (InformedAgency(kind=AgencyKind.OTHER, name="x", informed_on=TOMORROW),)
    },
}


@pytest.mark.parametrize("field", TO_COME)
def test_a_day_that_has_not_come_is_named(field: str) -> None:
    """Nobody was born, abused or told tomorrow."""
    assert told(ask(submitted(**TO_COME[field]))) == [f"time_in_future at referral.{field}"]
    if field.startswith("p"):
        answer = ask(supplied(**TO_COME[field], corrects=True), the_referral())
        assert told(answer) == [f"time_in_future at supplement.{field}"]


def test_every_problem_is_told_at_once() -> None:
    message = submitted(mou_reference="MOU-OTHER", reported_at=NOW + timedelta(days=1))
    assert [each.partition(" ")[0] for each in told(ask(message, max_bytes=1))] == [
        "referral_too_large",
        "time_in_future",
        "mou_unknown",
    ]


# What is said of a referral


@pytest.mark.parametrize("message", of_each_kind()[1:])
def test_what_is_said_of_an_unknown_referral_may_be_tried_again(message: PartnerMessage) -> None:
    answer = ask(message)
    assert told(answer)[0].startswith("referral_unknown at ")
    assert answer.event.problems[0].retryable  # type: ignore[attr-defined]  # told() saw what it is
    assert answer.held is None


@pytest.mark.parametrize("message", [supplied(), reconsideration()])
def test_a_withdrawn_referral_takes_nothing_more(message: PartnerMessage) -> None:
    assert told(ask(message, withdrawn_referral()))[0].startswith("referral_withdrawn at ")


def test_information_is_forwarded_and_its_ids_belong_to_the_referral_from_then_on() -> None:
    message = supplied(persons=(person("V2", "L1", "L2"),), places=(place("L2"),))
    answer = ask(message, the_referral())
    assert answer.event == intake.InformationSupplied(referral_id=FIRST_ID, supplement=message.supplement)
    assert answer.held is not None
    assert (answer.held.place_ids, answer.held.person_ids) == (frozenset({"L1", "L2"}), frozenset({"V1", "V2"}))
    assert ask(supplied(text="More", persons=(person("V3", "L2"),)), answer.held).outcome is Outcome.FORWARDED


def test_danger_told_of_in_words_that_were_sent_before_is_news() -> None:
    first = ask(supplied(text="She is back there."), the_referral())
    assert first.held is not None
    again = ask(supplied(text="She is back there.", immediate_danger=True), first.held)
    assert again.outcome is Outcome.FORWARDED
    assert isinstance(again.event, intake.InformationSupplied)
    assert again.event.supplement.immediate_danger


def test_the_same_information_again_is_repeated() -> None:
    message = supplied(persons=(person("V2"),))
    held = ask(message, the_referral()).held
    assert ask(message, held).outcome is Outcome.REPEATED
    assert ask(message, ask(withdrawn(), held).held).outcome is Outcome.REPEATED


def test_a_person_tied_to_a_place_that_nobody_described_is_refused() -> None:
    message = supplied(persons=(person("V2", "L1"), person("V3", "L1", "L9")))
    assert told(ask(message, the_referral())) == ["place_unknown at supplement.persons[1].place_ids[1]"]


def test_an_id_that_is_taken_is_refused_unless_it_corrects() -> None:
    persons, places = (person("V2"), person("V1")), (place("L2"), place("L1"))
    assert told(ask(supplied(persons=persons, places=places), the_referral())) == [
        "local_id_taken at supplement.persons[1].person_id",
        "local_id_taken at supplement.places[1].place_id",
    ]
    corrected = ask(supplied(persons=persons, places=places, corrects=True), the_referral())
    assert (corrected.outcome, corrected.codes) == (Outcome.FORWARDED, ("corrects",))


@pytest.mark.parametrize("corrects", [False, True])
def test_an_id_that_occurs_twice_in_one_supplement_is_refused(corrects: bool) -> None:
    message = supplied(persons=(person("V2"), person("V2")), corrects=corrects)
    assert told(ask(message, the_referral())) == ["local_id_repeated at supplement.persons[1].person_id"]


FULL = [
    {"supplements": frozenset(number.to_bytes(32, "big") for number in range(rules.MOST_ADDITIONS))},
    {"added_bytes": rules.MOST_ADDED_BYTES},
    {"person_ids": frozenset(f"P{number}" for number in range(rules.MOST_LOCAL_IDS))},
]


@pytest.mark.parametrize("much", FULL)
def test_a_referral_that_is_full_takes_nothing_more_but_what_says_danger_or_withdraws(much: dict[str, Any]) -> None:
    held = replace(the_referral(), **much)
    assert told(ask(supplied(persons=(person("V2"),)), held)) == ["referral_full at supplement"]
    assert ask(supplied(persons=(person("V2"),), immediate_danger=True), held).outcome is Outcome.FORWARDED
    assert ask(withdrawn(), held).outcome is Outcome.FORWARDED


def test_a_correction_of_whom_the_hub_knows_is_taken_however_many_it_knows() -> None:
    held = replace(the_referral(), person_ids=frozenset(f"P{number}" for number in range(rules.MOST_LOCAL_IDS)))
    assert ask(supplied(persons=(person("P7"),), corrects=True), held).outcome is Outcome.FORWARDED


def test_no_more_problems_are_told_than_a_person_will_read() -> None:
    message = supplied(persons=tuple(person(f"W{number}", "L9") for number in range(100)))
    assert len(told(ask(message, the_referral()))) == rules.MOST_PROBLEMS


def test_a_withdrawal_is_forwarded_once() -> None:
    answer = ask(withdrawn(), the_referral())
    assert isinstance(answer.event, intake.ReferralWithdrawn)
    assert (answer.outcome, answer.codes) == (Outcome.FORWARDED, ("sent_in_error",))
    assert answer.held is not None
    assert answer.held.withdrawn_at == NOW
    assert ask(withdrawn(), answer.held).outcome is Outcome.REPEATED


def test_a_second_look_can_be_asked_for_once() -> None:
    answer = ask(reconsideration(), the_referral())
    assert isinstance(answer.event, intake.ReconsiderationRequested)
    assert answer.outcome is Outcome.FORWARDED
    again = ask(reconsideration(), answer.held)
    assert told(again) == ["reconsideration_already_requested at partner_reference"]


def test_a_record_that_cannot_be_read_is_answered_with_everything_that_was_wrong() -> None:
    found = (problems.problem("place_unknown", "a"), problems.problem("local_id_taken", "b"))
    docket = submission(submitted()).docket._replace(partner_reference=None)
    assert told(rules.refuse(docket, PARTNER, found)) == ["place_unknown at a", "local_id_taken at b"]
    assert told(rules.refuse(docket, SUSPENDED, found))[0] == "partner_suspended at partner_id"


# What holds always

MESSAGES = [
    *of_each_kind(),
    *of_each_kind(SOUTH),
    submitted(narrative="Something else"),
    submitted(mou_reference="MOU-OTHER"),
    supplied(persons=(person("V2", "L1"),)),
    supplied(persons=(person("V2", "L1"),), corrects=True),
]


@given(st.lists(st.sampled_from(MESSAGES), max_size=12))
def test_whatever_is_sent_in_whatever_order_one_reference_names_one_referral(messages: list[PartnerMessage]) -> None:
    held: Held | None = None
    outcomes: list[Outcome] = []
    for message in messages:
        answer = ask(message, held)
        if held is not None and answer.held is not None:
            assert answer.held.referral_id == held.referral_id
        held = answer.held or held
        outcomes.append(answer.outcome)
        assert (answer.outcome is Outcome.REJECTED) == isinstance(answer.event, intake.SubmissionRejected)
        assert CANARY not in " ".join(answer.codes)
        if isinstance(answer.event, intake.SubmissionRejected):
            assert CANARY not in answer.event.model_dump_json()
    assert outcomes.count(Outcome.RECEIVED) == (held is not None)


@given(st.sampled_from(MESSAGES), st.sampled_from([None, the_referral(), withdrawn_referral()]))
def test_what_was_answered_well_is_repeated_when_it_comes_again(message: PartnerMessage, held: Held | None) -> None:
    first = ask(message, held)
    again = ask(message, first.held)
    if first.outcome in {Outcome.RECEIVED, Outcome.REPEATED} or (
        first.outcome is Outcome.FORWARDED and first.event.type != intake.ReconsiderationRequested.type
    ):
        assert again.outcome is Outcome.REPEATED


def test_every_text_fits_a_problem_and_blames_the_sender() -> None:
    for code in problems._TEXTS:
        made = problems.problem(code, "field")
        assert (made.origin, made.retryable) == (Origin.SENDER, False)
        assert made.message.endswith(".")
