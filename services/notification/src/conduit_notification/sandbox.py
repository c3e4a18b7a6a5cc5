"""What a partner reads of its referrals in the sandbox: made by the handlers that make it of real ones.

Each step is handed to them as the fact that triage, routing or intake would publish. Only the unit of work differs:
it keeps what it knows apart, sends to intake alone, writes to the partner's sandbox contact alone, and calls nobody at the
hub or at a force.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from typing_extensions import override

from conduit_chassis.dispatch import Handlers
from conduit_chassis.records import Delivery
from conduit_contracts import intake, notification, routing, topics, triage
from conduit_contracts.envelope import short_name
from conduit_contracts.force import NotOursReason
from conduit_contracts.intake import SandboxStep
from conduit_contracts.notification import ReferralStatusUpdated, SandboxStatusUpdated
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.referral import Ground, Urgency
from conduit_notification import notices, readers
from conduit_notification.duty import Kind
from conduit_notification.policy import NotificationPolicy
from conduit_notification.templates import Template
from conduit_notification.work import NotificationWork

OFFICER = "sandbox"
"""Stands where an officer acts. No person is called so."""
WORDS = "This is the sandbox: here stands in an officer's words why."
QUESTION = "This is the sandbox: here stands what an officer asks you."
NO_WORDS = "The hub's policy has no words for this reason now, so that no officer can give it."

Made = Callable[[intake.SandboxStepPlayed, dict[str, Any], Delivery[Any], NotificationPolicy], BaseModel]


class SandboxWork(NotificationWork):
    """The unit of work of the sandbox's referrals. Nothing that handlers do here is real."""

    @override
    def _send(self, delivery: Delivery[Any], update: ReferralStatusUpdated) -> None:
        key = str(update.referral_id)
        told = SandboxStatusUpdated(referral_id=update.referral_id, partner_id=update.partner_id, update=update)
        self.outbox.publish(topics.NOTIFICATION_SANDBOX.name(), key, told, subject=key, cause=delivery.attributes)

    @override
    def reject(self, delivery: Delivery[Any], rejected: notification.SubmissionRejected) -> None:
        """By HTTP the refusal is the answer itself. A notice follows as it would live."""

    @override
    def _remember(self, delivery: Delivery[Any], update: ReferralStatusUpdated, actor: str) -> None:
        """History and figures are of real referrals."""

    @override
    def duty(self, delivery: Delivery[Any], kind: Kind, *, danger: bool, **more: Any) -> None:
        """Nobody is called."""

    @override
    def done(self, delivery: Delivery[Any], who: str, *kinds: Kind, force_id: str | None = None) -> None:
        """Nobody was called."""

    @override
    def notify(
        self,
        delivery: Delivery[Any],
        audience: str,
        template: Template,
        referral_id: UUID | None,
        params: Mapping[str, Any],
        *,
        urgent: bool = False,
        level: int = 0,
    ) -> bool:
        """To the partner's sandbox contact, where it has one. Never before what is real, so nothing is urgent here."""
        there = notices.in_sandbox(audience)
        known = there is not None and self.ladders.get(there) is not None
        return known and super().notify(delivery, str(there), template, referral_id, params, level=level)


def play(work: SandboxWork, delivery: Delivery[Any], handlers: Handlers[NotificationWork]) -> None:
    """One thing that happens to a referral in the sandbox."""
    step = delivery.message.step
    kind = _TYPES[step]
    made = _MADE[step](delivery.message, _about(delivery.message), delivery, work.policy)
    handlers[kind](work, replace(delivery, message=made, attributes=delivery.attributes._replace(type=kind)))


def reject(work: SandboxWork, delivery: Delivery[Any], handlers: Handlers[NotificationWork]) -> None:
    """Something that a partner sent in the sandbox was refused."""
    kind = intake.SubmissionRejected.type
    made = intake.SubmissionRejected(**dict(delivery.message))
    handlers[kind](work, replace(delivery, message=made, attributes=delivery.attributes._replace(type=kind)))


def _about(step: intake.SandboxStepPlayed) -> dict[str, Any]:
    names = ("referral_id", "partner_id", "partner_reference")
    return {name: getattr(step, name) for name in names}


def _received(step: intake.SandboxStepPlayed, about: dict[str, Any], delivery: Delivery[Any], _: Any) -> BaseModel:
    return readers.ReferralReceived(
        **about,
        received_at=delivery.attributes.time,
        urgency=Urgency.ROUTINE,
        immediate_danger=step.immediate_danger,
        warnings=step.warnings,
        referral=readers.WhomToRing(caseworker=intake.Callback()),
    )


