"""What partners send in the tests of scale: each referral is a story of two to four records that must keep their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, Event, encode
from conduit_contracts.geography import force_of_district, forces
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import InformationSupplied, ReferralSubmitted, ReferralWithdrawn, WithdrawalReason
from conduit_contracts.programme import ForceRegistered, Mou, PartnerRegistered
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
    Supplement,
    Urgency,
)
from conduit_local.demo.records import Wire

PARTNERS = ("scale-one", "scale-two", "scale-three")
MOU = "MOU-SCALE"
CASE, INFORMATION, WITHDRAWAL = "case-disseminated", "information-disseminated", "withdrawal-disseminated"


@dataclass(frozen=True, slots=True)
class Story:
    """One referral: what its partner sends, and what each force must find on its topic, in that order."""

    partner_id: str
    reference: str
    records: tuple[Wire, ...]
    forces: tuple[str, ...]
    """The home force first."""
    told: tuple[str, ...]


def stories(count: int) -> Iterator[Story]:
    """Referrals that plainly qualify, of one or two force areas; every third with additions, every fourth withdrawn."""
    districts = sorted(_one_district_per_force().items())
    for number in range(count):
        wanted = [districts[(number * 7 + step * 11) % len(districts)] for step in range(1 + number % 2)]
        yield _story(number, PARTNERS[number % len(PARTNERS)], dict(wanted))


def register() -> Iterator[PartnerRegistered | ForceRegistered]:
    """The partners and all forces, without contacts: nobody is sent an e-mail."""
    mou = Mou(
        reference=MOU,
        scope="Synthetic load",
        signed_on=date(2026, 1, 1),
        valid_from=date(2026, 1, 1),
        valid_to=date(2046, 1, 1),
        review_on=date(2045, 1, 1),
        legal_ground=LegalGround.SAFEGUARDING_OF_CHILDREN,
    )
    for partner_id in PARTNERS:
        yield PartnerRegistered(partner_id=partner_id, name=f"Synthetic partner {partner_id}", mous=(mou,))
    for force_id in forces():
        yield ForceRegistered(force_id=force_id)


def _one_district_per_force() -> dict[str, str]:
    return {force_id: district for district, force_id in sorted(force_of_district().items(), reverse=True)}


def _story(number: int, partner_id: str, wanted: dict[str, str]) -> Story:
    reference = f"SCALE-{number:06d}"
    places = tuple(OffencePlace(place_id=f"L{i}", district_code=code) for i, code in enumerate(wanted.values()))
    messages: list[Event] = [ReferralSubmitted(referral=_referral(partner_id, reference, places))]
    told = [CASE]
    if number % 3 == 0:
        messages += [InformationSupplied(supplement=_supplement(partner_id, reference, i)) for i in (1, 2)]
        told += [INFORMATION, INFORMATION]
    if number % 4 == 0:
        reason = WithdrawalReason.REPORTED_DIRECTLY_TO_POLICE
        messages.append(ReferralWithdrawn(partner_id=partner_id, partner_reference=reference, reason=reason))
        told.append(WITHDRAWAL)
    records = tuple(_wire(partner_id, reference, message) for message in messages)
    return Story(partner_id, reference, records, tuple(wanted), tuple(told))


def _wire(partner_id: str, reference: str, message: Event) -> Wire:
    headers, value = encode(message, Attributes(str(uuid7()), f"/partners/{partner_id}", message.type, datetime.now(UTC)))
    return Wire(topics.PARTNER_REFERRALS.name(partner_id), reference.encode(), headers, value)


def _supplement(partner_id: str, reference: str, number: int) -> Supplement:
    """Words alone, which ask no force to read its part again."""
    text = f"Synthetic addition {number}."
    return Supplement(partner_id=partner_id, partner_reference=reference, text=text, supplied_at=datetime.now(UTC))


def _victims(places: tuple[OffencePlace, ...]) -> tuple[Person, ...]:
    """More of them tied to the first place, which makes its force the home force."""
    return tuple(
        Person(
            person_id=f"V{i}",
            role=Role.VICTIM,
            identity=Pseudonymous(pseudonym=f"Synthetic victim {i}"),
            place_ids=(places[i % len(places)].place_id,),
        )
        for i in range(5)
    )


def _referral(partner_id: str, reference: str, places: tuple[OffencePlace, ...]) -> Referral:
    return Referral(
        partner_id=partner_id,
        partner_reference=reference,
        mou_reference=MOU,
        caseworker=Caseworker(name="Synthetic caseworker", email="caseworker@scale.example"),
        reported_at=datetime.now(UTC),
        urgency=Urgency.PRIORITY,
        immediate_danger=False,
        narrative="Synthetic account for the tests of scale. " * 5,
        persons=_victims(places),
        numbers=Numbers(victims_known=6, suspects_known=2),
        places=places,
        concerns=(Concern.GROOMING,),
        legal_ground=LegalGround.SAFEGUARDING_OF_CHILDREN,
    )
