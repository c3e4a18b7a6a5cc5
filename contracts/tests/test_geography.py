"""Codes decide which force area a place lies in. What is not known gives no force, and a person decides."""

import csv
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from conduit_contracts.geography import (
    force_area,
    force_areas,
    force_of_district,
    forces,
    is_overseas,
    special_force,
)
from conduit_contracts.ids import DistrictCode, ForceId
from conduit_contracts.referral import OffencePlace, PlaceKind
from conduit_contracts.schemas import CHECKOUT

REFERENCE = CHECKOUT / "src" / "conduit_contracts" / "reference"


def rows(name: str) -> list[dict[str, str]]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def place(**fields: object) -> OffencePlace:
    return OffencePlace(place_id="L1", **{"description": "Synthetic place", **fields})  # type: ignore[arg-type] - fields by name


def test_there_are_45_territorial_and_3_special_forces() -> None:
    assert Counter(force.territorial for force in forces().values()) == {True: 45, False: 3}
    assert {force.force_id for force in forces().values() if not force.territorial} == {"btp", "mdp", "cnc"}
    for force_id, force in forces().items():
        assert force_id == force.force_id == TypeAdapter(ForceId).validate_python(force_id)


def test_every_code_since_2009_leads_to_a_force() -> None:
    assert len(rows("districts.csv")) == 361
    assert len(rows("former_districts.csv")) == 48
    history = rows("code_history.csv")
    assert len({row["code"] for row in history}) == len(history) == 552
    assert len(force_of_district()) == 554, "two districts were recoded after the history was made"
    for row in history:
        assert force_area(place(district_code=row["code"])) == row["force_id"]
    for code, force_id in force_of_district().items():
        assert TypeAdapter(DistrictCode).validate_python(code) == code
        assert forces()[force_id].territorial


def test_no_former_district_shares_its_code_with_a_current_one() -> None:
    codes = [row["lad_code"] for name in ("districts.csv", "former_districts.csv") for row in rows(name)]
    assert len(set(codes)) == 409


@pytest.mark.parametrize("row", rows("former_districts.csv"), ids=lambda row: row["lad_code"])
def test_a_former_district_leads_where_its_successor_leads(row: dict[str, str]) -> None:
    successor = force_of_district()[row["successor_lad_code"]]
    assert force_of_district()[row["lad_code"]] == successor
    assert (forces()[successor].pfa_code or "") == row["pfa_code"]


@pytest.mark.parametrize("force_id", [force.force_id for force in forces().values() if force.territorial])
def test_every_territorial_force_is_reached_by_a_district_and_by_its_own_name(force_id: str) -> None:
    codes = [code for code, force in force_of_district().items() if force == force_id]
    assert codes
    assert {force_area(place(district_code=code)) for code in codes} == {force_id}
    assert force_area(place(force_id=force_id)) == force_id


def test_districts_lie_in_the_country_of_their_force() -> None:
    country = {"E": "England", "W": "Wales", "S": "Scotland", "N": "Northern Ireland"}
    assert all(forces()[force_id].country == country[code[0]] for code, force_id in force_of_district().items())
    assert Counter(row["lad_code"][0] for row in rows("districts.csv")) == {"E": 296, "W": 22, "S": 32, "N": 11}


def test_force_area_codes_agree_with_the_labels_of_the_statistics_office() -> None:
    labels = {row["pfa_code"]: row["ons_name"] for row in rows("forces.csv") if row["kind"] == "territorial"}
    assert len(labels) == 45
    for row in rows("districts.csv") + rows("former_districts.csv"):
        assert row["pfa_name"] == labels[row["pfa_code"]]


@pytest.mark.parametrize(
    ("force_id", "label", "name"),
    [
        ("city-of-london", "London, City of", "City of London Police"),
        ("devon-and-cornwall", "Devon & Cornwall", "Devon and Cornwall Police"),
        ("metropolitan", "Metropolitan Police", "Metropolitan Police Service"),
        ("hampshire", "Hampshire", "Hampshire and Isle of Wight Constabulary"),
    ],
)
def test_a_label_is_not_the_forces_name_so_codes_decide(force_id: str, label: str, name: str) -> None:
    row = next(row for row in rows("forces.csv") if row["force_id"] == force_id)
    assert (row["ons_name"], forces()[force_id].name) == (label, name)


@pytest.mark.parametrize(
    ("code", "force_id"),
    [
        ("E07000097", "hertfordshire"),
        ("E06000048", "northumbria"),
        ("E10000012", "essex"),
        ("E11000006", "west-yorkshire"),
        ("E23000014", "west-midlands"),
        ("W15000003", "south-wales"),
        ("S23000009", "police-scotland"),
        ("E08000025", "west-midlands"),
        ("E09000001", "city-of-london"),
        ("E09000033", "metropolitan"),
        ("E06000053", "devon-and-cornwall"),
        ("W06000015", "south-wales"),
        ("S12000049", "police-scotland"),
        ("N09000003", "northern-ireland"),
        ("E06000028", "dorset"),
    ],
)
def test_districts_that_anyone_can_check(code: str, force_id: str) -> None:
    assert force_area(place(district_code=code)) == force_id


