"""What the console does with each fact: where the case stands now, and a line of its timeline."""

from conduit_chassis.dispatch import Handlers, ignore
from conduit_console import of_intake, of_notification, of_routing, of_triage
from conduit_console.work import ConsoleWork
from conduit_contracts import intake, notification, routing, triage

HANDLERS: Handlers[ConsoleWork] = {
    intake.ReferralReceived.type: of_intake.referral_received,
    intake.InformationSupplied.type: of_intake.information_supplied,
    intake.ReferralWithdrawn.type: of_intake.referral_withdrawn,
    intake.ReconsiderationRequested.type: of_intake.partner_acted,
    intake.SubmissionRejected.type: of_intake.submission_rejected,
    intake.SubmissionRepeated.type: of_intake.partner_acted,
    intake.DangerReported.type: of_intake.danger_reported,
    intake.AttachmentCleared.type: of_intake.attachment_cleared,
    triage.ReviewOpened.type: of_triage.review_opened,
    triage.ReviewRaised.type: of_triage.review_raised,
    triage.InformationRequested.type: of_triage.information_requested,
    triage.ImmediateDangerRaised.type: of_triage.immediate_danger_raised,
    triage.ReferralAccepted.type: of_triage.referral_accepted,
    triage.ReferralDeclined.type: of_triage.referral_declined,
    triage.ReconsiderationRefused.type: of_triage.reconsideration_refused,
    triage.InformationForwarded.type: of_triage.information_forwarded,
    triage.WithdrawalForwarded.type: of_triage.withdrawal_forwarded,
    triage.CommandIgnored.type: of_triage.command_ignored,
    triage.CommandRefused.type: of_triage.command_answered,
    triage.CommandOutdated.type: of_triage.command_answered,
    routing.CaseRouted.type: of_routing.case_routed,
    routing.RoutingReviewOpened.type: of_routing.routing_review_opened,
    routing.RoutingReviewClosed.type: of_routing.routing_review_closed,
    routing.HomeForceNamed.type: of_routing.home_force_named,
    routing.HandoffReceived.type: of_routing.handoff_received,
    routing.HandoffAcknowledged.type: of_routing.handoff_acknowledged,
    routing.HandoffDeclined.type: of_routing.handoff_declined,
    routing.HandoffStoodDown.type: of_routing.handoff_stood_down,
    routing.HandoffOverdue.type: of_routing.handoff_overdue,
    routing.HandoffEscalated.type: of_routing.handoff_escalated,
    routing.CaseHandedOver.type: of_routing.case_handed_over,
    routing.CaseWithdrawn.type: of_routing.case_withdrawn,
    routing.TriageDeclineForwarded.type: of_routing.triage_decline_forwarded,
    routing.CaseRestricted.type: of_routing.case_restricted,
    routing.ProfessionalStandardsInformed.type: of_routing.professional_standards_informed,
    routing.CommandIgnored.type: of_triage.command_ignored,
    routing.CommandRefused.type: of_triage.command_answered,
    routing.CommandOutdated.type: of_triage.command_answered,
    notification.NoticeSent.type: ignore,
    notification.NoticeFailed.type: of_notification.notice_failed,
    notification.DutyTaskUpdated.type: of_notification.duty_task_updated,
    notification.DutyTaskTaken.type: of_notification.duty_task_taken,
    notification.DutyTaskNotTaken.type: of_notification.duty_task_not_taken,
}
"""Exactly the messages that the console consumes."""
