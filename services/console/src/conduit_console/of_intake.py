"""What intake says: what came from partners, and what could not be taken."""

from typing import Any

from conduit_chassis.records import Delivery
from conduit_console import readers, rules
from conduit_console.cases import AskedBy
from conduit_console.work import ClearedAttachment, ConsoleWork, ReportedDanger, by_partner, settle
from conduit_contracts import intake


def referral_received(work: ConsoleWork, delivery: Delivery[readers.CaseReceived]) -> None:
    message = delivery.message
    case = work.case(message)
    case.received_at, case.mou_lapsed = message.received_at, message.mou_lapsed
    rules.raise_priority(case, message.urgency, danger=message.immediate_danger)
    work.note(delivery, by_partner(message.partner_id), _danger(said=message.immediate_danger))


def information_supplied(work: ConsoleWork, delivery: Delivery[readers.InformationAdded]) -> None:
    """An officer who waits for the partner waits no more."""
    message, at = delivery.message, delivery.record.timestamp
    case = work.case(message)
    case.supplied_at = max(at, case.supplied_at or at)
    rules.raise_priority(case, message.supplement.urgency, danger=bool(message.supplement.immediate_danger))
    rules.see_who_waits(case)
    work.note(delivery, by_partner(message.partner_id), _danger(said=bool(message.supplement.immediate_danger)))


def referral_withdrawn(work: ConsoleWork, delivery: Delivery[readers.WithdrawnWithReason]) -> None:
    """Triage's question ends with it. What forces are told, routing says."""
    message = delivery.message
    case = work.case(message)
    case.withdrawn = True
    settle(case, AskedBy.TRIAGE)
    work.note(delivery, by_partner(message.partner_id), (message.reason.value,))


def partner_acted(work: ConsoleWork, delivery: Delivery[Any]) -> None:
    """The partner did something that does not move the case by itself."""
    work.case(delivery.message)
    work.note(delivery, by_partner(delivery.message.partner_id))


def submission_rejected(work: ConsoleWork, delivery: Delivery[intake.SubmissionRejected]) -> None:
    """A line of the case that it was about, where the console has it. What was about no case is between intake and its
    sender."""
    message = delivery.message
    if message.referral_id in work.cases:
        codes = dict.fromkeys(problem.code for problem in message.problems)
        work.note(delivery, by_partner(message.partner_id), tuple(codes))


def danger_reported(work: ConsoleWork, delivery: Delivery[readers.DangerTold]) -> None:
    message, attributes = delivery.message, delivery.attributes
    work.dangers.append(
        ReportedDanger(
            event_id=attributes.id,
            partner_id=message.partner_id,
            partner_reference=message.partner_reference,
            referral_id=message.referral_id,
            codes=message.codes,
            waits_until=message.waits_until,
            reported_at=attributes.time,
        )
    )
    if message.referral_id in work.cases:
        work.note(delivery, by_partner(message.partner_id), message.codes)


def attachment_cleared(work: ConsoleWork, delivery: Delivery[intake.AttachmentCleared]) -> None:
    """It may come before its case, and stands with it once that is here."""
    message, at = delivery.message, delivery.attributes.time
    work.attachments.append(
        ClearedAttachment(message.referral_id, message.attachment_id, message.media_type, message.size, message.sha256, at)
    )
    if message.referral_id in work.cases:
        work.note(delivery, "rules")


def _danger(*, said: bool) -> tuple[str, ...]:
    return ("immediate_danger",) if said else ()
