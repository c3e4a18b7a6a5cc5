"""What notification does with each fact: a revision for the partner, and notices to whoever must act or wants to know."""

from datetime import datetime
from typing import Any

from conduit_chassis.dispatch import Handlers, ignore, put_aside
from conduit_chassis.records import Delivery, Refusal
from conduit_contracts import console, danger, intake, notification, programme, routing, triage
from conduit_contracts.routing import HandoffState
from conduit_contracts.topics import NOTIFICATION_REVIEWS
from conduit_contracts.triage import ByOfficer
from conduit_notification import duty_commands, notices, practice, readers, registers, restricted, rules, sandbox
from conduit_notification.duty import ASKS_TO_RING, Kind, ended_by
from conduit_notification.notices import HUB, SUPERVISORS
from conduit_notification.sandbox import SandboxWork
from conduit_notification.templates import Template
from conduit_notification.work import (
    NotificationWork,
    by_force,
    by_officer,
    by_partner,
    updates_topic,
)

RULES, CLOCK = "rules", "clock"


def referral_received(work: NotificationWork, delivery: Delivery[readers.ReferralReceived]) -> None:
    message = delivery.message
    standing = rules.received(work.standing(message), immediate_danger=message.immediate_danger)
    danger = work.danger_next_step if message.immediate_danger else None
    record = work.tell(delivery, standing, by_partner(message), next_step=rules.look_at(danger, message.warnings))
    if danger:
        work.callbacks[message.referral_id] = message.referral.caseworker
    template = Template.PARTNER_IMMEDIATE_DANGER if danger else Template.PARTNER_REFERRAL_RECEIVED
    more = {} if danger else {"look_at": rules.fields_to_look_at(message.warnings)}
    work.notify_partner(delivery, template, record, **more)


def information_supplied(work: NotificationWork, delivery: Delivery[readers.InformationSupplied]) -> None:
    """Whoever says that a child is in danger is told at once to call 999, each time."""
    message = delivery.message
    standing = rules.supplied(work.standing(message), delivery.record.timestamp)
    if not message.immediate_danger:
        work.tell(delivery, standing, by_partner(message), next_step=rules.look_at(None, message.warnings))
        return
    next_step = rules.look_at(work.danger_next_step, message.warnings)
    record = work.tell(delivery, rules.in_danger(standing), by_partner(message), next_step=next_step)
    work.notify_partner(delivery, Template.PARTNER_IMMEDIATE_DANGER, record)


def referral_withdrawn(work: NotificationWork, delivery: Delivery[readers.ReferralWithdrawn]) -> None:
    message = delivery.message
    work.tell(delivery, rules.withdrawn(work.standing(message)), by_partner(message), reason=message.reason.value)


def partner_acted(work: NotificationWork, delivery: Delivery[Any]) -> None:
    """The partner did something that does not move the referral by itself, and is told that the hub knows of it."""
    work.tell(delivery, work.standing(delivery.message), by_partner(delivery.message))


def submission_rejected(work: NotificationWork, delivery: Delivery[intake.SubmissionRejected]) -> None:
    message = delivery.message
    # The same fields: the partner is told all that intake said.
    rejected = notification.SubmissionRejected(**dict(message))
    work.reject(delivery, rejected)
    called = f", event {message.event_id}" if message.event_id else ""
    params = {"partner_reference": message.partner_reference or "", "submission_id": message.submission_id + called}
    says_danger = message.problems[0].code == danger.CODE
    template = Template.PARTNER_DANGER_REJECTED if says_danger else Template.PARTNER_SUBMISSION_REJECTED
    audience = notices.partner(message.partner_id)
    work.notify(delivery, audience, template, message.referral_id, params, urgent=says_danger)


def danger_reported(work: NotificationWork, delivery: Delivery[intake.DangerReported]) -> None:
    """Someone at the hub must call back: no force has it. A sender whose update waits is told to call 999 now."""
    message = delivery.message
    if message.waits_until is not None:
        _tell_to_call_999_meanwhile(work, delivery, message.waits_until)
    more = {"codes": message.codes, "callback": message.callback, "apart": message.submission_id}
    work.duty(delivery, Kind.DANGER_REFUSED, danger=True, **more)


