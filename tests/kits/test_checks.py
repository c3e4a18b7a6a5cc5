"""A partner learns from its kit what the hub would say, in the hub's own words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts import intake
from conduit_contracts.danger import CODE, NOT_SENT
from conduit_contracts.envelope import dump
from conduit_contracts.ids import uuid7
from conduit_contracts.kits import InvalidError, build, checks
from conduit_contracts.kits.submission import PartnerMessage, Submission, prepare, reference_of
from conduit_contracts.partner import (
    InformationSupplied,
    ReconsiderationRequested,
    ReferralSubmitted,
    ReferralWithdrawn,
    WithdrawalReason,
)
from conduit_contracts.problems import Problem
from conduit_intake import rules
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import Held, Mou, Partner, SubmissionContext, SubmissionKind
from conduit_intake.submissions import Submission as HubSubmission
from tests.kits.samples import CANARY, NOW, fields, information

NORTH, REFERENCE = "northlight", "NL-1"
MOU = Mou(reference="MOU-NORTHLIGHT", valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31))
RULES: dict[type, Any] = {
    ReferralSubmitted: rules.receive,
    InformationSupplied: rules.supply,
    ReferralWithdrawn: rules.withdraw,
    ReconsiderationRequested: rules.reconsider,
}


def submitted(partner_id: str = NORTH, **changes: Any) -> ReferralSubmitted:
    return ReferralSubmitted(referral=build.referral(partner_id, REFERENCE, **fields(**changes)))


def supplied(partner_id: str = NORTH, **changes: Any) -> InformationSupplied:
    return InformationSupplied(supplement=build.supplement(partner_id, REFERENCE, **information(**changes)))


def withdrawn(partner_id: str = NORTH) -> ReferralWithdrawn:
    return ReferralWithdrawn(partner_id=partner_id, partner_reference=REFERENCE, reason=WithdrawalReason.OTHER)


def reconsideration(partner_id: str = NORTH) -> ReconsiderationRequested:
    return ReconsiderationRequested(partner_id=partner_id, partner_reference=REFERENCE, comment="Synthetic.")


def hub_says(message: PartnerMessage) -> Sequence[Problem]:
    """The problems of the hub's own rules, where its register and its memory have nothing against the message."""
    scene = SubmissionContext(
        now=NOW, max_bytes=IntakeSettings.model_fields["max_referral_bytes"].default, zone=ZoneInfo("Europe/London")
    )
    held = Held(uuid7(), b"", NOW, frozenset({"L1"}), frozenset())
    partner = Partner(partner_id=NORTH, mous=(MOU,))
    answer = rules.answer(
        RULES[type(message)],
        HubSubmission("topic/0/0", NORTH, message, dump(message)),
        partner,
        None if isinstance(message, ReferralSubmitted) else held,
        scene,
    )
    return answer.event.problems if isinstance(answer.event, intake.SubmissionRejected) else ()


def kit_says(message: PartnerMessage) -> Sequence[Problem]:
    return checks.check(NORTH, prepare(NORTH, message), NOW)


def person(person_id: str) -> dict[str, Any]:
    return {"person_id": person_id, "role": "witness", "identity": {"kind": "pseudonymous", "pseudonym": CANARY}}


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        (submitted(), []),
        (supplied(), []),
        (withdrawn(), []),
        (reconsideration(), []),
        *((make("harbour-trust"), ["identity_mismatch"]) for make in (submitted, supplied, withdrawn, reconsideration)),
        (submitted(reported_at=NOW + timedelta(hours=1)), ["time_in_future"]),
        (supplied(supplied_at=NOW + timedelta(hours=1)), ["time_in_future"]),
        (supplied(persons=[person("V2"), person("V2")]), ["local_id_repeated"]),
        (submitted(persons=[{**person("V2"), "home_area_consented_on": "2030-01-01"}]), ["time_in_future"]),
        (supplied(persons=[{**person("V2"), "home_area_consented_on": "2030-01-01"}], supplied_at=NOW + timedelta(hours=1)),
            ["time_in_future"] * 2),
        (submitted(offence_period={"first_on": "2030-01-01", "last_on": "2030-01-02"}), ["time_in_future"] * 2),
        (supplied(places=[{"place_id": "L2", "country": "GB", "period": {"first_on": "2030-01-01"}}]), ["time_in_future"]),
        (supplied(places=[{"place_id": "L2", "country": "GB"}] * 3), ["local_id_repeated"] * 2),
        (supplied(persons=[person("V2")] * 30), ["local_id_repeated"] * 20),
        (submitted(informed_agencies=[{"kind": "other", "name": "x" * 200}] * 50, persons=[
            {**person(f"P{number}"), "identity": {
                "kind": "named_without_consent", "name": CANARY, "legal_ground": "public_task", "reason": "y" * 4_000}}
            for number in range(70)]), ["referral_too_large"]),
    ],
)  # fmt: skip
def test_the_kit_finds_what_the_hub_finds(message: PartnerMessage, codes: list[str]) -> None:
    assert [problem.code for problem in kit_says(message)] == codes
    assert list(kit_says(message)) == list(hub_says(message))


