"""The days that a referral speaks of and that must be past: births, offences, agreements, and what others were told."""

from collections.abc import Iterator
from datetime import date

from conduit_contracts.persons import NamedWithConsent, Pseudonymous
from conduit_contracts.referral import OffencePeriod, Person, Referral, Supplement


def days_to_come(told: Referral | Supplement, today: date) -> Iterator[str]:
    """The path of each such day that is still to come. Nearly always there is none, so no other day's path is spelt."""
    for number, person in enumerate(told.persons):
        for name, day in _of_person(person):
            if day is not None and day > today:
                yield f"persons[{number}].{name}"
    for number, place in enumerate(told.places):
        if place.period is not None:
            yield from _of_period(f"places[{number}].period", place.period, today)
    if isinstance(told, Referral):
        yield from _of_period("offence_period", told.offence_period, today)
        for number, agency in enumerate(told.informed_agencies):
            if agency.informed_on is not None and agency.informed_on > today:
                yield f"informed_agencies[{number}].informed_on"


def _of_person(person: Person) -> tuple[tuple[str, date | None], ...]:
    identity, consented_on = person.identity, ("home_area_consented_on", person.home_area_consented_on)
    if isinstance(identity, Pseudonymous):
        return (consented_on,)
    born_on = ("identity.date_of_birth", identity.date_of_birth)
    if isinstance(identity, NamedWithConsent):
        return born_on, ("identity.consented_on", identity.consented_on), consented_on
    return born_on, consented_on


def _of_period(path: str, period: OffencePeriod, today: date) -> Iterator[str]:
    for name, day in (("first_on", period.first_on), ("last_on", period.last_on)):
        if day is not None and day > today:
            yield f"{path}.{name}"
