"""What notification reads of each message: ids, codes and an officer's words to the partner, never the case.

Everything else in a record is dropped while it is decoded, so it can't reach a database, a log or a notice from here.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from conduit_contracts import intake, programme, routing, triage
from conduit_contracts.advice import Advice
from conduit_contracts.base import Value
from conduit_contracts.force import VictimContact
from conduit_contracts.ids import ForceId, OfficerId, PartnerId, PartnerReference, ReferralId
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.times import Moment


class AboutReferral(Value):
    """Which referral a fact is about, and whose it is."""

    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference


class PartnerContact(Value):
    """The part of PartnerRegistered that says where notices go."""

    partner_id: PartnerId
    contact: programme.Contact = programme.Contact()
    sandbox_contact: programme.Contact | None = None


class ReferralReceived(intake.ReferralReceivedNotice):
    """With the person to call back, and nothing else of the case."""

    referral: "WhomToRing"


class WhomToRing(Value):
    """The caseworker's contact."""

    caseworker: intake.Callback


class SupplementOwner(Value):
    """Whose referral is added to."""

    partner_id: PartnerId
    partner_reference: PartnerReference
    immediate_danger: bool | None = None


class InformationSupplied(Value):
    """That something was supplied, and whether a child is in danger now; not what."""

    referral_id: ReferralId
    supplement: SupplementOwner
    warnings: tuple[Advice, ...] = ()

    @property
    def partner_id(self) -> PartnerId:
        """Whose referral it is."""
        return self.supplement.partner_id

    @property
    def partner_reference(self) -> PartnerReference:
        """The partner's own reference."""
        return self.supplement.partner_reference

    @property
    def immediate_danger(self) -> bool:
        """Whether the partner says that a child is in danger now."""
        return bool(self.supplement.immediate_danger)


class ReferralWithdrawn(AboutReferral):
    """Without the comment."""

    reason: WithdrawalReason


class ReferralAccepted(triage.ReferralAcceptedNotice):
    """With who decided, for the history."""

    decided_by: triage.DecidedBy


class AboutHandoff(AboutReferral):
    """Which force a fact is about."""

    force_id: ForceId


class HandoffAcknowledged(AboutHandoff):
    """With what the partner is told of contact with victims."""

    victim_contact: VictimContact | None = None


class HandoffAcknowledgedByTelephone(HandoffAcknowledged):
    """Without who spoke to whom, and at which number."""

    officer_id: OfficerId


class _HandoffLate(AboutHandoff):
    """Without the officer's reasons, where an officer had the force asked."""

    leg: routing.Leg
    due_at: Moment
    officer_id: OfficerId | None = None


class HandoffOverdue(_HandoffLate):
    """How often the force was chased."""

    chase: int


class HandoffEscalated(_HandoffLate):
    """To which level it went."""

    level: int


class HomeForceNamed(AboutReferral):
    """Without the officer's reasons."""

    home_force: ForceId
    officer_id: OfficerId


class HandoffStoodDown(AboutHandoff):
    """Without the officer's reasons. The same of an interim owner that was named."""

    officer_id: OfficerId


class CaseRestricted(AboutReferral):
    """With the forces that it is kept from, so that nobody on duty calls them. None: the force is not known."""

    immediate_danger: bool
    kept_from: tuple[ForceId, ...] = ()


class ProfessionalStandardsInformed(AboutHandoff):
    """Without the officer's reasons."""

    officer_id: OfficerId


READERS: Mapping[str, type[BaseModel]] = {
    programme.PartnerRegistered.type: PartnerContact,
    intake.ReferralReceived.type: ReferralReceived,
    intake.InformationSupplied.type: InformationSupplied,
    intake.ReferralWithdrawn.type: ReferralWithdrawn,
    intake.ReconsiderationRequested.type: AboutReferral,
    triage.ImmediateDangerRaised.type: AboutReferral,
    triage.ReferralAccepted.type: ReferralAccepted,
    triage.InformationForwarded.type: AboutReferral,
    triage.WithdrawalForwarded.type: AboutReferral,
    triage.CallNoted.type: AboutReferral,
    triage.CommandIgnored.type: AboutReferral,
    routing.HomeForceNamed.type: HomeForceNamed,
    routing.InterimOwnerNamed.type: HandoffStoodDown,
    routing.HandoffAcknowledged.type: HandoffAcknowledged,
    routing.HandoffAcknowledgedByTelephone.type: HandoffAcknowledgedByTelephone,
    routing.HandoffOverdue.type: HandoffOverdue,
    routing.HandoffEscalated.type: HandoffEscalated,
    routing.HandoffStoodDown.type: HandoffStoodDown,
    routing.CaseRestricted.type: CaseRestricted,
    routing.ProfessionalStandardsInformed.type: ProfessionalStandardsInformed,
    routing.CallRecorded.type: AboutReferral,
    routing.CommandIgnored.type: AboutReferral,
}
