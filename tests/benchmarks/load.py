"""Synthetic load: referrals that plainly qualify, spread over partners and force areas, encoded before the clock starts."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.geography import force_of_district
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.referral import (
    Caseworker,
    Concern,
    LegalGround,
    Numbers,
    OffencePlace,
    Person,
    Pseudonymous,
    Referral,
    Role,
    Urgency,
)

PARTNERS = ("bench-one", "bench-two", "bench-three", "bench-four")
MOU = "MOU-BENCH"
_NARRATIVE = "Synthetic account for a benchmark. " * 20


@dataclass(frozen=True, slots=True)
class Submission:
    """One record ready to send. `reference` finds it again at the other end."""

    reference: str
    topic: str
    key: bytes
    headers: list[tuple[str, str | bytes | None]]
    value: bytes
    parts: int
    """How many forces must get it: those whose areas its places lie in."""


def submissions(
    count: int, *, prefix: str, seed: int = 20261123, partners: Sequence[str] = PARTNERS
) -> Iterator[Submission]:
    """`count` referrals of one to three force areas each, by these partners in turn; the same for the same seed."""
    chance = random.Random(seed)
    districts = sorted(force_of_district())
    for number in range(count):
        partner_id = partners[number % len(partners)]
        referral = _referral(partner_id, f"{prefix}-{number:07d}", chance.sample(districts, chance.choice((1, 1, 2, 3))))
        yield _submission(ReferralSubmitted(referral=referral))


def _submission(message: ReferralSubmitted) -> Submission:
    referral = message.referral
    topic = topics.PARTNER_REFERRALS.name(referral.partner_id)
    headers, value = encode(message, Attributes(str(uuid7()), f"/partners/{referral.partner_id}", message.type, _now()))
    parts = len({force_of_district()[str(place.district_code)] for place in referral.places})
    return Submission(referral.partner_reference, topic, referral.partner_reference.encode(), [*headers], value, parts)


def _referral(partner_id: str, reference: str, districts: list[str]) -> Referral:
    places = tuple(OffencePlace(place_id=f"L{i}", district_code=code) for i, code in enumerate(districts))
    persons = tuple(
        Person(
            person_id=f"V{i}",
            role=Role.VICTIM,
            identity=Pseudonymous(pseudonym=f"Synthetic victim {i}"),
            age_at_offence=12,
            age_at_report=15,
            place_ids=(places[i % len(places)].place_id,),
        )
        for i in range(5)
    )
    return Referral(
        partner_id=partner_id,
        partner_reference=reference,
        mou_reference=MOU,
        caseworker=Caseworker(name="Synthetic caseworker", email="caseworker@bench.example"),
        reported_at=_now(),
        urgency=Urgency.PRIORITY,
        immediate_danger=False,
        narrative=_NARRATIVE,
        persons=persons,
        numbers=Numbers(victims_known=5, suspects_known=2),
        places=places,
        concerns=(Concern.GROOMING, Concern.ONLINE_SEXUAL_ABUSE),
        legal_ground=LegalGround.SAFEGUARDING_OF_CHILDREN,
    )


def _now() -> datetime:
    return datetime.now(UTC)
