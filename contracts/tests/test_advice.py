"""Codes, countries and ids that are not what they should be: taken with a warning, or refused with what is meant."""

import csv
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts import places
from conduit_contracts.advice import Advice
from conduit_contracts.countries import countries, is_country, nearest
from conduit_contracts.doubts import OUTSIDE_FORCE_AREAS, advice_on
from conduit_contracts.envelope import Undecodable, read_message
from conduit_contracts.geography import force_area, is_overseas, special_force
from conduit_contracts.kits import build, submission
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.referral import NamedWithConsent, OffencePeriod, OffencePlace, PlaceKind, Referral
from conduit_contracts.schemas import CHECKOUT
from contracts.tests.support import examples

known_codes = st.sampled_from(sorted(places.known_places()))
FIELDS = examples()["uk.conduit.partner.referral-submitted.v1"].value["referral"]


def referral(place: dict[str, Any] | None = None, **person: Any) -> Referral:
    """One place, and one person of these fields."""
    told = {
        "place_id": "L1",
        "description": "somewhere",
        **(place or {}),
    }
    victim = {
        "person_id": "V1",
        "role": "victim",
        "identity": {"kind": "pseudonymous", "pseudonym": "Example"},
        **person,
    }
    fields = {name: value for name, value in FIELDS.items() if name not in {"partner_id", "partner_reference"}}
    return build.referral("example-haven", "EH-1", **{**fields, "places": [told], "persons": [victim]})


def found(place: dict[str, Any] | None = None, **person: Any) -> list[tuple[str, str]]:
    return [(each.code, each.field) for each in advice_on(referral(place, **person))]


def problems(field: str, value: object) -> list[tuple[str, str, str]]:
    """What the edge says of this value in the only place."""
    body = json.loads(referral().model_dump_json(exclude_none=True))
    body["places"][0][field] = value
    try:
        read_message(ReferralSubmitted, json.dumps({"referral": body}).encode(), closed=True)
    except Undecodable as error:
        return [(each.code, each.field, each.message) for each in error.problems]
    return []


@pytest.mark.parametrize(
    ("place", "warnings"),
    [
        ({"district_code": "E08000025", "country": "GB", "force_id": "west-midlands"}, []),
        ({"district_code": "E08000025", "country": "UK"}, [("country_read_as_gb", "places[0].country")]),
        ({"district_code": "E08000025", "country": "FR"}, [("country_contradicts_district", "places[0].country")]),
        ({"country": "FR", "force_id": "kent"}, [("country_contradicts_force", "places[0].country")]),
        ({"country": "FR"}, []),
        ({"district_code": "E07000999"}, [("district_code_unknown", "places[0].district_code")]),
        ({"district_code": "E07000999", "force_id": "kent"}, [("district_code_unknown", "places[0].district_code")]),
        ({"district_code": "L99999999", "country": "JE"}, []),
        ({"force_id": "norfolk-police"}, [("force_id_unknown", "places[0].force_id")]),
        ({"district_code": "E08000025", "force_id": "kent"}, [("force_contradicts_district", "places[0].force_id")]),
        ({"district_code": "E08000025", "force_id": "btp"}, []),
        ({"district_code": "E07000097"}, []),
        (
            {"district_code": "E07000999", "country": "FR", "force_id": "kent"},
            [("country_contradicts_force", "places[0].country"), ("district_code_unknown", "places[0].district_code")],
        ),
        ({"district_code": "N09000003", "force_id": "btp"}, [("force_contradicts_district", "places[0].force_id")]),
        ({"district_code": "L99999999", "force_id": "kent"}, [("force_contradicts_district", "places[0].force_id")]),
        ({"kind": "defence_estate", "force_id": "btp"}, [("force_contradicts_kind", "places[0].force_id")]),
        ({"kind": "railway", "force_id": "btp"}, []),
        ({"kind": "railway", "country": "FR"}, []),
    ],
)
def test_what_is_doubtful_about_a_place_is_said_at_its_field(place: dict[str, Any], warnings: list[tuple[str, str]]) -> None:
    assert found(place) == warnings