@given(
    ids=st.lists(st.sampled_from(["A", "B", "C"]), max_size=5),
    places=st.lists(st.sampled_from(["L2", "L3"]), max_size=4),
    late=st.timedeltas(timedelta(minutes=-10), timedelta(minutes=10)),
    who=st.sampled_from([NORTH, "harbour-trust"]),
)
def test_of_any_added_information_kit_and_hub_say_the_same(
    ids: list[str], places: list[str], late: timedelta, who: str
) -> None:
    message = supplied(
        who,
        persons=[person(each) for each in ids],
        places=[{"place_id": each, "country": "GB"} for each in places],
        supplied_at=NOW + late,
    )
    assert list(kit_says(message)) == list(hub_says(message))


def test_every_kind_that_the_hub_takes_has_a_rule_here() -> None:
    assert len(RULES) == len(set(SubmissionKind) - {SubmissionKind.UNREADABLE}) == len(PartnerMessage.__args__)


def test_a_record_is_read_as_closed_as_the_hub_reads_it() -> None:
    good = prepare(NORTH, submitted())
    body = json.loads(good.value)
    body["referral"]["imediate_danger"] = True
    misspelt = Submission(good.event_id, good.topic, good.key, good.headers, json.dumps(body).encode())
    first, problem = checks.check(NORTH, misspelt, NOW)
    assert (first.code, first.message) == (CODE, NOT_SENT), "whoever misspells danger says it all the same"
    assert (problem.code, problem.field) == ("field_unknown", "referral.imediate_danger")
    assert "immediate_danger" in problem.message
    headless = Submission(good.event_id, good.topic, good.key, good.headers[1:], good.value)
    assert [each.field for each in checks.check(NORTH, headless, NOW)] == ["ce_specversion"]


def test_plain_values_become_a_referral_and_every_mistake_is_named_without_its_value() -> None:
    assert build.referral(NORTH, REFERENCE, **fields()).urgency.value == "priority"
    with pytest.raises(InvalidError) as error:
        build.referral(NORTH, REFERENCE, **fields(urgency=CANARY, numbers={}, narative=CANARY))
    assert {(each.code, each.field) for each in error.value.problems} == {
        ("value_not_allowed", "referral.urgency".removeprefix("referral.")),
        ("field_missing", "numbers.victims_known"),
        ("field_unknown", "narative"),
    }
    assert CANARY not in str(error.value)


def test_a_submission_keeps_its_event_id_and_differs_in_nothing_else_when_it_is_prepared_again() -> None:
    first = prepare(NORTH, submitted(), said_at=NOW)
    again = prepare(NORTH, submitted(), event_id=first.event_id, said_at=NOW)
    assert first == again
    assert prepare(NORTH, submitted()).event_id != first.event_id
    assert (first.topic, first.key) == ("partner.northlight.referrals.v1", b"NL-1")
    assert reference_of(withdrawn()) == REFERENCE


def test_the_present_is_taken_from_the_clock_where_none_is_given() -> None:
    ahead = datetime.now(NOW.tzinfo) + timedelta(hours=1)
    message = submitted(reported_at=ahead)
    assert [each.code for each in checks.check(NORTH, prepare(NORTH, message))] == ["time_in_future"]


@pytest.mark.parametrize("blank", [" ", "\n\t", "\u200b", "\u3164\u2800"])
def test_what_the_rules_of_entry_refuse_is_refused_before_it_is_sent(blank: str) -> None:
    with pytest.raises(InvalidError) as error:
        submitted(narrative=blank)
    assert [(found.code, found.field) for found in error.value.problems] == [("length_out_of_range", "narrative")]
    made = supplied()
    said = made.model_copy(update={"supplement": made.supplement.model_copy(update={"text": blank})})
    for found in (checks.check(NORTH, prepare(NORTH, said), NOW), checks.check_content(NORTH, said, 100, NOW)):
        assert [(each.code, each.field) for each in found] == [("length_out_of_range", "supplement.text")]
