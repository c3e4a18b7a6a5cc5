"""What intake does with each record. Thin: a rule decides, its answer is published and stands in history.

The topic says who the sender is. Every record of a partner's has exactly one outcome that somebody can see.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias, cast

import structlog

from conduit_chassis import dead_letters
from conduit_chassis.dead_letters import HANDLER_FAILED, Cause
from conduit_chassis.errors import Verdict, class_name, classify
from conduit_chassis.kafka import Delivery, Incoming, Item, Refusal
from conduit_chassis.metrics import DEAD_LETTERS
from conduit_chassis.outbox import Outbox
from conduit_chassis.runtime import Runtime
from conduit_contracts import danger, notification, partner, programme, routing
from conduit_contracts.envelope import dump
from conduit_contracts.names import Names, names_of
from conduit_intake import answering, early, metrics, rules, store
from conduit_intake.force_files import Opening
from conduit_intake.policy import IntakePolicy
from conduit_intake.problems import UNKNOWN_PARTNER
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import (
    KINDS,
    Docket,
    Kind,
    Outcome,
    Partner,
    Scene,
    Submission,
    claims,
)
from conduit_intake.work import Told, Work

_log = structlog.get_logger()

Handle: TypeAlias = Callable[[Work, Delivery[Any], Outbox], None]


def partner_registered(work: Work, delivery: Delivery[Partner], _outbox: Outbox) -> None:
    """Keep the part of the register that intake needs. The last record of a partner holds."""
    work.register(delivery.message)


def referral_submitted(work: Work, delivery: Delivery[partner.ReferralSubmitted], outbox: Outbox) -> None:
    """Receive a referral."""
    _answer(rules.receive, work, delivery, outbox)


def information_supplied(work: Work, delivery: Delivery[partner.InformationSupplied], outbox: Outbox) -> None:
    """Pass on what a partner adds."""
    _answer(rules.supply, work, delivery, outbox)


def referral_withdrawn(work: Work, delivery: Delivery[partner.ReferralWithdrawn], outbox: Outbox) -> None:
    """Pass on a withdrawal."""
    _answer(rules.withdraw, work, delivery, outbox)


def reconsideration_requested(work: Work, delivery: Delivery[partner.ReconsiderationRequested], outbox: Outbox) -> None:
    """Pass on the request for a second officer's look."""
    _answer(rules.reconsider, work, delivery, outbox)


