"""The days that a referral speaks of and that must be past: births, offences, agreements, and what others were told."""

from collections.abc import Iterator, Sequence
from datetime import date

from conduit_contracts.referral import OffencePeriod, OffencePlace, Person, Referral, Supplement


def past_days(told: Referral | Supplement) -> Iterator[tuple[str, date]]:
    """Each such day, with its path. None of them may be in the future."""
    yield from _of_persons(told.persons)
    yield from _of_places(told.places)
    if isinstance(told, Referral):
        yield from _of_period("offence_period", told.offence_period)
        for number, agency in enumerate(told.informed_agencies):
            yield from _given((f"informed_agencies[{number}].informed_on", agency.informed_on))


def _of_persons(persons: Sequence[Person]) -> Iterator[tuple[str, date]]:
    for number, person in enumerate(persons):
        path, identity = f"persons[{number}]", person.identity
        yield from _given(
            (f"{path}.identity.date_of_birth", getattr(identity, "date_of_birth", None)),
            (f"{path}.identity.consented_on", getattr(identity, "consented_on", None)),
            (f"{path}.home_area_consented_on", person.home_area_consented_on),
        )


def _of_places(places: Sequence[OffencePlace]) -> Iterator[tuple[str, date]]:
    for number, place in enumerate(places):
        if place.period is not None:
            yield from _of_period(f"places[{number}].period", place.period)


def _of_period(path: str, period: OffencePeriod) -> Iterator[tuple[str, date]]:
    yield from _given((f"{path}.first_on", period.first_on), (f"{path}.last_on", period.last_on))


def _given(*days: tuple[str, date | None]) -> Iterator[tuple[str, date]]:
    yield from ((path, day) for path, day in days if day is not None)
