"""What may be wrong in a referral or in added information, found by the reference tables.

It depends only on the message, so that intake, the kits and a repeated answer all say the same.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import TypeAlias

from conduit_contracts.advice import Advice
from conduit_contracts.countries import NOT_IN_THE_STANDARD_BUT_MEANT, is_country, nearest
from conduit_contracts.geography import is_overseas, is_united_kingdom, special_force
from conduit_contracts.places import WAY, Place, forces, known_places, nearest_code, nearest_force, other_kind
from conduit_contracts.referral import Characteristic, OffencePlace, Person, Pseudonymous, Referral, Supplement

MOST = 20
OUTSIDE_FORCE_AREAS = frozenset({"L99999999", "M99999999"})
"""The Office for National Statistics' pseudo codes of the Channel Islands and the Isle of Man."""
ETHNICITIES = frozenset(
    {
        *("W1", "W2", "W3", "W4", "W9", "M1", "M2", "M3", "M9"),
        *("A1", "A2", "A3", "A4", "A9", "B1", "B2", "B9", "O1", "O2", "O9", "NS"),
    }
)
"""The codes of the self-defined classification, including former and later ones."""


_CORRECT = "Correct the one that is wrong."
_NOBODY_GETS_IT = "No rule sends the case to any force: a named officer decides where it goes."

_Found: TypeAlias = Iterator[tuple[str, str, str]]


def advice_on(told: Referral | Supplement) -> tuple[Advice, ...]:
    """The warnings about a referral or added information, at most twenty."""
    return tuple(Advice(code=code, field=field, message=message) for code, field, message in islice(_all(told), MOST))


def _all(told: Referral | Supplement) -> _Found:
    nobody = isinstance(told, Referral) and not _leads_somewhere(told)
    for index, place in enumerate(told.places):
        yield from _of_place(place, f"places[{index}]", nobody=nobody)
    said_on = _said_on(told)
    for index, person in enumerate(told.persons):
        yield from _of_person(person, f"persons[{index}]")
        born = None if isinstance(person.identity, Pseudonymous) else person.identity.date_of_birth
        yield from _of_day(born, said_on, f"persons[{index}].identity.date_of_birth")
    for index, place in enumerate(told.places):
        began = place.period.first_on if place.period else None
        yield from _of_day(began, said_on, f"places[{index}].period.first_on")
    if isinstance(told, Referral):
        yield from _of_day(told.offence_period.first_on, said_on, "offence_period.first_on")


def _said_on(told: Referral | Supplement) -> date:
    """The latest date on which it can have been said, in any time zone."""
    moment = told.reported_at if isinstance(told, Referral) else told.supplied_at
    return (moment + timedelta(hours=14)).date()


def _of_day(day: date | None, said_on: date, field: str) -> _Found:
    if day is not None and day > said_on:
        yield (
            "day_after_report",
            field,
            "This date is after the day on which you heard about it. It is kept as you sent it. Check it.",
        )


def _leads_somewhere(told: Referral) -> bool:
    """Whether anything in it may lead to a police force: a place, or where somebody is. Added information is never asked,
    since what the case has besides is not in it."""
    codes = [place.district_code for place in told.places]
    codes += [code for person in told.persons for code in (person.home_district_code, person.present_district_code)]
    named = (place.force_id in forces() or special_force(place) is not None for place in told.places)
    return any(code in known_places() for code in codes if code) or any(named)


def _of_place(place: OffencePlace, path: str, *, nobody: bool) -> _Found:
    known = known_places().get(place.district_code or "")
    if place.country == NOT_IN_THE_STANDARD_BUT_MEANT:
        yield "country_read_as_gb", f"{path}.country", "UK is read as GB, the United Kingdom's code in ISO 3166-1. Send GB."
    if not is_united_kingdom(place.country):
        yield from _abroad(place, known, path)
    elif place.district_code is not None and known is None:
        yield from _unknown_district(place, path, nobody=nobody)
    if place.force_id is not None:
        yield from _of_force(place, known, path)
        yield from _of_special_force(place, known, path)


def _abroad(place: OffencePlace, known: Place | None, path: str) -> _Found:
    if known is not None:
        text = "This country and the district contradict each other. The district counts, so the case goes to the force for "
        yield "country_contradicts_district", f"{path}.country", text + "that area. Correct the one that is wrong."
    elif place.force_id is not None:
        text = "A place outside the United Kingdom is in no force's area, so force_id is not used for this place. "
        yield "country_contradicts_force", f"{path}.country", text + "Correct the one that is wrong."
    if known is None and place.district_code is not None and place.district_code not in OUTSIDE_FORCE_AREAS:
        what, field = _what_it_is(place.district_code), f"{path}.district_code"
        text = f"{what}, so it is not used for this place, which the country puts outside the United Kingdom."
        yield "district_code_unknown", field, f"{text} Check both.{_meant(place.district_code)}"