def referral_status_updated(work: Work, delivery: Delivery[notification.ReferralStatusUpdated], _outbox: Outbox) -> None:
    """Keep what the partner is told, so that it can also ask. Revisions count, not the order of arrival."""
    message = delivery.message
    told = Told(
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


def sandbox_status_updated(work: Work, delivery: Delivery[notification.SandboxStatusUpdated], _outbox: Outbox) -> None:
    """The same of a referral in the sandbox, whose tables are its own."""
    message, update = delivery.message, delivery.message.update
    told = Told(
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


def attachment_opened(work: Work, delivery: Delivery[routing.AttachmentOpened], _outbox: Outbox) -> None:
    """This force may fetch it from here on."""
    message = delivery.message
    work.openings.append(Opening(message.referral_id, message.attachment_id, message.force_id, opens=True))


def attachment_closed(work: Work, delivery: Delivery[routing.AttachmentClosed], _outbox: Outbox) -> None:
    """This force may no longer fetch it."""
    message = delivery.message
    work.openings.append(Opening(message.referral_id, message.attachment_id, message.force_id, opens=False))


def ignore(_work: Work, _delivery: Delivery[Any], _outbox: Outbox) -> None:
    """Intake said so itself."""


HANDLERS: dict[str, Handle] = {
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


class Handler:
    """Handles a batch, once it has been told what runs it."""

    def __init__(self) -> None:
        self._runtime: Runtime | None = None
        self._patience = timedelta()

    def start(self, runtime: Runtime, policy: IntakePolicy) -> None:
        """From now on decide under these settings, this clock and this policy."""
        self._runtime, self._patience = runtime, policy.patience

    @property
    def runtime(self) -> Runtime:
        """What runs it.

        Raises:
            RuntimeError: it was not started.
        """
        if self._runtime is None:
            raise RuntimeError("the handler was not started")
        return self._runtime

    async def __call__(self, connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        """Take each record in turn, between one load and one save."""
        work = await load(connection, scene_of(self.runtime), batch)
        work.patience = self._patience
        dispatch(work, batch, outbox)
        await store.save(connection, work)
        metrics.count(work.history)

    async def answer_early(self, connection: Any, outbox: Outbox, now: datetime) -> int:
        """Answer what waited for its referral: that has come, or the time is over."""
        items = await early.take(connection, now)
        if items:
            await answer_waiting(connection, scene_of(self.runtime), items, outbox)
        metrics.EARLY_WAITING.set(await early.count(connection))
        return len(items)


async def answer_waiting(connection: Any, scene: Scene, items: Sequence[Item], outbox: Outbox) -> None:
    """Answer what waited for its referral, in order.

    One that cannot be handled is put aside as it would have been when it came: the others must not wait for it.
    """
    batch, rows = [item.content for item in items], len(outbox.rows)
    try:
        async with connection.transaction():
            work = await load(connection, scene, batch)
            work.awaited.clear()
            dispatch(work, batch, outbox)
            await store.save(connection, work)
    except Exception as error:  # whatever a rule raises is its record's fault or ours
        if classify(error) is not Verdict.POISON:
            raise
        outbox.take_back(rows)
        outbox.put_aside.clear()
        if len(items) == 1:
            _log.error("handler_failed", exc_info=error)
            await _keep(connection, items[0], Cause(HANDLER_FAILED, class_name(error)), outbox, scene.now)
            return
        for item in items:
            await answer_waiting(connection, scene, [item], outbox)
    else:
        metrics.count(work.history)
        requests, outbox.put_aside = outbox.put_aside, []
        for request in requests:
            item = next(each for each in items if each.content is request.incoming)
            await _keep(connection, item, Cause(request.problem.code), outbox, scene.now)


async def _keep(connection: Any, item: Item, cause: Cause, outbox: Outbox, now: datetime) -> None:
    await dead_letters.put_aside(connection, outbox, "intake", item, cause, now)
    DEAD_LETTERS.labels(cause.reason).inc()


def scene_of(runtime: Runtime) -> Scene:
    """What rules may know at this moment."""
    settings = cast("IntakeSettings", runtime.settings)
    return Scene(
        now=runtime.clock.now(),
        latest=runtime.clock.latest(),
        max_bytes=settings.max_referral_bytes,
        zone=settings.mou_time_zone,
    )


async def load(connection: Any, scene: Scene, batch: Sequence[Incoming]) -> Work:
    """All that the batch is about."""
    partner_ids = [_sender(incoming) for incoming in batch]
    submissions = [_submission(each) for each in batch if isinstance(each, Delivery) and each.topic.edge]
    keys = {submission.key for submission in submissions}
    supplemented = {submission.key for submission in submissions if submission.docket.kind is Kind.INFORMATION}
    return await store.load(connection, scene, partner_ids, keys, supplemented)


def dispatch(work: Work, batch: Sequence[Incoming], outbox: Outbox) -> None:
    """Take each record in turn, the register's first: no order holds between its topic and the partners'."""
    for incoming in sorted(batch, key=lambda each: each.topic.edge):
        if isinstance(incoming, Refusal):
            refused(work, incoming, outbox)
        else:
            HANDLERS[incoming.attributes.type](work, incoming, outbox)


def refused(work: Work, refusal: Refusal, outbox: Outbox) -> None:
    """Tell a partner all that was wrong with a record that could not be read."""
    kind = KINDS.get(refusal.attributes.type, Kind.UNREADABLE) if refusal.attributes else Kind.UNREADABLE
    docket = Docket(_position(refusal), refusal.principal, kind)
    known = work.partners.get(refusal.principal)
    if known is None:
        _put_aside(work, refusal, docket, outbox)
        return
    answer = rules.named(rules.refuse(docket, known, refusal.problems), _names(refusal))
    answering.tell(work, docket, answer, refusal.record.value, outbox, refusal.attributes)


def _answer(rule: rules.Rule, work: Work, delivery: Delivery[Any], outbox: Outbox) -> None:
    submission = _submission(delivery)
    if rule is not rules.receive and _waits(work, submission):
        _wait(work, submission, delivery, outbox)
    elif answering.answer(rule, work, submission, outbox, delivery.attributes, _names(delivery)) is None:
        _put_aside(work, delivery, submission.docket, outbox)


def _waits(work: Work, submission: Submission[Any]) -> bool:
    """Whether its referral has not come yet, or something about it that came before waits still."""
    own = claims(submission.message).partner_id == submission.partner_id
    known = work.partners.get(submission.partner_id)
    if not (work.patience and own and known is not None and not known.suspended):
        return False
    return submission.key in work.awaited or submission.key not in work.referrals


def _wait(work: Work, submission: Submission[Any], delivery: Delivery[Any], outbox: Outbox) -> None:
    """Keep it until its referral comes. A child in danger does not wait: its sender and a person at the hub hear now."""
    waiting = early.early(submission.key, delivery.record, work.scene.now, work.patience)
    heard = danger.heard(submission.body)
    if heard is not None:
        about = submission.docket, heard, ["referral_unknown"], work.referrals.get(submission.key)
        event_id = _names(delivery).event_id
        report = rules.danger_reported(*about, waits_until=waiting.due_at, event_id=event_id)
        answering.report_danger(outbox, report, delivery.attributes)
    work.awaited.add(submission.key)
    work.early.append(waiting)


def _put_aside(work: Work, incoming: Incoming, docket: Docket, outbox: Outbox) -> None:
    """Nobody unknown is answered: a person registers the partner and replays, or finds out who it was."""
    heard = danger.heard(incoming.record.value)
    if heard is not None:
        answering.report_danger(
            outbox, rules.danger_reported(docket, heard, [UNKNOWN_PARTNER.code], None), incoming.attributes
        )
    outbox.dead_letter(incoming, UNKNOWN_PARTNER)
    work.note(docket, Outcome.DEAD_LETTERED, [UNKNOWN_PARTNER.code])


def _sender(incoming: Incoming) -> str:
    """The partner that a record comes from, or is about."""
    if isinstance(incoming, Delivery) and isinstance(incoming.message, Partner):
        return incoming.message.partner_id
    return incoming.principal


def _submission(delivery: Delivery[Any]) -> Submission[Any]:
    record = delivery.record
    return Submission(_position(delivery), delivery.principal, delivery.message, record.value or b"", record.timestamp)


def _names(incoming: Incoming) -> Names:
    record = incoming.record
    return names_of(record.headers, record.key, record.value, incoming.attributes)


def _position(incoming: Incoming) -> str:
    record = incoming.record
    return f"{record.topic}/{record.partition}/{record.offset}"