def test_what_is_doubtful_about_a_person_is_said_at_its_field() -> None:
    assert found(home_district_code="E07000999") == [("district_code_unknown", "persons[0].home_district_code")]
    assert found(present_district_code="E07000999") == [("district_code_unknown", "persons[0].present_district_code")]
    assert found(ethnicity={"code": "ZZ99", "source": "observed"}) == [("code_not_in_list", "persons[0].ethnicity.code")]
    assert found(nationality={"code": "XX", "source": "observed"}) == [("code_not_in_list", "persons[0].nationality.code")]
    assert found(nationality={"code": "UK", "source": "observed"}) == [("code_not_in_list", "persons[0].nationality.code")]
    assert found(ethnicity={"code": "W1", "source": "observed"}, nationality={"code": "IE", "source": "observed"}) == []
    suspect = {"role": "suspect", "suspect_is_police": True, "suspect_force_id": "norfolk-police"}
    assert found(**suspect) == [("force_id_unknown", "persons[0].suspect_force_id")]


@given(days=st.integers(-400, 400), where=st.sampled_from(["birth", "place", "period"]))
def test_a_day_that_lies_after_the_report_is_doubtful_and_no_earlier_one_is(days: int, where: str) -> None:
    told = referral({"district_code": "E08000025"})
    day = told.reported_at.date() + timedelta(days=days)
    field = {"birth": "persons[0].identity.date_of_birth", "place": "places[0].period.first_on"}.get(
        where, "offence_period.first_on"
    )
    period = OffencePeriod(first_on=day)
    named = NamedWithConsent(name="Example", consented_on=told.reported_at.date(), date_of_birth=day)
    update: dict[str, Any] = {
        "birth": {"persons": (told.persons[0].model_copy(update={"identity": named}),)},
        "place": {"places": (told.places[0].model_copy(update={"period": period}),)},
        "period": {"offence_period": period},
    }[where]
    doubts = [(each.code, each.field) for each in advice_on(told.model_copy(update=update))]
    assert doubts == ([("day_after_report", field)] if days > 1 else []) or days == 1, "some zone has that day already"


def test_a_warning_says_what_is_meant() -> None:
    def text(place: dict[str, Any]) -> str:
        (warning,) = advice_on(referral(place))
        return warning.message

    assert "no force has the case yet" in text({"district_code": "E07000999"})
    assert "Did you mean E070" in text({"district_code": "E07000999"})
    beside = referral({"district_code": "E07000999"}, home_district_code="E08000025")
    assert "this place sends the case to no force" in advice_on(beside)[0].message, "the person's home leads to one"
    assert "goes to Kent Police, which you named" in text({"district_code": "E07000999", "force_id": "kent"})
    railway = text({"district_code": "E07000999", "kind": "railway"})
    assert "only British Transport Police gets this place" in railway
    assert "Did you mean norfolk?" in text({"force_id": "norfolk-police"})
    assert "Send GB." in text({"country": "UK"})


def test_of_a_place_beside_one_that_leads_to_a_force_it_is_not_said_that_none_has_the_case() -> None:
    right = OffencePlace(place_id="L1", district_code="E07000149")
    wrong = OffencePlace(place_id="L2", district_code="E07000999")
    both = referral().model_copy(update={"places": (right, wrong)})
    fields = {"supplied_at": "2026-11-24T10:30:00Z", "text": "Synthetic"}
    added = build.supplement("example-haven", "EH-1", places=[{"place_id": "L2", "district_code": "E07000999"}], **fields)
    for told, field in ((both, "places[1].district_code"), (added, "places[0].district_code")):
        (warning,) = advice_on(told)
        assert warning.field == field
        assert "this place sends the case to no force" in warning.message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("E05000001", "a ward"),
        ("E01000001", "a small statistical area"),
        ("W02000001", "a small statistical area"),
        ("E12000006", "a region"),
        ("E92000001", "a country"),
        ("S14000001", "a constituency"),
    ],
)
def test_a_code_of_something_else_is_told_as_that_and_gets_no_nearest(code: str, kind: str) -> None:
    for warning in (*advice_on(referral({"district_code": code})), *advice_on(referral(home_district_code=code))):
        assert f"This is the code of {kind}, not of a district" in warning.message
        assert "Did you mean" not in warning.message
        assert "GET /v1/places?q=" in warning.message


def test_what_something_else_has_codes_of_is_never_a_place_that_routes() -> None:
    assert [code for code in places.known_places() if places.other_kind(code)] == []


