"""What is counted with each record is what counting anew would give."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.concerned.people import People, SaidAt
from conduit_contracts.referral import NamedWithConsent, Person, Role
from services.routing.tests.builders import NOW, district

TODAY = NOW.date()
AREAS = st.sampled_from([None, "kent", "essex"])


@st.composite
def persons(draw: st.DrawFn) -> Person:
    """A record of one of few persons, so that records correct each other."""
    home, present = draw(AREAS), draw(AREAS)
    return Person(
        person_id=draw(st.sampled_from(["V1", "V2", "V3"])),
        role=draw(st.sampled_from(list(Role))),
        identity=NamedWithConsent(name="Synthetic", consented_on=date(2026, 10, 1)),
        age_at_report=draw(st.sampled_from([None, 9, 17, 18, 40])),
        home_district_code=district(home) if home else None,
        present_district_code=district(present) if present else None,
        home_area_consented_on=draw(st.sampled_from([None, date(2026, 10, 1)])) if home else None,
    )


def counts(people: People, day: date) -> list[dict[str, int]]:
    return [dict(people.children(day)), dict(people.children_away_from_home(day)), dict(people.adults_who_agreed(day))]


@given(said=st.lists(st.tuples(persons(), st.sampled_from([0, 0, 400])), max_size=12))
def test_counts_that_are_kept_up_to_date_are_those_of_counting_anew(said: list[tuple[Person, int]]) -> None:
    kept, told = People(), SaidAt(TODAY, None)
    for number, (person, days) in enumerate(said):
        kept.note(person, told)
        anew = People()
        for before, _ in said[: number + 1]:
            anew.note(before, told)
        day = TODAY + timedelta(days=days)
        assert counts(kept, day) == counts(anew, day)
