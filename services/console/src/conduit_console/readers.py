"""What the console's handlers read of each message: ids and codes.

A record's whole content is kept by `content` as it came, and decoded when somebody looks at it. So following the topics
costs little, and nothing of a case can reach a log or a list from here.
"""

from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel

from conduit_contracts import intake, notification, programme, routing, triage
from conduit_contracts.base import Value
from conduit_contracts.commands import CommandId
from conduit_contracts.force import ForceReference
from conduit_contracts.ids import ForceId, OfficerId, PartnerId, PartnerReference, ReferralId
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.referral import Ground, Urgency
from conduit_contracts.times import Moment


class PartnerCalled(Value):
    """What a partner is called; not its agreements, nor where notices go."""

    partner_id: PartnerId
    name: str


class AboutCase(Value):
    """Which case a fact is about, and whose it is."""

    referral_id: ReferralId
    partner_id: PartnerId
    partner_reference: PartnerReference
    command_id: CommandId | None = None
    """The officer's command that it follows from, where there is one."""


class CaseReceived(AboutCase):
    """That intake holds it."""

    received_at: Moment
    urgency: Urgency
    immediate_danger: bool
    mou_lapsed: bool = False


class WhatWasAdded(Value):
    """What an addition says of priority, and whose it is."""

    partner_id: PartnerId
    partner_reference: PartnerReference
    immediate_danger: bool | None = None
    urgency: Urgency | None = None


class InformationAdded(Value):
    """That something was added; not what."""

    referral_id: ReferralId
    supplement: WhatWasAdded

    @property
    def partner_id(self) -> PartnerId:
        """Whose case it is."""
        return self.supplement.partner_id

    @property
    def partner_reference(self) -> PartnerReference:
        """The partner's own reference."""
        return self.supplement.partner_reference


class WithdrawnWithReason(AboutCase):
    """Without the comment."""

    reason: WithdrawalReason


class DangerTold(Value):
    """Without whom to call back, which notification tells the officer who has the task."""

    partner_id: PartnerId
    partner_reference: PartnerReference | None = None
    referral_id: ReferralId | None = None
    codes: tuple[intake.ProblemCode, ...]
    waits_until: Moment | None = None


class DangerPassedOn(AboutCase):
    """Without the case."""

    policy_version: triage.PolicyVersion


class AcceptedOnGrounds(AboutCase):
    """Without the case."""

    grounds: tuple[Ground, ...]
    home_force: ForceId | None = None
    decided_by: triage.DecidedBy
    policy_version: triage.PolicyVersion
    assessment: triage.ReviewAssessment | None = None


class AskedByOfficer(AboutCase):
    """Without the question."""

    officer_id: OfficerId


class DeclinedByOfficer(AskedByOfficer):
    """Without the comment."""

    reason: triage.DeclineReason
    reconsideration_open: bool
    policy_version: triage.PolicyVersion


class HomeNamedByOfficer(AskedByOfficer):
    """Without the officer's reasons."""

    home_force: ForceId


class PartEndedByOfficer(AskedByOfficer):
    """Without the officer's reasons. The same of a professional standards department and of an interim owner."""

    force_id: ForceId


class PartAcknowledged(AboutCase):
    """Which force, and its reference."""

    force_id: ForceId
    force_reference: ForceReference | None = None


class TakenByTelephone(PartAcknowledged):
    """Without who spoke, at which number, and what was said."""

    officer_id: OfficerId
    spoken_at: Moment


class ForceLate(AboutCase):
    """Without the officer's reasons, where an officer had the force asked."""

    force_id: ForceId
    leg: routing.Leg
    due_at: Moment
    policy_version: triage.PolicyVersion
    officer_id: OfficerId | None = None


class ForceChased(ForceLate):
    """How often."""

    chase: int


class ForceEscalated(ForceLate):
    """To which level."""

    level: int


class CallOfOfficer(AskedByOfficer):
    """Without who it was there and what was said."""

    force_id: ForceId | None = None
    outcome: routing.CallOutcome


class TaskTaken(Value):
    """Who has a duty task by which command; not whom to call."""

    task_id: UUID
    command_id: CommandId
    officer_id: OfficerId


READERS: Mapping[str, type[BaseModel]] = {
    programme.PartnerRegistered.type: PartnerCalled,
    intake.ReferralReceived.type: CaseReceived,
    intake.InformationSupplied.type: InformationAdded,
    intake.ReferralWithdrawn.type: WithdrawnWithReason,
    intake.ReconsiderationRequested.type: AboutCase,
    intake.DangerReported.type: DangerTold,
    triage.InformationRequested.type: AskedByOfficer,
    triage.ImmediateDangerRaised.type: DangerPassedOn,
    triage.ReferralAccepted.type: AcceptedOnGrounds,
    triage.ReferralDeclined.type: DeclinedByOfficer,
    triage.InformationForwarded.type: AboutCase,
    triage.WithdrawalForwarded.type: WithdrawnWithReason,
    routing.HomeForceNamed.type: HomeNamedByOfficer,
    routing.InterimOwnerNamed.type: PartEndedByOfficer,
    routing.HandoffAcknowledged.type: PartAcknowledged,
    routing.HandoffAcknowledgedByTelephone.type: TakenByTelephone,
    routing.HandoffOverdue.type: ForceChased,
    routing.HandoffEscalated.type: ForceEscalated,
    triage.CallNoted.type: CallOfOfficer,
    routing.CallRecorded.type: CallOfOfficer,
    routing.HandoffStoodDown.type: PartEndedByOfficer,
    routing.ProfessionalStandardsInformed.type: PartEndedByOfficer,
    notification.DutyTaskTaken.type: TaskTaken,
}
