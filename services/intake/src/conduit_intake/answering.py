"""From a submission to its answer: the one way that records and requests take.

A rule decides. What it decided stands in the batch's work, is published, and is written into history.
"""

from collections.abc import Callable
from typing import Any

from conduit_chassis.outbox import Outbox
from conduit_contracts import danger, topics
from conduit_contracts.envelope import Attributes
from conduit_contracts.intake import DangerReported
from conduit_contracts.names import NAMELESS, Names
from conduit_intake import metrics, rules
from conduit_intake.submissions import Answer, Docket, Outcome, Submission
from conduit_intake.work import IntakeWork

DANGERS = topics.INTAKE_DANGERS.name()
REFERRALS = topics.INTAKE_REFERRALS.name()


def answer(
    rule: rules.Rule,
    work: IntakeWork,
    submission: Submission[Any],
    cause: Attributes | None,
    names_of: Callable[[], Names] = lambda: NAMELESS,
) -> Answer | None:
    """Answer a submission. None where its sender is not in the register: nobody unknown is answered."""
    partner = work.partners.get(submission.partner_id)
    if partner is None:
        return None
    held = work.referrals.get(submission.key)
    decided = rules.answer(rule, submission, partner, held, work.scene)
    if decided.held is not None and decided.held is not held:
        work.keep(submission, held, decided.held)
    return tell(work, submission.docket, rules.named(decided, names_of), submission.body, cause)


def tell(work: IntakeWork, docket: Docket, decided: Answer, body: bytes | None, cause: Attributes | None) -> Answer:
    """Publish an answer and note it; returns it as it was published.

    It is published under the referral's id; where the hub holds no referral, under what names the submission.
    """
    told = _heard(work.outbox, docket, decided, body, cause)
    referral_id = str(told.held.referral_id) if told.held else None
    event_id = work.outbox.publish(REFERRALS, referral_id or docket.key, told.event, subject=referral_id, cause=cause)
    work.note_answer(docket, told, event_id)
    return told


def _heard(outbox: Outbox, docket: Docket, decided: Answer, body: bytes | None, cause: Attributes | None) -> Answer:
    """Whoever says danger in what is refused is told to call 999 before all else, and a person at the hub is told."""
    heard = danger.heard(body) if decided.outcome is Outcome.REJECTED else None
    if heard is None:
        return decided
    report_danger(outbox, rules.danger_reported(docket, heard, decided.codes, decided.held), cause)
    return rules.call_999_first(decided)


def report_danger(outbox: Outbox, report: DangerReported, cause: Attributes | None) -> None:
    """Tell the hub. In the partner's order, apart from everything that is not danger."""
    outbox.publish(DANGERS, report.partner_id, report, cause=cause)
    metrics.DANGERS.inc()
