"""Arbitrary referrals and supplements: every field that a rule might read varies, within the contract."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from conduit_contracts.geography import force_of_district, forces
from conduit_contracts.referral import (
    ComplexityClaim,
    Concern,
    Ground,
    NatureFactor,
    Numbers,
    OffencePlace,
    Person,
    PlaceKind,
    Pseudonymous,
    Referral,
    Role,
    Setting,
    Supplement,
    Urgency,
)
from services.triage.tests.builders import referral, supplement

_counts = st.integers(0, 12) | st.integers(0, 100_000)
_districts = st.sampled_from([*list(force_of_district())[::40], "E99999999"])
moments = st.integers(0, 30 * 24 * 60).map(lambda minutes: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=minutes))

numbers = st.builds(
    Numbers,
    victims_known=_counts,
    victims_estimated=st.none() | _counts,
    suspects_known=_counts,
    suspects_estimated=st.none() | _counts,
)


@st.composite
def _persons(draw: st.DrawFn) -> tuple[Person, ...]:
    ids = draw(st.lists(st.integers(1, 12), unique=True, max_size=8))
    roles = st.sampled_from(Role)
    identity = Pseudonymous(pseudonym="Example")
    return tuple(Person(person_id=f"P{number}", role=draw(roles), identity=identity) for number in ids)


@st.composite
def _places(draw: st.DrawFn) -> tuple[OffencePlace, ...]:
    ids = draw(st.lists(st.integers(1, 12), unique=True, max_size=6))
    where = st.one_of(
        st.fixed_dictionaries({"district_code": _districts}),
        st.fixed_dictionaries({"force_id": st.sampled_from([*forces(), "no-such-force"])}),
        st.fixed_dictionaries({"country": st.sampled_from(["GB", "FR"]), "district_code": st.none() | _districts}),
        st.just({"description": "An example place"}),
    )
    kinds = st.sampled_from(PlaceKind)
    return tuple(OffencePlace(place_id=f"L{number}", kind=draw(kinds), **draw(where)) for number in ids)


@st.composite
def _claims(draw: st.DrawFn) -> tuple[ComplexityClaim, ...]:
    grounds = draw(st.lists(st.sampled_from(Ground), max_size=4))
    factors = st.sampled_from(NatureFactor)
    return tuple(
        ComplexityClaim(
            ground=ground,
            nature_factor=draw(factors) if ground is Ground.NATURE_OF_INVESTIGATION else None,
            reason="Synthetic.",
        )
        for ground in grounds
    )


_referral_fields: dict[str, st.SearchStrategy[Any]] = {
    "urgency": st.sampled_from(Urgency),
    "immediate_danger": st.booleans(),
    "persons": _persons(),
    "numbers": numbers,
    "places": _places(),
    "concerns": st.lists(st.sampled_from(Concern), min_size=1, max_size=4).map(tuple),
    "setting": st.sampled_from(Setting),
    "group_based": st.none() | st.booleans(),
    "claims": _claims(),
}
referrals: st.SearchStrategy[Referral] = st.fixed_dictionaries(_referral_fields).map(lambda fields: referral(**fields))
supplements: st.SearchStrategy[Supplement] = st.fixed_dictionaries(
    {
        "corrects": st.booleans(),
        "persons": _persons(),
        "places": _places(),
        "immediate_danger": st.none() | st.booleans(),
        "urgency": st.none() | st.sampled_from(Urgency),
    }
).map(lambda fields: supplement(**fields))