def sandbox_step_played(work: NotificationWork, delivery: Delivery[intake.SandboxStepPlayed]) -> None:
    """What the partner is told of it is made as of a real referral, apart from all that is real."""
    sandbox.play(_in_sandbox(work), delivery, HANDLERS)


def sandbox_submission_rejected(work: NotificationWork, delivery: Delivery[intake.SandboxSubmissionRejected]) -> None:
    sandbox.reject(_in_sandbox(work), delivery, HANDLERS)


def _in_sandbox(work: NotificationWork) -> SandboxWork:
    if work.sandbox is None:
        work.sandbox = SandboxWork(work.policy, work.now, work.outbox)
    # An address that was registered in this batch holds already.
    work.sandbox.ladders.update({each: work.ladders[each] for each in work.registered})
    return work.sandbox


def _tell_to_call_999_meanwhile(work: NotificationWork, delivery: Delivery[intake.DangerReported], until: datetime) -> None:
    message = delivery.message
    deferred = notification.SubmissionDeferred(
        partner_id=message.partner_id,
        partner_reference=message.partner_reference,
        submission_id=message.submission_id,
        event_id=message.event_id,
        waits_until=until,
        next_step=rules.WAITS_IN_DANGER,
    )
    key = message.partner_reference or message.submission_id
    work.outbox.publish(updates_topic(message.partner_id), key, deferred, cause=delivery.attributes)
    called = f", event {message.event_id}" if message.event_id else ""
    params = {"partner_reference": message.partner_reference or "", "submission_id": message.submission_id + called}
    audience = notices.partner(message.partner_id)
    work.notify(delivery, audience, Template.PARTNER_DANGER_DEFERRED, message.referral_id, params, urgent=True)


def review_opened(work: NotificationWork, delivery: Delivery[triage.ReviewOpened]) -> None:
    message = delivery.message
    standing = rules.review_opened(work.standing(message), immediate_danger=message.immediate_danger)
    work.tell(delivery, standing, RULES, reason=message.reasons[0].value)
    if message.immediate_danger:
        work.duty(delivery, Kind.DANGER_REVIEW, danger=True, codes=[reason.value for reason in message.reasons])


def information_requested(work: NotificationWork, delivery: Delivery[triage.InformationRequested]) -> None:
    message = delivery.message
    standing = rules.asked(work.standing(message), delivery.record.timestamp)
    record = work.tell(delivery, standing, by_officer(message), comment=message.question, next_step=rules.ANSWER)
    work.done(delivery, by_officer(message), Kind.DANGER_REVIEW)
    work.notify_partner(delivery, Template.PARTNER_INFORMATION_REQUESTED, record)


def immediate_danger_raised(work: NotificationWork, delivery: Delivery[readers.AboutReferral]) -> None:
    before = work.standing(delivery.message)
    standing = rules.in_danger(before)
    if rules.is_under_review(before):
        work.duty(delivery, Kind.DANGER_REVIEW, danger=True, codes=["immediate_danger"])
    work.tell(delivery, standing, RULES, next_step=work.danger_next_step)


def referral_accepted(work: NotificationWork, delivery: Delivery[readers.ReferralAccepted]) -> None:
    message = delivery.message
    actor = by_officer(message.decided_by) if isinstance(message.decided_by, ByOfficer) else RULES
    record = work.tell(delivery, rules.accepted(work.standing(message)), actor)
    if actor != RULES:
        work.done(delivery, actor, Kind.DANGER_REVIEW)
    work.notify_partner(delivery, Template.PARTNER_REFERRAL_ACCEPTED, record)