@pytest.mark.parametrize("code", ["E99999999", "N99999999", "L99999999", "M99999999", "E07000999"])
def test_an_unknown_code_gives_no_force_unless_one_is_named_beside_it(code: str) -> None:
    assert force_area(place(district_code=code)) is None
    assert force_area(place(district_code=code, force_id="kent")) == "kent"
    assert force_area(place(district_code=code, force_id="no-such-force")) is None


@given(
    code=st.sampled_from(sorted(force_of_district())),
    force_id=st.sampled_from([None, *forces(), "no-such-force"]),
    country=st.sampled_from([None, "GB", "UK", "FR", "IE"]),
    kind=st.sampled_from(PlaceKind),
)
def test_a_known_code_routes_whatever_is_said_beside_it(
    code: str, force_id: str | None, country: str | None, kind: PlaceKind
) -> None:
    somewhere = place(district_code=code, force_id=force_id, country=country, kind=kind)
    assert force_area(somewhere) == force_of_district()[code]
    assert not is_overseas(somewhere)
    in_northern_ireland = force_of_district()[code] == "northern-ireland"
    assert special_force(somewhere) in ({None, "mdp"} if in_northern_ireland else {None, "btp", "mdp", "cnc"})


@pytest.mark.parametrize("force_id", ["btp", "mdp", "cnc", "example-force"])
def test_only_a_territorial_force_has_an_area(force_id: str) -> None:
    assert force_area(place(force_id=force_id)) is None


@pytest.mark.parametrize(
    ("kind", "force_id"),
    [
        (PlaceKind.RAILWAY, "btp"),
        (PlaceKind.DEFENCE_ESTATE, "mdp"),
        (PlaceKind.CIVIL_NUCLEAR_SITE, "cnc"),
        (PlaceKind.HOME, None),
    ],
)
def test_the_kind_of_place_chooses_the_special_force_beside_the_area(kind: PlaceKind, force_id: str | None) -> None:
    somewhere = place(kind=kind, district_code="E08000025")
    assert (special_force(somewhere), force_area(somewhere)) == (force_id, "west-midlands")


def test_a_special_force_that_is_named_is_taken() -> None:
    assert special_force(place(force_id="mdp", kind=PlaceKind.RAILWAY)) == "mdp"
    assert special_force(place(force_id="kent")) is None


@pytest.mark.parametrize("country", ["FR", "IE", "IM", "JE", "GG"])
def test_a_place_outside_the_united_kingdom_has_no_force_unless_its_district_says_otherwise(country: str) -> None:
    abroad = place(country=country, force_id="kent", kind=PlaceKind.RAILWAY)
    assert is_overseas(abroad)
    assert (force_area(abroad), special_force(abroad)) == (None, None)
    contradicted = place(country=country, district_code="E08000025", kind=PlaceKind.RAILWAY)
    assert not is_overseas(contradicted)
    assert (force_area(contradicted), special_force(contradicted)) == ("west-midlands", "btp")


@pytest.mark.parametrize(("kind", "force_id"), [(PlaceKind.RAILWAY, None), (PlaceKind.CIVIL_NUCLEAR_SITE, None)])
@pytest.mark.parametrize("where", [{"district_code": "N09000003"}, {"force_id": "northern-ireland"}])
def test_the_transport_and_the_nuclear_police_have_no_part_in_northern_ireland(
    kind: PlaceKind, force_id: str | None, where: dict[str, str]
) -> None:
    assert special_force(place(kind=kind, **where)) is force_id
    assert special_force(place(kind=PlaceKind.DEFENCE_ESTATE, **where)) == "mdp"


@pytest.mark.parametrize("country", [None, "GB", "UK"])
def test_a_place_without_country_is_not_taken_for_one_abroad(country: str | None) -> None:
    assert not is_overseas(place(country=country))


def test_areas_come_once_each_in_the_order_of_the_places() -> None:
    places = tuple(
        place(district_code=code) if code else place() for code in ("E07000237", "E08000025", "", "E08000026", "E07000235")
    )
    assert force_areas(places) == ["west-mercia", "west-midlands"]


def test_the_licence_of_the_reference_data_is_honoured() -> None:
    sources = " ".join((REFERENCE / "SOURCES.md").read_text(encoding="utf-8").split())
    attribution = (
        "Source: Office for National Statistics licensed under the Open Government Licence v.3.0. "
        "Contains OS data © Crown copyright and database right 2025"
    )
    assert attribution in sources
    for name in ("districts.csv", "former_districts.csv", "forces.csv", "code_history.csv"):
        assert f"`{name}`" in sources
