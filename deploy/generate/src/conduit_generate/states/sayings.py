"""What partners, officers and forces may say of a referral, at any time. Each saying is a message of the contracts.

The referral happens in one force's area, and says of which force more may be told later. What does not fit the state is said
anyway: the services must then leave everything as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from conduit_contracts import force, intake, routing, triage
from conduit_contracts.commands import CallOutcome
from conduit_contracts.envelope import Message
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.referral import (
    Caseworker,
    Concern,
    Ground,
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
from conduit_generate.states.world import NOW

ID = UUID("01a207bd-b190-7457-8c4b-a2ea74ad4bf1")
PARTNER, REFERENCE = "example-haven", "EH-2026-0147"
FIRST, SECOND = "kent", "essex"
"""Where it happened, and where it may turn out to have happened."""
_MANY = Numbers(victims_known=1_000, suspects_known=1_000)
"""Above every threshold."""


class Saying(NamedTuple):
    """Something that is said. `told` tells messages of one type apart where they lead to different things."""

    name: str
    message: Message
    told: str = ""


def by_name() -> dict[str, Saying]:
    """Everything that is said in tours."""
    both = (FIRST, SECOND)
    said = (*by_the_partner(), *by_officers(), *by_routing_officers(forces=both), *by_forces(forces=both))
    return {saying.name: saying for saying in said}


def received(*, complex_: bool, danger: bool, places: Sequence[str]) -> intake.ReferralReceived:
    """The referral as intake publishes it."""
    sent = Referral(
        partner_id=PARTNER,
        partner_reference=REFERENCE,
        mou_reference="MOU-EH-2026",
        caseworker=Caseworker(name="Example Caseworker", email="casework@example-haven.example"),
        reported_at=NOW - timedelta(days=1),
        urgency=Urgency.ROUTINE,
        immediate_danger=danger,
        narrative="Synthetic.",
        numbers=_MANY if complex_ else Numbers(victims_known=1),
        places=tuple(_place(f"L{number}", each) for number, each in enumerate(places, 1)),
        concerns=(Concern.GROOMING,),
        legal_ground=LegalGround.SAFEGUARDING_OF_CHILDREN,
    )
    return intake.ReferralReceived(
        referral_id=ID,
        received_at=NOW,
        partner_id=PARTNER,
        partner_reference=REFERENCE,
        urgency=sent.urgency,
        immediate_danger=danger,
        referral=sent,
    )


def by_the_partner() -> list[Saying]:
    """Added information of every kind that may change something, and what else a partner may say."""
    mine: dict[str, Any] = {"referral_id": ID, "partner_id": PARTNER, "partner_reference": REFERENCE}
    suspect = Person(
        person_id="S9",
        role=Role.SUSPECT,
        identity=Pseudonymous(pseudonym="Example S9"),
        suspect_is_police=True,
        suspect_force_id=FIRST,
    )
    return [
        _added("words", text="Synthetic: an answer."),
        _added("danger", "immediate_danger", immediate_danger=True),
        _added("numbers above every threshold", numbers=_MANY),
        _added("urgency", urgency=Urgency.URGENT),
        _added(f"a place in {FIRST}", places=(_place("L8", FIRST),)),
        _added(f"a place in {SECOND}", places=(_place("L9", SECOND),)),
        _added(f"a suspect of {FIRST}", persons=(suspect,)),
        Saying("withdraws", intake.ReferralWithdrawn(**mine, reason=WithdrawalReason.OTHER)),
        Saying("asks for a second look", intake.ReconsiderationRequested(**mine, comment="Synthetic.")),
    ]


def by_officers() -> list[Saying]:
    """Every decision by either of two officers, since one who declined may not decide again."""
    outcomes: dict[triage.ReviewOutcome, dict[str, Any]] = {
        triage.ReviewOutcome.ACCEPT: {"grounds": (Ground.NATURE_OF_INVESTIGATION,)},
        triage.ReviewOutcome.DECLINE: {"decline_reason": triage.DeclineReason.NOT_COMPLEX, "comment": "Synthetic."},
        triage.ReviewOutcome.REQUEST_INFORMATION: {"comment": "Synthetic?"},
    }
    decided = [
        Saying(
            f"{officer}: {outcome.value}",
            triage.DecideReview(referral_id=ID, officer_id=officer, outcome=outcome, **more),
            outcome.value,
        )
        for officer in ("a.officer", "another.officer")
        for outcome, more in outcomes.items()
    ]
    said = {"spoke_to": "Synthetic.", "outcome": CallOutcome.AGREED, "comment": "Synthetic."}
    call: dict[str, Any] = {"spoken_at": NOW, **said}
    return [*decided, Saying("a call that triage keeps", triage.NoteCall(referral_id=ID, officer_id="a.officer", **call))]


def by_routing_officers(*, forces: Sequence[str]) -> list[Saying]:
    """Every command about every force."""
    mine: dict[str, Any] = {"referral_id": ID, "officer_id": "a.officer", "reason": "Synthetic."}
    named = [Saying(f"home force: {each}", routing.NameHomeForce(**mine, home_force=each)) for each in forces]
    ended = [Saying(f"stand down {each}", routing.StandDownHandoff(**mine, force_id=each)) for each in forces]
    rerouted = [
        Saying(f"reroute {each} to {other}", routing.RerouteHandoff(**mine, from_force=each, to_force=other))
        for each in forces
        for other in forces
        if each != other
    ]
    told = Saying(f"standards of {FIRST}", routing.SendToProfessionalStandards(**mine, force_id=FIRST))
    late = [Saying(f"chase {each}", routing.ChaseHandoff(**mine, force_id=each)) for each in forces]
    later = [Saying(f"escalate {each}", routing.EscalateHandoff(**mine, force_id=each)) for each in forces]
    interim = [Saying(f"interim owner: {each}", routing.NameInterimOwner(**mine, force_id=each)) for each in forces]
    return [*named, *ended, *rerouted, told, *interim, *late, *later, *by_telephone(forces=forces)]


def by_telephone(*, forces: Sequence[str]) -> list[Saying]:
    """Every acknowledgement that an officer may record, and a call that is none."""
    mine: dict[str, Any] = {"referral_id": ID, "officer_id": "a.officer", "spoken_at": NOW}
    spoken: dict[str, Any] = mine | {
        "spoke_for_hub": "Synthetic.",
        "spoke_for_force": "Synthetic.",
        "called_back": "+441632960147",
    }
    call: dict[str, Any] = mine | {"spoke_to": "Synthetic.", "outcome": CallOutcome.AGREED, "comment": "Synthetic."}
    taken = [Saying(f"by telephone: {each}", routing.RecordAcknowledgement(**spoken, force_id=each)) for each in forces]
    return [*taken, Saying("a call", routing.RecordCall(**call))]


def by_forces(*, forces: Sequence[str]) -> list[Saying]:
    """Every answer of every force, also of an earlier version of its part."""
    return [saying for each in forces for saying in _by_force(each)]


def _by_force(force_id: str) -> list[Saying]:
    mine: dict[str, Any] = {"force_id": force_id, "referral_id": ID}
    taken, other = mine | {"team": "Synthetic team"}, SECOND if force_id == FIRST else FIRST
    declined = mine | {"reason": force.NotOursReason.OUTSIDE_OUR_AREA, "comment": "Synthetic."}
    return [
        Saying(f"{force_id}: receipt", force.ReceiptConfirmed(**mine)),
        Saying(f"{force_id}: acknowledged", force.CaseAcknowledged(**taken)),
        Saying(f"{force_id}: acknowledged part 1", force.CaseAcknowledged(**taken, part=1)),
        Saying(f"{force_id}: not ours", force.CaseDeclined(**declined)),
        Saying(f"{force_id}: not ours but {other}'s", force.CaseDeclined(**declined, suggested_force=other)),
    ]


def _added(name: str, told: str = "", **content: Any) -> Saying:
    supplement = Supplement(
        partner_id=PARTNER, partner_reference=REFERENCE, supplied_at=NOW, **({"text": "Synthetic."} | content)
    )
    return Saying(f"adds {name}", intake.InformationSupplied(referral_id=ID, supplement=supplement), told)


def _place(place_id: str, force_id: str) -> OffencePlace:
    return OffencePlace(place_id=place_id, force_id=force_id)