def _supplied(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    referral_id = about.pop("referral_id")
    owner = readers.SupplementOwner(**about, immediate_danger=step.immediate_danger)
    return readers.InformationSupplied(referral_id=referral_id, supplement=owner, warnings=step.warnings)


def _withdrawn(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return readers.ReferralWithdrawn(**about, reason=WithdrawalReason(step.reason or ""))


def _of_nothing_more(_step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return readers.AboutReferral(**about)


def _review_opened(
    step: intake.SandboxStepPlayed, about: dict[str, Any], delivery: Delivery[Any], policy: NotificationPolicy
) -> BaseModel:
    return triage.ReviewOpened(
        **about,
        reasons=(triage.ReviewReason(step.reason or ""),),
        urgency=Urgency.ROUTINE,
        immediate_danger=step.immediate_danger,
        due_at=delivery.attributes.time,
        policy_version=policy.version,
    )


def _asked(_step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return triage.InformationRequested(**about, officer_id=OFFICER, question=QUESTION)


def _accepted(_step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return readers.ReferralAccepted(**about, grounds=(Ground.NUMBER_OF_VICTIMS,), decided_by=triage.ByRules())


def _declined(
    step: intake.SandboxStepPlayed, about: dict[str, Any], _delivery: Delivery[Any], policy: NotificationPolicy
) -> BaseModel:
    reason = triage.DeclineReason(step.reason or "")
    return triage.ReferralDeclined(
        **about,
        officer_id=OFFICER,
        reason=reason,
        comment=WORDS,
        next_step=policy.decline_steps.get(reason, NO_WORDS),
        reconsideration_open=step.reconsideration_open,
        policy_version=policy.version,
    )


def _second_look_refused(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return triage.ReconsiderationRefused(**about, code=step.reason or "")


def _routed(
    step: intake.SandboxStepPlayed, about: dict[str, Any], _delivery: Delivery[Any], policy: NotificationPolicy
) -> BaseModel:
    return routing.CaseRouted(
        **about,
        home_force=step.home_force,
        interim_safeguarding_owner=step.home_force or step.forces[0],
        forces=step.forces,
        added=step.added,
        again=step.again,
        urgency=Urgency.ROUTINE,
        immediate_danger=step.immediate_danger,
        provisional=step.provisional,
        policy_version=policy.version,
    )


def _nowhere(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    reasons = (routing.RoutingReviewReason(step.reason or ""),)
    danger = step.immediate_danger
    return routing.RoutingReviewOpened(**about, reasons=reasons, urgency=Urgency.ROUTINE, immediate_danger=danger)


def _home_named(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return readers.HomeForceNamed(**about, home_force=step.home_force or "", officer_id=OFFICER)


def _of_a_force(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return readers.AboutHandoff(**about, force_id=step.force_id or "")


def _acknowledged(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return readers.HandoffAcknowledged(**about, force_id=step.force_id or "")


def _given_back(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    reason, target = NotOursReason(step.reason or ""), step.rerouted_to
    return routing.HandoffDeclined(**about, force_id=step.force_id or "", reason=reason, rerouted_to=target)


def _overdue(step: intake.SandboxStepPlayed, about: dict[str, Any], delivery: Delivery[Any], _: Any) -> BaseModel:
    return readers.HandoffOverdue(**about, **_missed(step, delivery), chase=1)


def _escalated(step: intake.SandboxStepPlayed, about: dict[str, Any], delivery: Delivery[Any], _: Any) -> BaseModel:
    return readers.HandoffEscalated(**about, **_missed(step, delivery), level=1)


def _missed(step: intake.SandboxStepPlayed, delivery: Delivery[Any]) -> dict[str, Any]:
    return {
        "force_id": step.force_id or "",
        "leg": routing.Leg(step.reason or ""),
        "due_at": delivery.attributes.time,
    }


def _handed_over(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return routing.CaseHandedOver(**about, home_force=step.home_force or "")


def _case_withdrawn(step: intake.SandboxStepPlayed, about: dict[str, Any], *_: Any) -> BaseModel:
    return routing.CaseWithdrawn(**about, reason=WithdrawalReason(step.reason or ""), told=())


_MADE: Mapping[SandboxStep, Made] = {
    SandboxStep.REFERRAL_RECEIVED: _received,
    SandboxStep.INFORMATION_SUPPLIED: _supplied,
    SandboxStep.REFERRAL_WITHDRAWN: _withdrawn,
    SandboxStep.RECONSIDERATION_REQUESTED: _of_nothing_more,
    SandboxStep.SUBMISSION_REPEATED: _of_nothing_more,
    SandboxStep.REVIEW_OPENED: _review_opened,
    SandboxStep.INFORMATION_REQUESTED: _asked,
    SandboxStep.IMMEDIATE_DANGER_RAISED: _of_nothing_more,
    SandboxStep.REFERRAL_ACCEPTED: _accepted,
    SandboxStep.REFERRAL_DECLINED: _declined,
    SandboxStep.RECONSIDERATION_REFUSED: _second_look_refused,
    SandboxStep.CASE_ROUTED: _routed,
    SandboxStep.ROUTING_REVIEW_OPENED: _nowhere,
    SandboxStep.HOME_FORCE_NAMED: _home_named,
    SandboxStep.HANDOFF_RECEIVED: _of_a_force,
    SandboxStep.HANDOFF_ACKNOWLEDGED: _acknowledged,
    SandboxStep.HANDOFF_DECLINED: _given_back,
    SandboxStep.HANDOFF_OVERDUE: _overdue,
    SandboxStep.HANDOFF_ESCALATED: _escalated,
    SandboxStep.CASE_HANDED_OVER: _handed_over,
    SandboxStep.CASE_WITHDRAWN: _case_withdrawn,
}
"""A step as the fact that it stands for, with what notification reads of such a fact."""


def _types(real: Sequence[topics.Topic]) -> Mapping[SandboxStep, str]:
    facts = {short_name(message.type): message.type for topic in real for message in topic.messages}
    return {step: facts[step.value] for step in SandboxStep}


_TYPES = _types((topics.INTAKE_REFERRALS, topics.TRIAGE_DECISIONS, topics.ROUTING_CASES))
