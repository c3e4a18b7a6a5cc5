"""What intake does with each record. Thin: a rule decides, its answer is published and stands in history.

The topic says who the sender is. Every record of a partner's has exactly one outcome that somebody can see.
"""

from functools import partial
from typing import Any

from conduit_chassis.dispatch import Handlers, ignore
from conduit_chassis.records import Delivery, Incoming, Refusal
from conduit_contracts import danger, notification, partner, programme, routing
from conduit_contracts.envelope import dump
from conduit_contracts.names import Names, names_of
from conduit_intake import answering, early, rules
from conduit_intake.force_files import Opening
from conduit_intake.problems import UNKNOWN_PARTNER
from conduit_intake.submissions import (
    KINDS,
    Docket,
    Outcome,
    Partner,
    Submission,
    SubmissionKind,
    claims,
)
from conduit_intake.suspensions import OrderedSuspension
from conduit_intake.work import IntakeWork, PartnerUpdate


def partner_registered(work: IntakeWork, delivery: Delivery[Partner]) -> None:
    """Keep the part of the register that intake needs. The last record of a partner holds."""
    work.register(delivery.message)


def partner_suspended(work: IntakeWork, delivery: Delivery[OrderedSuspension]) -> None:
    """Refuse from now on, without waiting for the register."""
    work.suspend(delivery.message)


def partner_resumed(work: IntakeWork, delivery: Delivery[OrderedSuspension]) -> None:
    """Let the register decide again."""
    work.resume(delivery.message)


def referral_submitted(work: IntakeWork, delivery: Delivery[partner.ReferralSubmitted]) -> None:
    """Receive a referral."""
    _answer(rules.receive, work, delivery)


def information_supplied(work: IntakeWork, delivery: Delivery[partner.InformationSupplied]) -> None:
    """Pass on what a partner adds."""
    _answer(rules.supply, work, delivery)


def referral_withdrawn(work: IntakeWork, delivery: Delivery[partner.ReferralWithdrawn]) -> None:
    """Pass on a withdrawal."""
    _answer(rules.withdraw, work, delivery)


def reconsideration_requested(work: IntakeWork, delivery: Delivery[partner.ReconsiderationRequested]) -> None:
    """Pass on the request for a second officer's look."""
    _answer(rules.reconsider, work, delivery)


def referral_status_updated(work: IntakeWork, delivery: Delivery[notification.ReferralStatusUpdated]) -> None:
    """Keep what the partner is told, so that it can also ask. Revisions count, not the order of arrival."""
    message = delivery.message
    told = PartnerUpdate(
        referral_id=message.referral_id,
        revision=message.revision,
        partner_id=delivery.principal,
        state=message.state,
        at=message.happened_at,
        body=delivery.record.value or b"",
    )
    work.told.append(told)
    if _may_ask_again(message):
        work.askable.add(message.referral_id)


def sandbox_status_updated(work: IntakeWork, delivery: Delivery[notification.SandboxStatusUpdated]) -> None:
    """The same of a referral in the sandbox, whose tables are its own."""
    message, update = delivery.message, delivery.message.update
    told = PartnerUpdate(
        referral_id=message.referral_id,
        revision=update.revision,
        partner_id=message.partner_id,
        state=update.state,
        at=update.happened_at,
        body=dump(update),
    )
    work.tried.append(told)
    if _may_ask_again(update):
        work.askable_in_sandbox.add(message.referral_id)


def _may_ask_again(update: notification.ReferralStatusUpdated) -> bool:
    return update.fact == "reconsideration_refused" and (update.reason or "").startswith("not_declined")


def attachment_opened(work: IntakeWork, delivery: Delivery[routing.AttachmentOpened]) -> None:
    """This force may fetch it from now on."""
    message = delivery.message
    work.openings.append(Opening(message.referral_id, message.attachment_id, message.force_id, opens=True))


def attachment_closed(work: IntakeWork, delivery: Delivery[routing.AttachmentClosed]) -> None:
    """This force may no longer fetch it."""
    message = delivery.message
    work.openings.append(Opening(message.referral_id, message.attachment_id, message.force_id, opens=False))


