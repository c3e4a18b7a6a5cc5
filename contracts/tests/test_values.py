"""What a partner may say of a case, and what contradicts itself."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from conduit_contracts.base import Value
from conduit_contracts.explain import problems_from
from conduit_contracts.ids import DistrictCode, ReferralId, uuid7
from conduit_contracts.programme import Contact, Mou
from conduit_contracts.referral import (
    Caseworker,
    Characteristic,
    ComplexityClaim,
    Concern,
    Ground,
    HandlingCaveat,
    HandlingCode,
    Identity,
    Marking,
    NamedWithConsent,
    NamedWithoutConsent,
    OffencePeriod,
    OffencePlace,
    Person,
    PlaceKind,
    Pseudonymous,
    Referral,
    Setting,
    Supplement,
    check_local_ids,
)
from conduit_contracts.triage import DecideReview
from contracts.tests.support import Json, examples

REFERRAL: Json = examples()["uk.conduit.partner.referral-submitted.v1"].value["referral"]
SUPPLEMENT: Json = examples()["uk.conduit.partner.information-supplied.v1"].value["supplement"]
OFFICER = {"referral_id": str(uuid7()), "officer_id": "officer.one"}
MOU: Json = examples()["uk.conduit.programme.partner-registered.v1"].value["mous"][0]


def read(model: type[Value], **fields: Any) -> Value:
    return model.model_validate_json(json.dumps(fields))


def refusal(model: type[Value], **fields: Any) -> list[tuple[str, str]]:
    """Code and field of every problem."""
    with pytest.raises(ValidationError) as caught:
        read(model, **fields)
    return [(problem.code, problem.field) for problem in problems_from(caught.value)]


ALLOWED = [
    (OffencePeriod, {}),
    (OffencePeriod, {"first_on": "2023-01-01", "last_on": "2023-01-01"}),
    (OffencePeriod, {"last_on": "2023-01-01"}),
    (OffencePeriod, {"first_on": "2023-01-01", "ongoing": True}),
    (Characteristic, {"code": "W1", "source": "self_defined"}),
    (Characteristic, {"code": "GB", "source": "recorded_by_agency"}),
    (Characteristic, {"not_recorded": "refused"}),
    (ComplexityClaim, {"ground": "number_of_victims", "reason": "Five."}),
    (ComplexityClaim, {"ground": "nature_of_investigation", "nature_factor": "institution", "reason": "A school."}),
    (OffencePlace, {"place_id": "L1", "district_code": "E08000025"}),
    (OffencePlace, {"place_id": "L1", "force_id": "west-midlands"}),
    (OffencePlace, {"place_id": "L1", "country": "FR"}),
    (OffencePlace, {"place_id": "L1", "description": "A park, nobody knows which."}),
    (OffencePlace, {"place_id": "L1", "address": "1 Example Street, Exampleton", "period": {"first_on": "2023-01-01"}}),
    (Caseworker, {"name": "Example", "email": "a@b.example", "safe_contact": "Mornings only."}),
    (Supplement, {**SUPPLEMENT, "immediate_danger": True, "urgency": "urgent"}),
    (Supplement, {**SUPPLEMENT, "immediate_danger": False}),
    (HandlingCaveat, {}),
    (HandlingCaveat, {"code": "C", "conditions": "Ask us first."}),
    (Caseworker, {"name": "Example", "email": "a@b.example"}),
    (Caseworker, {"name": "Example", "telephone": "+44 (0)100 000-000"}),
    (Contact, {}),
    (Contact, {"webhook_url": "https://hooks.example", "webhook_secret": "hook"}),
    (DecideReview, {**OFFICER, "outcome": "accept", "grounds": ["number_of_victims"]}),
    (DecideReview, {**OFFICER, "outcome": "decline", "decline_reason": "not_complex", "comment": "One household."}),
    (DecideReview, {**OFFICER, "outcome": "request_information", "comment": "Where?"}),
]
CONTRADICTIONS = [
    (OffencePeriod, {"first_on": "2023-01-02", "last_on": "2023-01-01"}),
    (OffencePeriod, {"last_on": "2023-01-01", "ongoing": True}),
    (Characteristic, {}),
    (Characteristic, {"code": "W1"}),
    (Characteristic, {"source": "observed"}),
    (Characteristic, {"code": "W1", "source": "observed", "not_recorded": "refused"}),
    (Characteristic, {"source": "observed", "not_recorded": "refused"}),
    (ComplexityClaim, {"ground": "nature_of_investigation", "reason": "It is."}),
    (ComplexityClaim, {"ground": "number_of_victims", "nature_factor": "institution", "reason": "It is."}),
    (OffencePlace, {"place_id": "L1", "kind": "home"}),
    (OffencePlace, {"place_id": "L1", "kind": "home", "period": {"first_on": "2023-01-01"}}),
    (HandlingCaveat, {"code": "C"}),
    (HandlingCaveat, {"code": "P", "conditions": "Ask us first."}),
    (Caseworker, {"name": "Example", "role": "Adviser"}),
    (Contact, {"webhook_url": "https://hooks.example"}),
    (Contact, {"webhook_secret": "hook"}),
    (Mou, {**MOU, "valid_from": "2028-02-01"}),
    (DecideReview, {**OFFICER, "outcome": "accept"}),
    (DecideReview, {**OFFICER, "outcome": "decline", "comment": "No."}),
    (DecideReview, {**OFFICER, "outcome": "decline", "decline_reason": "not_complex"}),
    (DecideReview, {**OFFICER, "outcome": "request_information"}),
    (DecideReview, {**OFFICER, "outcome": "accept", "grounds": ["number_of_victims"], "decline_reason": "duplicate"}),
]
MALFORMED = [
    (Characteristic, {"code": "w1", "source": "observed"}, [("format_invalid", "code")]),
    (OffencePlace, {"place_id": "1", "country": "FR"}, [("format_invalid", "place_id")]),
    (OffencePlace, {"place_id": "L1", "district_code": "Birmingham"}, [("format_invalid", "district_code")]),
    (OffencePlace, {"place_id": "L1", "country": "France"}, [("format_invalid", "country")]),
    (OffencePlace, {"place_id": "L1", "address": "Two\nlines"}, [("format_invalid", "address")]),
    (
        OffencePlace,
        {"place_id": "L1", "address": "Example", "period": {"first_on": "2023-01-02", "last_on": "2023-01-01"}},
        [("value_inconsistent", "period")],
    ),
    (Supplement, {**SUPPLEMENT, "immediate_danger": "yes"}, [("field_type", "immediate_danger")]),
    (Supplement, {**SUPPLEMENT, "imediate_danger": True}, [("field_unknown", "imediate_danger")]),
    (OffencePeriod, {"first_on": "01/02/2023"}, [("format_invalid", "first_on")]),
    (OffencePeriod, {"ongoing": "yes"}, [("field_type", "ongoing")]),
    (Caseworker, {"name": "Two\nlines", "email": "a@b.example"}, [("format_invalid", "name")]),
    (Caseworker, {"name": "", "email": "a@b.example"}, [("length_out_of_range", "name")]),
    (Caseworker, {"name": "Example", "email": "a@b.example\r\nBcc: c@d.example"}, [("format_invalid", "email")]),
    (Caseworker, {"name": "Example", "telephone": "call me"}, [("format_invalid", "telephone")]),
    (Contact, {"webhook_url": "ftp://hooks.example", "webhook_secret": "hook"}, [("format_invalid", "webhook_url")]),
    (
        DecideReview,
        {**OFFICER, "referral_id": "4b1b6e1e-0000-4000-8000-000000000000"},
        [("format_invalid", "referral_id"), ("field_missing", "outcome")],
    ),
]


@pytest.mark.parametrize(("model", "fields"), ALLOWED)
def test_what_agrees_with_itself_is_taken(model: type[Value], fields: dict[str, Any]) -> None:
    assert read(model, **fields)


@pytest.mark.parametrize(("model", "fields"), CONTRADICTIONS)
def test_what_contradicts_itself_is_refused(model: type[Value], fields: dict[str, Any]) -> None:
    assert refusal(model, **fields) == [("value_inconsistent", "value")]


@pytest.mark.parametrize(("model", "fields", "expected"), MALFORMED)
def test_what_has_the_wrong_form_is_named(
    model: type[Value], fields: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert refusal(model, **fields) == expected


@pytest.mark.parametrize("also", [{}, {"period": {"ongoing": True}}, {"description": None, "country": None}])
def test_an_online_place_needs_no_more_than_that_and_has_words_for_whoever_reads_it(also: Json) -> None:
    """Readers of every release want a place to say something beside its kind."""
    place = read(OffencePlace, place_id="L1", kind="online", **also)
    written = json.loads(place.model_dump_json(exclude_unset=True))
    assert written["description"] == "Online. No place is known."
    assert read(OffencePlace, **written) == place
    assert read(OffencePlace, place_id="L1", kind="online", district_code="E07000148").model_dump()["description"] is None


@pytest.mark.parametrize("kind", sorted(set(PlaceKind) - {PlaceKind.ONLINE}))
def test_a_place_of_another_kind_says_where_it_is(kind: str) -> None:
    assert refusal(OffencePlace, place_id="L1", kind=kind) == [("value_inconsistent", "value")]


def test_the_handling_of_a_referral_is_sensitive_unless_its_partner_says_otherwise() -> None:
    silent = {key: value for key, value in REFERRAL.items() if key != "handling"}
    caveat = Referral.model_validate_json(json.dumps(silent)).handling
    assert (caveat.marking, caveat.code) == (Marking.OFFICIAL_SENSITIVE, HandlingCode.P)


@pytest.mark.parametrize(
    "name", ["immediate_danger", "urgency", "numbers", "concerns", "legal_ground", "mou_reference", "narrative"]
)
def test_a_referral_cannot_leave_out_what_a_force_acts_on(name: str) -> None:
    assert refusal(Referral, **{key: value for key, value in REFERRAL.items() if key != name}) == [("field_missing", name)]


def test_a_text_alone_is_a_referral_without_persons_or_places() -> None:
    bare = {key: value for key, value in REFERRAL.items() if key not in {"persons", "places", "claims", "setting"}}
    referral = Referral.model_validate_json(json.dumps(bare))
    assert (referral.persons, referral.places, referral.setting) == ((), (), Setting.UNKNOWN)


@pytest.mark.parametrize("text", ["a\x00b", "\x00"])
def test_a_nul_is_refused_because_the_database_cannot_hold_it(text: str) -> None:
    assert refusal(Referral, **{**REFERRAL, "narrative": text}) == [("format_invalid", "narrative")]
    assert refusal(Supplement, **{**SUPPLEMENT, "text": text}) == [("format_invalid", "text")]


def test_a_narrative_keeps_its_lines() -> None:
    text = "One.\n\tTwo.\r\nÞrjú 三 🙂"
    assert Referral.model_validate_json(json.dumps({**REFERRAL, "narrative": text})).narrative == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"persons": [REFERRAL["persons"][0]] * 2}, "Two persons have the same person_id."),
        ({"places": [*REFERRAL["places"], REFERRAL["places"][0]]}, "Two places have the same place_id."),
        ({"places": REFERRAL["places"][:1]}, "A person's place_ids names a place that is not in places."),
    ],
)
def test_local_ids_are_unique_and_name_places_that_are_there(change: Json, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Referral.model_validate_json(json.dumps({**REFERRAL, **change}))
    assert [problem.message for problem in problems_from(caught.value)] == [message]


def test_a_supplement_may_tie_a_person_to_a_place_of_the_referral() -> None:
    supplement = Supplement.model_validate_json(json.dumps({**SUPPLEMENT, "places": []}))
    check_local_ids(supplement.persons, supplement.places, {"L4"})
    with pytest.raises(ValueError, match="not in places"):
        check_local_ids(supplement.persons, supplement.places, {"L1"})


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ({"kind": "named_with_consent", "name": "Example", "consented_on": "2026-01-01"}, NamedWithConsent),
        (
            {"kind": "named_without_consent", "name": "Example", "legal_ground": "vital_interests", "reason": "Danger."},
            NamedWithoutConsent,
        ),
        ({"kind": "pseudonymous", "pseudonym": "Example"}, Pseudonymous),
    ],
)
def test_every_person_stands_in_one_of_three_forms(identity: Json, expected: type[Value]) -> None:
    assert isinstance(TypeAdapter(Identity).validate_json(json.dumps(identity)), expected)


@pytest.mark.parametrize(
    ("identity", "problem"),
    [
        ({"name": "Example"}, ("field_missing", "identity.kind")),
        ({"kind": "named", "name": "Example"}, ("value_not_allowed", "identity.kind")),
        ({"kind": "named_with_consent", "name": "Example"}, ("field_missing", "identity.consented_on")),
        ({"kind": "named_without_consent", "name": "E", "reason": "r"}, ("field_missing", "identity.legal_ground")),
        ({"kind": "pseudonymous", "pseudonym": "E", "name": "E"}, ("field_unknown", "identity.name")),
    ],
)
def test_nobody_is_named_without_consent_or_a_ground(identity: Json, problem: tuple[str, str]) -> None:
    assert refusal(Person, person_id="V1", role="victim", identity=identity) == [problem]


@pytest.mark.parametrize("age", [-1, 121, 13.5, "13", True])
def test_ages_are_whole_years_of_a_life(age: object) -> None:
    person = REFERRAL["persons"][0]
    assert [field for _, field in refusal(Person, **{**person, "age_at_offence": age})] == ["age_at_offence"]


def test_exploitation_stands_among_the_forms_of_abuse_and_not_beside_them() -> None:
    concerns = {concern for concern in Concern if concern is not Concern.OTHER_HARM}
    assert Concern.CHILD_SEXUAL_EXPLOITATION in concerns
    assert len(Ground) == 4


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_an_id_sorts_by_its_time(milliseconds: int, rest: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("conduit_contracts.ids.time.time_ns", lambda: milliseconds * 1_000_000)
        patch.setattr("conduit_contracts.ids.os.urandom", lambda _: rest)
        made = uuid7()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == milliseconds
    assert TypeAdapter(ReferralId).validate_python(made) == made


def test_ids_made_together_differ() -> None:
    assert len({uuid7() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("code", ["E08000025", "W06000001", "S12000047", "N09000003"])
def test_district_codes_of_all_four_nations_are_taken(code: str) -> None:
    assert TypeAdapter(DistrictCode).validate_python(code) == code


def test_values_cannot_be_changed_after_they_are_made() -> None:
    period = OffencePeriod(first_on=date(2023, 1, 1))
    with pytest.raises(ValidationError):
        period.first_on = date(2024, 1, 1)  # type: ignore[misc] - that is the point
    with pytest.raises(ValidationError):
        Supplement(
            partner_id="a",
            partner_reference="b",
            text="c",
            supplied_at=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None),
        )