def referral_declined(work: NotificationWork, delivery: Delivery[triage.ReferralDeclined]) -> None:
    message = delivery.message
    record = work.tell(
        delivery,
        rules.declined(work.standing(message)),
        by_officer(message),
        reason=message.reason.value,
        comment=message.comment,
        next_step=rules.decline_next_step(message.next_step, reconsideration_open=message.reconsideration_open),
    )
    work.done(delivery, by_officer(message), Kind.DANGER_REVIEW)
    work.notify_partner(delivery, Template.PARTNER_REFERRAL_DECLINED, record)


def reconsideration_refused(work: NotificationWork, delivery: Delivery[triage.ReconsiderationRefused]) -> None:
    message = delivery.message
    work.tell(delivery, work.standing(message), RULES, reason=message.code)


def case_routed(work: NotificationWork, delivery: Delivery[routing.CaseRouted]) -> None:
    message = delivery.message
    concerned = tuple(dict.fromkeys((*message.added, *message.again)))
    standing = rules.routed(work.standing(message), message)
    in_danger = work.danger_next_step if standing.immediate_danger else None
    record = work.tell(
        delivery,
        standing,
        RULES,
        reason="asked_again" if message.again else None,
        next_step=rules.asked_again(in_danger) if message.again else None,
        force_ids=concerned,
    )
    work.keep_from(message, let_in=concerned)  # routing sends to no force that it keeps the case from
    for force_id in concerned:
        changed = Template.FORCE_CASE_CHANGED if force_id in message.again else Template.FORCE_CASE_DISSEMINATED
        danger = record.standing.immediate_danger
        work.notify_force(delivery, force_id, Template.FORCE_IMMEDIATE_DANGER if danger else changed)


def routing_review_opened(work: NotificationWork, delivery: Delivery[routing.RoutingReviewOpened]) -> None:
    """The hub's own business: its officer is told, and the partner is told what the officer decides. That no force has the
    case, the partner is told at once: it may know where it happened."""
    message = delivery.message
    _tell_that_no_force_has_it(work, delivery)
    kind = rules.duty_of(message, work.standing(message))
    if kind is None:
        work.notify(delivery, HUB, Template.HUB_ROUTING_REVIEW_OPENED, message.referral_id, {})
    else:
        codes = [reason.value for reason in message.reasons]
        # One task for each force that is silent: the answer of one ends no other's.
        for force_id in message.silent if kind is Kind.FORCE_SILENT and message.silent else (None,):
            work.duty(delivery, kind, danger=message.immediate_danger, codes=codes, force_id=force_id)


def _tell_that_no_force_has_it(work: NotificationWork, delivery: Delivery[routing.RoutingReviewOpened]) -> None:
    message, reason = delivery.message, routing.RoutingReviewReason.NO_FORCE
    standing = work.standing(message)
    if reason not in message.reasons or rules.is_with_a_force(standing):
        return
    first = f"{work.danger_next_step} " if standing.immediate_danger or message.immediate_danger else ""
    next_step = first + rules.NO_FORCE_YET
    record = work.tell(delivery, rules.no_force_yet(standing), RULES, reason=reason.value, next_step=next_step)
    work.notify_partner(delivery, Template.PARTNER_NO_FORCE_YET, record)


def home_force_named(work: NotificationWork, delivery: Delivery[readers.HomeForceNamed]) -> None:
    message = delivery.message
    standing = rules.home_force_named(work.standing(message), message.home_force)
    work.keep_from(message, let_in=(message.home_force,))
    work.tell(delivery, standing, by_officer(message), force_ids=(message.home_force,))
    work.done(delivery, by_officer(message), Kind.NO_FORCE, Kind.DANGER_ROUTING)


def handoff_received(work: NotificationWork, delivery: Delivery[routing.HandoffReceived]) -> None:
    _handoff(work, delivery, HandoffState.RECEIVED, by_force(delivery.message))


def interim_owner_named(work: NotificationWork, delivery: Delivery[readers.HandoffStoodDown]) -> None:
    """Somebody saw to it that the child is looked after. The partner is told of the force by what follows."""
    work.done(delivery, by_officer(delivery.message), Kind.NO_FORCE, Kind.DANGER_ROUTING)


