"""What rules need to know of each person: where a child is, who is certainly an adult, who belongs to the police.

Nobody's name is here. A later record of a person corrects an earlier one where it says something; what it leaves out stays.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from conduit_contracts.geography import force_of_district, forces
from conduit_contracts.referral import Person, Referral, Role, Supplement

ADULT = 18
"""A child is under 18."""


@dataclass(slots=True)
class Known:
    """One person, as far as rules ask."""

    victim: bool = False
    """Whether any record says so."""
    born_by: date | None = None
    """The latest day on which the person can have been born, as last told. None: nothing is known of the age."""
    consented: bool = False
    """Whether the person agreed that the force where they live is told."""
    present: str | None = None
    """The force in whose area the person is now."""
    home: str | None = None
    """The force in whose area the person lives."""

    def is_adult(self, today: date) -> bool:
        """Whether the person is certainly 18 or older today."""
        return self.born_by is not None and later(self.born_by, ADULT) <= today

    @property
    def area(self) -> str | None:
        """The force in whose area the person is: now, or where they live."""
        return self.present or self.home


@dataclass(slots=True)
class SaidAt:
    """When a record of a person was said, and when the offences had ended, to reckon ages by."""

    said_on: date
    offences_ended_on: date | None

    @classmethod
    def by(cls, referral: Referral, supplement: Supplement | None = None) -> "SaidAt":
        """The days of a referral, or of what was added to it, which is no older than the referral."""
        period, said_on = referral.offence_period, referral.reported_at.date()
        if supplement is not None:
            said_on = max(said_on, supplement.supplied_at.date())
        return cls(said_on, None if period.ongoing else period.last_on)


@dataclass(slots=True)
class _Counted:
    """How many persons of each kind are in each force's area on one day."""

    today: date
    children: Counter[str] = field(default_factory=Counter)
    away: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)

    def add(self, known: Known, by: int) -> None:
        """Count a person in, or out with -1."""
        if not known.victim:
            return
        if not known.is_adult(self.today):
            _count(self.children, known.area, by)
            _count(self.away, known.present, by)
        elif known.consented:
            _count(self.agreed, known.home, by)


@dataclass(slots=True)
class People:
    """Every person by local id. They are counted once, and then with each record: an addition costs what it adds."""

    known: dict[str, Known] = field(default_factory=dict)
    counted: _Counted | None = None
    police: set[str | None] = field(default_factory=set)
    """The forces that suspects belong to; None stands for one that is not known. What was said once holds until a person
    decides."""

    def note(self, person: Person, told: SaidAt) -> bool:
        """Take in one record of a person; returns whether it may let a force see who lives there that could not before."""
        known = self.known.setdefault(person.person_id, Known())
        if self.counted is not None:
            self.counted.add(known, -1)
        before = (known.victim, known.born_by, known.consented)
        known.victim |= person.role is Role.VICTIM
        known.born_by = born_by(person, told) or known.born_by
        known.consented |= person.home_area_consented_on is not None
        known.present = _force(person.present_district_code) or known.present
        known.home = _force(person.home_district_code) or known.home
        if person.suspect_is_police:
            self.police.add(person.suspect_force_id if person.suspect_force_id in forces() else None)
        if self.counted is not None:
            self.counted.add(known, 1)
        return before != (known.victim, known.born_by, known.consented)

    def children(self, today: date) -> Counter[str]:
        """How many children are in each force's area."""
        return +self._on(today).children

    def children_away_from_home(self, today: date) -> Counter[str]:
        """How many children are said to be in each force's area now."""
        return +self._on(today).away

    def adults_who_agreed(self, today: date) -> Counter[str]:
        """How many adult victims live in each force's area and agreed that it is told."""
        return +self._on(today).agreed

    def _on(self, today: date) -> _Counted:
        if self.counted is None or self.counted.today != today:
            self.counted = _Counted(today)
            for known in self.known.values():
                self.counted.add(known, 1)
        return self.counted

    def keeps_home_to_itself(self, person_id: str, today: date) -> bool:
        """Whether this is an adult victim who did not agree that the force where they live is told."""
        known = self.known[person_id]
        return known.victim and known.is_adult(today) and not known.consented


def born_by(person: Person, told: SaidAt) -> date | None:
    """The latest day on which the person can have been born, by this record; None where it does not say.

    Somebody who was 15 on some day was born 15 years before that day at the latest.
    """
    if person.identity.kind != "pseudonymous" and person.identity.date_of_birth is not None:
        return person.identity.date_of_birth
    found = []
    if person.age_at_report is not None:
        found.append(earlier(told.said_on, person.age_at_report))
    if person.age_at_offence is not None:
        found.append(earlier(min(told.said_on, told.offences_ended_on or told.said_on), person.age_at_offence))
    return min(found, default=None)


def later(day: date, years: int) -> date:
    """The same day so many years later; who was born on 29 February comes of age on 1 March."""
    return _in_year(day, day.year + years)


def earlier(day: date, years: int) -> date:
    """The same day so many years earlier."""
    return _in_year(day, day.year - years)


def _in_year(day: date, year: int) -> date:
    year = min(max(year, date.min.year), date.max.year)
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February
        return date(year, 3, 1)


def _force(district_code: str | None) -> str | None:
    return force_of_district().get(district_code) if district_code else None


def _count(counter: Counter[str], area: str | None, by: int) -> None:
    if area is not None:
        counter[area] += by
