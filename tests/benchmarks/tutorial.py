"""What the four stages of the comparison do, whichever library carries the records: read, make the next event, no more.

Same contracts as the conduit's, read from JSON at once because they are strict. What it leaves out is what the conduit
adds: no inbox, no outbox, no policy, no need-to-know extract, no dead letters, no history.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from conduit_contracts.ids import uuid7
from conduit_contracts.intake import ReferralReceived
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.referral import Ground
from conduit_contracts.routing import CaseDisseminated, CaseRouted, CaseSummary
from conduit_contracts.triage import ByRules, ReferralAccepted

STAGES = ("intake", "triage", "routing", "notification")
TABLE = "CREATE TABLE IF NOT EXISTS tutorial_records (referral_id uuid PRIMARY KEY, body bytea NOT NULL)"
_HOPS = ("submitted", "received", "accepted", "routed", "cases", "updates")
_FORCE = "west-midlands"


class Names(NamedTuple):
    """The topics of one pipeline, in flow order."""

    submitted: str
    received: str
    accepted: str
    routed: str
    cases: str
    updates: str


def names(pipeline: str) -> Names:
    """Each pipeline has topics of its own."""
    return Names(*(f"bench.{pipeline}.{hop}" for hop in _HOPS))


def received(body: bytes) -> ReferralReceived:
    """Intake: take it."""
    referral = ReferralSubmitted.model_validate_json(body).referral
    return ReferralReceived(
        referral_id=uuid7(),
        received_at=datetime.now(UTC),
        partner_id=referral.partner_id,
        partner_reference=referral.partner_reference,
        urgency=referral.urgency,
        immediate_danger=referral.immediate_danger,
        referral=referral,
    )


def accepted(body: bytes) -> ReferralAccepted:
    """Triage: accept everything."""
    event = ReferralReceived.model_validate_json(body)
    return ReferralAccepted(
        referral_id=event.referral_id,
        partner_id=event.partner_id,
        partner_reference=event.partner_reference,
        referral=event.referral,
        grounds=(Ground.NUMBER_OF_VICTIMS,),
        decided_by=ByRules(),
        policy_version="tutorial",
    )


def routed(body: bytes) -> tuple[CaseDisseminated, CaseRouted]:
    """Routing: send the whole case to one force."""
    event = ReferralAccepted.model_validate_json(body)
    now, referral = datetime.now(UTC), event.referral
    case = CaseDisseminated(
        force_id=_FORCE,
        referral_id=event.referral_id,
        partner_id=event.partner_id,
        partner_reference=event.partner_reference,
        caseworker=referral.caseworker,
        urgency=referral.urgency,
        immediate_danger=referral.immediate_danger,
        provisional=False,
        home_force=_FORCE,
        interim_safeguarding_owner=_FORCE,
        forces=(_FORCE,),
        summary=CaseSummary(
            concerns=referral.concerns,
            setting=referral.setting,
            offence_period=referral.offence_period,
            numbers=referral.numbers,
            narrative=referral.narrative,
            persons_elsewhere=0,
        ),
        persons=referral.persons,
        places=referral.places,
        referral=referral,
        handling=referral.handling,
        receipt_due_at=now + timedelta(hours=1),
        acknowledgement_due_at=now + timedelta(days=1),
    )
    routed = CaseRouted(
        referral_id=event.referral_id,
        partner_id=event.partner_id,
        partner_reference=event.partner_reference,
        home_force=_FORCE,
        interim_safeguarding_owner=_FORCE,
        forces=(_FORCE,),
        added=(_FORCE,),
        urgency=referral.urgency,
        immediate_danger=referral.immediate_danger,
        provisional=False,
        policy_version="tutorial",
    )
    return case, routed


def updated(body: bytes) -> ReferralStatusUpdated:
    """Notification: tell the partner once."""
    event = CaseRouted.model_validate_json(body)
    return ReferralStatusUpdated(
        partner_id=event.partner_id,
        partner_reference=event.partner_reference,
        referral_id=event.referral_id,
        revision=1,
        state=ReferralState.WITH_FORCES,
        fact="case_routed",
        happened_at=datetime.now(UTC),
    )