def handoff_acknowledged(work: NotificationWork, delivery: Delivery[readers.HandoffAcknowledged]) -> None:
    message = delivery.message
    _handoff(work, delivery, HandoffState.ACKNOWLEDGED, by_force(message), victim_contact=message.victim_contact)


def handoff_acknowledged_by_telephone(
    work: NotificationWork, delivery: Delivery[readers.HandoffAcknowledgedByTelephone]
) -> None:
    message, who = delivery.message, by_officer(delivery.message)
    work.tell(
        delivery,
        rules.taken_by_telephone(work.standing(message), message.force_id),
        who,
        next_step=rules.TAKEN_BY_TELEPHONE,
        force_ids=(message.force_id,),
        victim_contact=message.victim_contact,
    )
    work.done(delivery, who, *ASKS_TO_RING, force_id=message.force_id)


def handoff_declined(work: NotificationWork, delivery: Delivery[routing.HandoffDeclined]) -> None:
    message = delivery.message
    _handoff(work, delivery, HandoffState.DECLINED, by_force(message), reason=message.reason.value)


def handoff_stood_down(work: NotificationWork, delivery: Delivery[readers.HandoffStoodDown]) -> None:
    _handoff(work, delivery, HandoffState.STOOD_DOWN, by_officer(delivery.message))


def _handoff(work: NotificationWork, delivery: Delivery[Any], state: HandoffState, actor: str, **told: Any) -> None:
    message = delivery.message
    standing = rules.handoff_moved(work.standing(message), message.force_id, state)
    work.tell(delivery, standing, actor, force_ids=(message.force_id,), **told)
    if ended := ended_by(state, by_telephone=message.force_id in standing.by_telephone):
        work.done(delivery, actor, *ended, force_id=message.force_id)


def handoff_overdue(work: NotificationWork, delivery: Delivery[readers.HandoffOverdue]) -> None:
    _not_answered(
        work, delivery, Template.FORCE_HANDOFF_OVERDUE, Template.FORCE_DANGER_OVERDUE, chase=delivery.message.chase
    )


def handoff_escalated(work: NotificationWork, delivery: Delivery[readers.HandoffEscalated]) -> None:
    message, level = delivery.message, delivery.message.level
    routine, danger = Template.FORCE_HANDOFF_ESCALATED, Template.FORCE_DANGER_ESCALATED
    codes = _not_answered(work, delivery, routine, danger, rung=level, level=level)
    params, urgent = {"force_id": message.force_id, **codes}, work.standing(message).immediate_danger
    work.notify(delivery, HUB, Template.HUB_HANDOFF_ESCALATED, message.referral_id, params, urgent=urgent)


def _not_answered(
    work: NotificationWork, delivery: Delivery[Any], routine: Template, danger: Template, rung: int = 0, **which: int
) -> dict[str, Any]:
    """The partner sees that a force has not answered in time, and the force is told; returns what it is told."""
    message, leg = delivery.message, delivery.message.leg.value
    actor = by_officer(message) if message.officer_id else CLOCK
    record = work.tell(delivery, work.standing(message), actor, reason=leg, force_ids=(message.force_id,))
    codes = {"leg": leg, **which, "due": work.local(message.due_at)}
    template = danger if record.standing.immediate_danger else routine
    work.notify_force(delivery, message.force_id, template, rung, **codes)
    return codes


def case_handed_over(work: NotificationWork, delivery: Delivery[routing.CaseHandedOver]) -> None:
    message = delivery.message
    standing = rules.handed_over(work.standing(message), message.home_force)
    record = work.tell(delivery, standing, RULES, next_step=rules.how_it_was_handed_over(standing))
    calls = {"by_telephone": rules.by_telephone_at(standing)}
    work.notify_partner(delivery, Template.PARTNER_CASE_HANDED_OVER, record, **calls)


def case_withdrawn(work: NotificationWork, delivery: Delivery[routing.CaseWithdrawn]) -> None:
    """The forces that hold the case were told."""
    message = delivery.message
    work.tell(delivery, rules.withdrawn(work.standing(message)), RULES, reason=message.reason.value)