def _unknown_district(place: OffencePlace, path: str, *, nobody: bool) -> _Found:
    if place.district_code in OUTSIDE_FORCE_AREAS:
        return
    named, special = forces().get(place.force_id or ""), forces().get(special_force(place) or "")
    field = f"{path}.district_code"
    told = "no force has the case yet" if nobody else "this place sends the case to no force"
    if named is not None:
        told = f"the case goes to {named.name}, which you named"
    elif special is not None:
        told = f"only {special.name} gets this place, and not the force for the area"
    yield (
        "district_code_unknown",
        field,
        f"{_what_it_is(place.district_code)}, so {told}. Check {field}.{_meant(place.district_code)}",
    )


def _of_force(place: OffencePlace, known: Place | None, path: str) -> _Found:
    force = forces().get(place.force_id or "")
    if force is None:
        told = "The district decides." if known is not None else "This place sends the case to no force."
        yield from _unknown_force(place.force_id or "", f"{path}.force_id", told)
    elif force.territorial and known is not None and known.force_id != force.force_id:
        text = f"The district is in the area of {known.force_name}, which gets the case. {_CORRECT}"
        yield "force_contradicts_district", f"{path}.force_id", text
    elif place.district_code in OUTSIDE_FORCE_AREAS and is_united_kingdom(place.country):
        text = f"The district is in no police force's area, but the case goes to {force.name}, which you named. {_CORRECT}"
        yield "force_contradicts_district", f"{path}.force_id", text


def _of_special_force(place: OffencePlace, known: Place | None, path: str) -> _Found:
    """A special force that is named and has no part there, or that is named where the kind of place gives another one."""
    named, field = forces().get(place.force_id or ""), f"{path}.force_id"
    if named is None or named.territorial or is_overseas(place):
        return
    if special_force(place) != named.force_id and known is not None:
        text = f"{named.name} has no part in this district. The case goes to {known.force_name}. {_CORRECT}"
        yield "force_contradicts_district", field, text
        return
    by_kind = forces().get(special_force(place.model_copy(update={"force_id": None})) or "")
    if by_kind is not None and by_kind != named:
        text = f"The kind of place is {by_kind.name}'s, but the case goes to {named.name}, which you named. {_CORRECT}"
        yield "force_contradicts_kind", field, text


def _unknown_force(force_id: str, field: str, told: str) -> _Found:
    near = nearest_force(force_id)
    meant = f" Did you mean {near.force_id}?" if near else " The force ids are in the contract's forces.csv."
    yield "force_id_unknown", field, f"No police force has this id. {told}{meant}"


def _of_person(person: Person, path: str) -> _Found:
    for name in ("home_district_code", "present_district_code"):
        code = getattr(person, name)
        if code is not None and code not in known_places() and code not in OUTSIDE_FORCE_AREAS:
            text = f"{_what_it_is(code)}, so it tells no force where the person is.{_meant(code)}"
            yield "district_code_unknown", f"{path}.{name}", text
    if person.suspect_force_id is not None and person.suspect_force_id not in forces():
        yield from _unknown_force(person.suspect_force_id, f"{path}.suspect_force_id", _NOBODY_GETS_IT)
    yield from _of_characteristic(person.ethnicity, ETHNICITIES, f"{path}.ethnicity.code")
    nationality = person.nationality.code if person.nationality is not None else None
    if nationality == NOT_IN_THE_STANDARD_BUT_MEANT:
        text = "ISO 3166-1 has no country with this code. It is kept as you sent it. Did you mean GB?"
        yield "code_not_in_list", f"{path}.nationality.code", text
    elif nationality is not None and not is_country(nationality):
        near = nearest(nationality)
        text = "ISO 3166-1 has no country with this code. It is kept as you sent it."
        yield "code_not_in_list", f"{path}.nationality.code", text + (f" Did you mean {near}?" if near else "")


def _of_characteristic(told: Characteristic | None, listed: frozenset[str], field: str) -> _Found:
    if told is not None and told.code is not None and told.code not in listed:
        text = f"The classification has no such code. It is kept as you sent it. The codes are {', '.join(sorted(listed))}."
        yield "code_not_in_list", field, text


def _what_it_is(code: str | None) -> str:
    kind = other_kind(code or "")
    return f"This is the code of {kind}, not of a district" if kind else "No place has ever had this code"


def _meant(code: str | None) -> str:
    if other_kind(code or ""):
        return f" {WAY}"
    near = nearest_code(code) if code else None
    return f" Did you mean {near.code} ({near.name})?" if near else ""