def test_of_a_suspects_misspelt_force_it_is_said_that_no_force_gets_the_case_by_rule() -> None:
    suspect = {"role": "suspect", "suspect_is_police": True, "suspect_force_id": "norfolk-police"}
    (warning,) = advice_on(referral(**suspect))
    assert "No rule sends the case to any force" in warning.message
    assert warning.message.endswith("Did you mean norfolk?")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("district_code", "Leeds", "Did you mean E08000035 (Leeds)?"),
        ("district_code", "e08000025", "Did you mean E08000025 (Birmingham)?"),
        ("district_code", "Brimingham", "Did you mean E08000025 (Birmingham)?"),
        ("district_code", "LS1 4AP", "A postcode is not a district code."),
        ("district_code", "95Z", "Northern Ireland's districts"),
        ("district_code", "somewhere or other", "GET /v1/places?q="),
        ("force_id", "Norfolk Police", "Did you mean norfolk?"),
        ("country", "XX", "ISO 3166-1 has no country"),
        ("country", "EL", "Did you mean GR?"),
        ("country", "EN", "Did you mean GB?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_is(field: str, value: str, words: str) -> None:
    ((_, where, message),) = problems(field, value)
    assert where == f"referral.places[0].{field}"
    assert words in message
    assert value not in message or value in words


def test_every_country_of_the_standard_is_taken_and_uk_beside_them() -> None:
    assert len(countries()) == 249
    for code in (*sorted(countries()), "UK"):
        assert problems("country", code) == []
    assert not is_country("XK")


@given(code=st.from_regex(r"[A-Z]{2}", fullmatch=True))
def test_any_other_two_letters_are_refused_at_the_field(code: str) -> None:
    refused = problems("country", code)
    assert [(each[0], each[1]) for each in refused] == (
        [] if is_country(code) else [("value_not_allowed", "referral.places[0].country")]
    )
    meant = nearest(code)
    assert meant is None or meant in countries()


def test_a_record_that_was_taken_before_is_read_with_any_country() -> None:
    body = json.dumps({"place_id": "L1", "country": "XX"}).encode()
    assert read_message(OffencePlace, body).country == "XX"  # type: ignore[attr-defined]


@given(
    code=st.one_of(
        st.none(), st.from_regex(r"[A-Z][0-9]{8}", fullmatch=True), st.sampled_from(sorted(places.known_places()))
    ),
    force_id=st.sampled_from([None, "kent", "btp", "norfolk-police"]),
    country=st.sampled_from([None, "GB", "UK", "FR", "JE"]),
)
def test_a_place_that_was_to_route_and_does_not_is_never_passed_over_in_silence(
    code: str | None, force_id: str | None, country: str | None
) -> None:
    place = OffencePlace(place_id="L1", district_code=code, force_id=force_id, country=country, description="somewhere")
    told = referral().model_copy(update={"places": (place,)})
    warnings = {each.field.removeprefix("places[0].") for each in advice_on(told)}
    meant = code is not None or force_id not in {None, "btp"}
    if force_area(place) is None and meant and not is_overseas(place) and code not in {"L99999999", "M99999999"}:
        assert warnings & {"district_code", "force_id"}
    if code in places.known_places():
        assert "district_code" not in warnings
        assert ("country" in warnings) is (country in {"UK", "FR", "JE"})


@given(
    code=st.one_of(
        st.none(),
        st.sampled_from(sorted(places.known_places())),
        st.from_regex(r"[A-Z][0-9]{8}", fullmatch=True),
        st.sampled_from(["L99999999", "M99999999"]),
    ),
    force_id=st.sampled_from([None, *places.forces(), "norfolk-police"]),
    country=st.sampled_from([None, "GB", "UK", "FR", "JE"]),
    kind=st.sampled_from(PlaceKind),
)
def test_every_hint_at_a_force_is_routed_by_or_said_not_to_be(
    code: str | None, force_id: str | None, country: str | None, kind: PlaceKind
) -> None:
    place = OffencePlace(
        place_id="L1", district_code=code, force_id=force_id, country=country, kind=kind, description="somewhere"
    )
    told = referral().model_copy(update={"places": (place,)})
    said = {(each.code, each.field.removeprefix("places[0].")) for each in advice_on(told)}
    goes_to = {force_area(place), special_force(place)}
    if code is not None and code not in OUTSIDE_FORCE_AREAS:
        meant = places.known_places().get(code)
        assert (meant is not None and meant.force_id in goes_to) or ("district_code_unknown", "district_code") in said
    if force_id is not None:
        not_used = {("force_id_unknown", "force_id"), ("force_contradicts_district", "force_id")}
        assert force_id in goes_to or said & {*not_used, ("country_contradicts_force", "country")}
    if country in {"FR", "JE"} and goes_to != {None}:
        assert ("country_contradicts_district", "country") in said
    of_kind = special_force(OffencePlace(place_id="L1", district_code=code, country=country, kind=kind, description="x"))
    # In Northern Ireland, which the named force may be the first to say, there are no special forces to hint at.
    if of_kind is not None and of_kind not in goes_to and force_area(place) != "northern-ireland":
        assert any(field == "force_id" for _, field in said)
    if code in OUTSIDE_FORCE_AREAS and goes_to != {None} and force_id is not None:
        assert ("force_contradicts_district", "force_id") in said


@given(st.text(max_size=100))
def test_looking_up_anything_is_quick_and_safe_and_finds_what_routes(words: str) -> None:
    for place in places.find(words):
        assert places.known_places()[place.code] == place
    assert len(places.hint(words)) <= 350


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Leeds", "E08000035"),
        ("leeds", "E08000035"),
        ("birm", "E08000025"),
        ("Brimingham", "E08000025"),
        ("st helens", "E08000013"),
        ("hull", "E06000010"),
        ("E07000097", "E07000097"),
        ("e08000025", "E08000025"),
        ("King\u2019s Lynn", "E07000146"),
        ("King`s Lynn", "E07000146"),
        ("Ynys M\u00f4n", "W06000001"),
        ("ynys mon", "W06000001"),
        ("Caerdydd", "W06000015"),
        ("London", "E23000001"),
    ],
)
def test_a_place_is_found_by_its_name_a_part_of_it_or_its_code(words: str, code: str) -> None:
    assert places.find(words)[0].code == code