def refused(work: IntakeWork, refusal: Refusal) -> None:
    """Tell a partner all that was wrong with a record that could not be read."""
    kind = KINDS.get(refusal.attributes.type, SubmissionKind.UNREADABLE) if refusal.attributes else SubmissionKind.UNREADABLE
    docket = Docket(_position(refusal), refusal.principal, kind)
    known = work.partners.get(refusal.principal)
    if known is None:
        _put_aside(work, refusal, docket)
        return
    answer = rules.named(rules.refuse(docket, known, refusal.problems), partial(_names, refusal))
    answering.tell(work, docket, answer, refusal.record.value, refusal.attributes)


def _answer(rule: rules.Rule, work: IntakeWork, delivery: Delivery[Any]) -> None:
    submission = submission_of(delivery)
    if rule is not rules.receive and _waits(work, submission):
        _wait(work, submission, delivery)
    elif answering.answer(rule, work, submission, delivery.attributes, partial(_names, delivery)) is None:
        _put_aside(work, delivery, submission.docket)


def _waits(work: IntakeWork, submission: Submission[Any]) -> bool:
    """Whether its referral has not come yet, or something about it that came before waits still."""
    own = claims(submission.message).partner_id == submission.partner_id
    known = work.partners.get(submission.partner_id)
    if not (work.patience and own and known is not None and not known.suspended):
        return False
    return submission.key in work.awaited or submission.key not in work.referrals


def _wait(work: IntakeWork, submission: Submission[Any], delivery: Delivery[Any]) -> None:
    """Keep it until its referral comes. A child in danger does not wait: its sender and a person at the hub hear now."""
    heard = danger.heard(submission.body)
    waiting = early.early(submission.key, delivery.record, work.scene.now, work.patience, danger=heard is not None)
    if heard is not None:
        about = submission.docket, heard, ["referral_unknown"], work.referrals.get(submission.key)
        event_id = _names(delivery).event_id
        report = rules.danger_reported(*about, waits_until=waiting.due_at, event_id=event_id)
        answering.report_danger(work.outbox, report, delivery.attributes)
    work.awaited.add(submission.key)
    work.early.append(waiting)


def _put_aside(work: IntakeWork, incoming: Incoming, docket: Docket) -> None:
    """Nobody unknown is answered: a person registers the partner and replays, or finds out who it was."""
    heard = danger.heard(incoming.record.value)
    if heard is not None:
        report = rules.danger_reported(docket, heard, [UNKNOWN_PARTNER.code], None)
        answering.report_danger(work.outbox, report, incoming.attributes)
    work.outbox.dead_letter(incoming, UNKNOWN_PARTNER)
    work.note(docket, Outcome.DEAD_LETTERED, [UNKNOWN_PARTNER.code])


def submission_of(delivery: Delivery[Any]) -> Submission[Any]:
    """What a partner sent, as rules see it."""
    record = delivery.record
    return Submission(_position(delivery), delivery.principal, delivery.message, record.value or b"", record.timestamp)


def _names(incoming: Incoming) -> Names:
    record = incoming.record
    return names_of(record.headers, record.key, record.value, incoming.attributes)


def _position(incoming: Incoming) -> str:
    record = incoming.record
    return f"{record.topic}/{record.partition}/{record.offset}"


HANDLERS: Handlers[IntakeWork] = {
    programme.RegisterPartner.type: ignore,
    programme.RegisterForce.type: ignore,
    programme.SuspendPartner.type: partner_suspended,
    programme.ResumePartner.type: partner_resumed,
    programme.PartnerRegistered.type: partner_registered,
    partner.ReferralSubmitted.type: referral_submitted,
    partner.InformationSupplied.type: information_supplied,
    partner.ReferralWithdrawn.type: referral_withdrawn,
    partner.ReconsiderationRequested.type: reconsideration_requested,
    routing.AttachmentOpened.type: attachment_opened,
    routing.AttachmentClosed.type: attachment_closed,
    notification.ReferralStatusUpdated.type: referral_status_updated,
    notification.SubmissionRejected.type: ignore,
    notification.SandboxStatusUpdated.type: sandbox_status_updated,
    notification.SubmissionDeferred.type: ignore,
}
