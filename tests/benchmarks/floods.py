"""What one partner may send at most: valid, within its limits, and large. Synthetic, and the same for the same numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, Event, encode
from conduit_contracts.geography import force_of_district
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import InformationSupplied, ReferralSubmitted
from conduit_contracts.referral import (
    Caseworker,
    Concern,
    LegalGround,
    NamedWithoutConsent,
    Numbers,
    OffencePlace,
    Person,
    Pseudonymous,
    Referral,
    Role,
    Supplement,
    Urgency,
)
from tests.benchmarks.load import MOU, Submission

HOME, ELSEWHERE = "kent", "essex"
"""The forces of a referral of which much is told, and the one of somebody in danger meanwhile."""
_WORDS = "Synthetic account for a benchmark. "


def referral(partner_id: str, reference: str, **changes: Any) -> Submission:
    """A referral that plainly qualifies, in one force's area, with one person."""
    fields: dict[str, Any] = {
        "partner_id": partner_id,
        "partner_reference": reference,
        "mou_reference": MOU,
        "caseworker": Caseworker(name="Synthetic caseworker", email="caseworker@bench.example"),
        "reported_at": _now(),
        "urgency": Urgency.PRIORITY,
        "immediate_danger": False,
        "narrative": _WORDS * 20,
        "persons": (_victim("V0", ("L0",)),),
        "numbers": Numbers(victims_known=5, suspects_known=2),
        "places": (OffencePlace(place_id="L0", district_code=districts()[HOME]),),
        "concerns": (Concern.GROOMING,),
        "legal_ground": LegalGround.SAFEGUARDING_OF_CHILDREN,
    }
    made = Referral(**fields | changes)
    return _submission(partner_id, reference, ReferralSubmitted(referral=made), len(made.places))


def in_danger(partner_id: str, reference: str) -> Submission:
    """A child in danger in another force's area."""
    place = OffencePlace(place_id="L0", district_code=districts()[ELSEWHERE])
    return referral(partner_id, reference, immediate_danger=True, places=(place,))


def everywhere(partner_id: str, reference: str) -> Submission:
    """A referral with all the persons that one may have, each tied to a place in every territorial force's area: 226 KB."""
    places = tuple(OffencePlace(place_id=f"L{n}", district_code=code) for n, code in enumerate(districts().values()))
    tied = tuple(place.place_id for place in places)
    persons = tuple(_victim(f"V{number}", tied) for number in range(500))
    return referral(partner_id, reference, persons=persons, places=places, narrative=_WORDS)


def small_additions(partner_id: str, reference: str, numbers: Sequence[int]) -> Iterator["Addition"]:
    """Additions of 2 KB, each with a person in the home area."""
    for number in numbers:
        yield _addition(partner_id, reference, number, (_victim(f"A{number}", ("L0",)),), 1_700)


def large_additions(partner_id: str, reference: str, numbers: Sequence[int]) -> Iterator["Addition"]:
    """Additions of 194 KB, each with persons in the home area: as many as one referral's limits let through."""
    for number in numbers:
        persons = tuple(_named(f"A{number}x{each}") for each in range(49))
        yield _addition(partner_id, reference, number, persons, 1_700)


@dataclass(frozen=True, slots=True)
class Addition:
    """A record that adds, and the words by which it is known at the home force."""

    marker: str
    submission: Submission


def _addition(partner_id: str, reference: str, number: int, persons: tuple[Person, ...], words: int) -> Addition:
    marker = f"{reference}.{number}"
    text = f"{marker} {_WORDS * (words // len(_WORDS))}"
    supplement = Supplement(
        partner_id=partner_id, partner_reference=reference, text=text, persons=persons, supplied_at=_now()
    )
    return Addition(marker, _submission(partner_id, reference, InformationSupplied(supplement=supplement), 1))


def _victim(person_id: str, place_ids: tuple[str, ...]) -> Person:
    return Person(
        person_id=person_id,
        role=Role.VICTIM,
        identity=Pseudonymous(pseudonym=f"Synthetic victim {person_id}"),
        age_at_offence=12,
        age_at_report=15,
        place_ids=place_ids,
    )


def _named(person_id: str) -> Person:
    """With as many words as make an addition of 49 such persons 194 KB."""
    reason = (_WORDS * 110)[:3_720]
    identity = NamedWithoutConsent(
        name=f"Synthetic Person {person_id}", legal_ground=LegalGround.SAFEGUARDING_OF_CHILDREN, reason=reason
    )
    return Person(person_id=person_id, role=Role.VICTIM, identity=identity, age_at_offence=12, place_ids=("L0",))


def _submission(partner_id: str, reference: str, message: Event, parts: int) -> Submission:
    headers, value = encode(message, Attributes(str(uuid7()), f"/partners/{partner_id}", message.type, _now()))
    topic = topics.PARTNER_REFERRALS.name(partner_id)
    return Submission(reference, topic, reference.encode(), [*headers], value, parts)


@cache
def districts() -> dict[str, str]:
    """One district of every territorial force."""
    return {force_id: code for code, force_id in sorted(force_of_district().items(), reverse=True)}


def _now() -> datetime:
    return datetime.now(UTC)