def test_what_else_a_place_is_called_is_spelt_as_it_is_compared_and_leads_to_a_place() -> None:
    for name, code in places._ALSO_CALLED.items():
        assert places.find(name)[0].code == code
    assert places.find("London")[1].force_id == "city-of-london", "the other force of that name is shown as well"
    for name in ("Isle of Man", "Jersey"):
        assert places.find(name) == (), "in no force's area"


def test_current_districts_come_first_and_nothing_is_found_for_nothing() -> None:
    first, *_ = places.find("Essex")
    assert first.kind in {"county", "police force area"}
    assert [(each.name, each.current) for each in places.find("Bournemouth")] == [
        ("Bournemouth", False),
        ("Bournemouth, Christchurch and Poole", True),
    ]
    assert places.find("") == places.find("  ") == places.find("x" * 200) == ()


@pytest.mark.parametrize(
    ("said", "force_id"),
    [
        ("norfolk-police", "norfolk"),
        ("west-midland", "west-midlands"),
        ("met", "metropolitan"),
        ("psni", "northern-ireland"),
        ("example-force", None),
    ],
)
def test_the_nearest_force_is_only_given_where_it_is_near(said: str, force_id: str | None) -> None:
    near = places.nearest_force(said)
    assert (near.force_id if near else None) == force_id


def test_a_kit_says_the_same_before_sending() -> None:
    told = ReferralSubmitted(referral=referral({"district_code": "E07000999"}))
    record = submission.prepare("example-haven", told)
    assert [each.code for each in record.warnings] == ["district_code_unknown"]
    assert record.warnings == advice_on(told.referral) == submission.warnings_of(told)


def test_no_warning_holds_what_was_sent() -> None:
    told = referral({"district_code": "E07000999", "force_id": "norfolk-police", "country": "UK"})
    for each in advice_on(told):
        assert isinstance(each, Advice)
        assert "E07000999" not in each.message
        assert "norfolk-police" not in each.message


def test_the_countries_stand_once_each_in_their_file() -> None:
    path = CHECKOUT / "src" / "conduit_contracts" / "reference" / "countries.csv"
    rows = [row["alpha_2"] for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    assert rows == sorted(set(rows))
