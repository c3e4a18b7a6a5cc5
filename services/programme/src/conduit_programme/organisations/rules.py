"""What follows from agreements and offers: pure.

A Memorandum of Understanding holds or has lapsed as intake judges it (`conduit_contracts.agreements`), so that what these
pages say will stop is what stops.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from conduit_contracts.agreements import has_lapsed, in_force
from conduit_programme.rules import LastChange

REMIND_DAYS = (7, 30, 90)
"""Before an agreement ends, whoever looks after it is reminded: first gently, then louder."""
REVIEW_DAYS = 30
OLDEST = 120
"""What is for people of every age is so up to here."""


class OrganisationKind(StrEnum):
    """What an organisation is to the programme."""

    PARTNER = "partner"
    """It is in the register, and may refer while an agreement is in force."""
    CANDIDATE = "candidate"
    """It may become a partner."""
    THIRD_SECTOR = "third_sector"
    CHILDRENS_SERVICES = "childrens_services"
    HEALTH = "health"
    EDUCATION = "education"
    NATIONAL_AGENCY = "national_agency"
    INSPECTORATE = "inspectorate"
    OTHER = "other"


class AgreementState(StrEnum):
    """Whether an agreement holds."""

    IN_FORCE = "in_force"
    NOT_YET = "not_yet"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"
    UNDATED = "undated"
    """Nobody wrote down from when to when it holds."""


class Stops(StrEnum):
    """What stops, or may stop, if nothing is done."""

    REFERRALS = "referrals"
    """New referrals under it are refused, but for a child in danger."""
    SHARING = "sharing"
    """There is no agreed ground on which to share personal data."""
    REVIEW = "review"
    """Nothing yet: it is to be looked at again."""


@dataclass(frozen=True, slots=True)
class OrganisationOffer:
    """What an organisation brings."""

    services: tuple[str, ...] = ()
    expertise: tuple[str, ...] = ()
    force_ids: tuple[str, ...] = ()
    everywhere: bool = False
    youngest: int | None = None
    oldest: int | None = None
    languages: tuple[str, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether there is anything to show."""
        return self != OrganisationOffer()


@dataclass(frozen=True, slots=True)
class KeptAgreement:
    """An agreement as the register and the programme's own notes have it together."""

    organisation_id: UUID
    reference: str
    agreement_id: UUID | None
    """None where the register has it and nobody has noted more."""
    from_register: bool
    valid_from: date | None
    valid_to: date | None
    scope: str = ""
    """As the register has it. What the programme notes of an agreement's scope is content."""
    signed_on: date | None = None
    suspended: bool = False
    partner_suspended: bool = False
    review_on: date | None = None
    """By when both first meant to look at it again."""
    reviewed_on: date | None = None
    next_on: date | None = None
    """When both last looked at it: by when they mean to look again."""
    assessed_on: date | None = None
    document_sha256: str | None = None
    words_id: UUID | None = None
    written: LastChange | None = None
    """Who noted last what is noted of it."""
    reviewed: LastChange | None = None

    @property
    def review_due_on(self) -> date | None:
        """By when it is to be looked at again. Who looked once it stood among what is due has done so, if before its day."""
        if self.next_on is not None or self.review_on is None or self.reviewed_on is None:
            return self.next_on or self.review_on
        return None if self.reviewed_on >= self.review_on - timedelta(days=REVIEW_DAYS) else self.review_on

    def state(self, today: date) -> AgreementState:
        """Whether it holds on this day."""
        if self.suspended or self.partner_suspended:
            return AgreementState.SUSPENDED
        if self.valid_from is None or self.valid_to is None:
            return AgreementState.UNDATED
        days = _Days(self.valid_from, self.valid_to)
        if in_force(days, today):
            return AgreementState.IN_FORCE
        return AgreementState.LAPSED if has_lapsed(days, today) else AgreementState.NOT_YET


@dataclass(frozen=True, slots=True)
class _Days:
    valid_from: date
    valid_to: date
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something about an agreement that is due, and what stops if nobody does it."""

    agreement: KeptAgreement
    on: date
    """Its last day, or the day on which it is to be reviewed."""
    days: int
    """Until then; below nothing once it has passed."""
    within: int
    """The number of days before, of those at which one is reminded; 0 once it has passed."""
    stops: Stops


def reminders(agreements: Iterable[KeptAgreement], today: date) -> list[Reminder]:
    """What is due, the most pressing first. What has lapsed stays until another agreement is in force in its place."""
    known = list(agreements)
    found = [each for agreement in known for each in (_lapse(agreement, known, today), _review(agreement, today)) if each]
    return sorted(found, key=lambda each: (each.stops is Stops.REVIEW, each.on, each.agreement.reference))


def _lapse(agreement: KeptAgreement, known: Sequence[KeptAgreement], today: date) -> Reminder | None:
    state = agreement.state(today)
    if agreement.valid_to is None or state not in {AgreementState.IN_FORCE, AgreementState.LAPSED}:
        return None
    days = (agreement.valid_to - today).days
    within = next((each for each in REMIND_DAYS if days <= each), None)
    if within is None or _is_followed(agreement, known, today):
        return None
    stops = Stops.REFERRALS if agreement.from_register else Stops.SHARING
    return Reminder(agreement, agreement.valid_to, days, 0 if days < 0 else within, stops)


def _is_followed(agreement: KeptAgreement, known: Sequence[KeptAgreement], today: date) -> bool:
    """Whether another one of the same organisation and sort takes its place without a day between."""
    return any(
        each is not agreement
        and (each.organisation_id, each.from_register) == (agreement.organisation_id, agreement.from_register)
        and each.state(today) in {AgreementState.IN_FORCE, AgreementState.NOT_YET}
        and each.valid_from is not None
        and each.valid_to is not None
        and agreement.valid_to is not None
        and (each.valid_from <= today or (each.valid_from - agreement.valid_to).days <= 1)
        and each.valid_to > agreement.valid_to
        for each in known
    )


def _review(agreement: KeptAgreement, today: date) -> Reminder | None:
    on = agreement.review_due_on
    if on is None or agreement.state(today) in {AgreementState.LAPSED, AgreementState.SUSPENDED}:
        return None
    days = (on - today).days
    return None if days > REVIEW_DAYS else Reminder(agreement, on, days, 0 if days < 0 else REVIEW_DAYS, Stops.REVIEW)


def together(offers: Sequence[OrganisationOffer]) -> OrganisationOffer:
    """What organisations bring that have become one."""
    offers = [each for each in offers if each.says_something]
    if not offers:
        return OrganisationOffer()
    lowest = [each.youngest for each in offers]
    highest = [each.oldest for each in offers]
    return OrganisationOffer(
        services=_each_once(each.services for each in offers),
        expertise=_each_once(each.expertise for each in offers),
        force_ids=_each_once(each.force_ids for each in offers),
        everywhere=any(each.everywhere for each in offers),
        youngest=None if None in lowest else min(each for each in lowest if each is not None),
        oldest=None if None in highest else max(each for each in highest if each is not None),
        languages=_each_once(each.languages for each in offers),
    )


def _each_once(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for codes in lists for code in codes))