def glass_broken(work: NotificationWork, delivery: Delivery[console.GlassBroken]) -> None:
    """A supervisor is to look at it at once. Who it was stands in the trail, and in no mail."""
    message = delivery.message
    audience = SUPERVISORS if SUPERVISORS in work.ladders else HUB
    params = {"codes": message.reason, "due": work.local(message.open_until)}
    work.notify(delivery, audience, Template.HUB_GLASS_BROKEN, message.referral_id, params)


def refused(work: NotificationWork, refusal: Refusal) -> None:
    """Tell an officer what was wrong with a command. A record of our own services' goes to the dead letters."""
    if refusal.topic is NOTIFICATION_REVIEWS:
        duty_commands.refused(work, refusal)
    else:
        put_aside(work, refusal)


HANDLERS: Handlers[NotificationWork] = {
    programme.PartnerRegistered.type: registers.partner_registered,
    programme.ForceRegistered.type: registers.force_registered,
    programme.HubContactsProposed.type: registers.hub_contacts_proposed,
    programme.HubContactsApproved.type: registers.hub_contacts_approved,
    intake.ReferralReceived.type: referral_received,
    intake.InformationSupplied.type: information_supplied,
    intake.ReferralWithdrawn.type: referral_withdrawn,
    intake.ReconsiderationRequested.type: partner_acted,
    intake.SubmissionRejected.type: submission_rejected,
    intake.SubmissionRepeated.type: partner_acted,
    intake.DangerReported.type: danger_reported,
    intake.SandboxStepPlayed.type: sandbox_step_played,
    intake.SandboxSubmissionRejected.type: sandbox_submission_rejected,
    triage.ReviewOpened.type: review_opened,
    triage.ReviewRaised.type: ignore,
    triage.InformationRequested.type: information_requested,
    triage.ImmediateDangerRaised.type: immediate_danger_raised,
    triage.ReferralAccepted.type: referral_accepted,
    triage.ReferralDeclined.type: referral_declined,
    triage.ReconsiderationRefused.type: reconsideration_refused,
    triage.InformationForwarded.type: ignore,
    triage.WithdrawalForwarded.type: ignore,
    triage.CallNoted.type: ignore,
    triage.CommandIgnored.type: ignore,
    triage.CommandRefused.type: ignore,
    triage.CommandOutdated.type: ignore,
    routing.CaseRouted.type: case_routed,
    routing.RoutingReviewOpened.type: routing_review_opened,
    routing.RoutingReviewClosed.type: ignore,
    routing.HomeForceNamed.type: home_force_named,
    routing.HandoffReceived.type: handoff_received,
    routing.InterimOwnerNamed.type: interim_owner_named,
    routing.HandoffAcknowledged.type: handoff_acknowledged,
    routing.HandoffAcknowledgedByTelephone.type: handoff_acknowledged_by_telephone,
    routing.HandoffDeclined.type: handoff_declined,
    routing.HandoffStoodDown.type: handoff_stood_down,
    routing.HandoffOverdue.type: handoff_overdue,
    routing.HandoffEscalated.type: handoff_escalated,
    routing.CaseHandedOver.type: case_handed_over,
    routing.CaseWithdrawn.type: case_withdrawn,
    routing.TriageDeclineForwarded.type: ignore,
    routing.CaseRestricted.type: restricted.case_restricted,
    routing.ProfessionalStandardsInformed.type: restricted.professional_standards_informed,
    routing.CallRecorded.type: ignore,
    routing.CommandIgnored.type: ignore,
    routing.CommandRefused.type: ignore,
    routing.CommandOutdated.type: ignore,
    notification.TakeDutyTask.type: duty_commands.take_duty_task,
    console.GlassBroken.type: glass_broken,
    programme.PracticeQuestionOverdue.type: practice.question_overdue,
    programme.PracticeQuestionSettled.type: practice.question_settled,
}
"""Exactly the messages that notification consumes."""
