"""What notification publishes: each partner's own updates on `partner.<id>.updates.v1`, and the record of notices.

Nothing here holds case content: references, states, and words that the policy file, an officer or a force gave for the
partner. Whom to call about a duty task, its `DutyTaskTaken` alone says.
"""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from conduit_contracts.base import Term, Value
from conduit_contracts.commands import CommandId, SeenUntil
from conduit_contracts.envelope import Command, Event
from conduit_contracts.force import VictimContact
from conduit_contracts.forms import formed
from conduit_contracts.ids import ForceId, OfficerId, PartnerId, PartnerReference, ReferralId
from conduit_contracts.intake import Callback
from conduit_contracts.names import SenderEventId
from conduit_contracts.problems import Problem
from conduit_contracts.referral import Text
from conduit_contracts.routing import HandoffState
from conduit_contracts.times import Moment

Code = Annotated[
    str, formed(r"^[a-z][a-z0-9_]*$", "lower-case letters, digits and underscores, for example case_routed", max_length=64)
]


class ReferralState(Term):
    """The state of a referral, for its partner."""

    RECEIVED = "received"
    UNDER_REVIEW = "under_review"
    INFORMATION_REQUESTED = "information_requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITH_FORCES = "with_forces"
    HANDED_OVER = "handed_over"
    WITHDRAWN = "withdrawn"


class HandoffStanding(Value):
    """One force's part, for the partner."""

    force_id: ForceId
    state: HandoffState
    by_telephone: bool | None = None
    """True: the force acknowledged by telephone, and its connector has not acknowledged since."""


class ReferralStatusUpdated(Event):
    """Something happened to a referral. `revision` counts from 1 without gaps, and `state` is the state after it."""

    type: ClassVar[str] = "uk.conduit.notification.referral-status-updated.v1"
    partner_id: PartnerId
    partner_reference: PartnerReference
    referral_id: ReferralId
    revision: Annotated[int, Field(ge=1)]
    """Counts this referral's updates from 1, without gaps. Only this number gives their order."""
    state: ReferralState
    """The state of the referral after it."""
    fact: Code
    """What happened, for example `referral_received` or `handoff_acknowledged`."""
    happened_at: Moment
    """When it happened."""
    handoffs: tuple[HandoffStanding, ...] = ()
    """The state of each force's part."""
    home_force: ForceId | None = None
    reason: Code | None = None
    """The reason, as a code; for example why an officer declined."""
    comment: Text | None = None
    """An officer's words to the partner: why the referral was declined, or what is asked."""
    next_step: Text | None = None
    """What the partner should do now."""
    force_ids: tuple[ForceId, ...] = ()
    """Which forces this fact is about, for example the one that acknowledged, or those asked to acknowledge again."""
    victim_contact: VictimContact | None = None
    """With an acknowledgement: who at the force makes contact with each victim, how and when, as far as it was said."""


class SandboxStatusUpdated(Event):
    """Something happened to a referral in the sandbox. Intake shows it by HTTP, only to the partner's sandbox clients.

    It is never on a partner's own topic, whose readers would think it real.
    """

    type: ClassVar[str] = "uk.conduit.notification.sandbox-status-updated.v1"
    referral_id: ReferralId
    """The id of the referral in the sandbox. No real referral has it."""
    partner_id: PartnerId
    update: ReferralStatusUpdated
    """Field for field what a partner reads of a real referral."""


class SubmissionRejected(Event):
    """The hub could not process a record from this partner."""

    type: ClassVar[str] = "uk.conduit.notification.submission-rejected.v1"
    partner_id: PartnerId
    partner_reference: PartnerReference | None = None
    referral_id: ReferralId | None = None
    submission_id: Annotated[str, StringConstraints(max_length=200)]
    """The record's topic, partition and offset, or the HTTP request's id."""
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
    event_id: SenderEventId | None = None
    """The id that the sender gave the record: `ce_id` in a header, `id` in an object. Absent if none could be read."""


class SubmissionDeferred(Event):
    """A record from this partner came before its referral and says that a child is in danger: calling 999 must not wait."""

    type: ClassVar[str] = "uk.conduit.notification.submission-deferred.v1"
    partner_id: PartnerId
    partner_reference: PartnerReference | None = None
    submission_id: Annotated[str, StringConstraints(max_length=200)]
    """The record's topic, partition and offset."""
    event_id: SenderEventId | None = None
    """The id that the sender gave the record."""
    waits_until: Moment
    """It takes effect when its referral arrives; after this time it is refused. You are told in either case."""
    next_step: Text
    """What the partner should do now."""


class Channel(Term):
    """How a notice is sent."""

    EMAIL = "email"
    WEBHOOK = "webhook"


class _Notice(Event):
    notice_id: UUID
    """The same in every message about this notice."""
    audience: Annotated[str, formed(r"^(partner|force|hub):[a-z0-9-]*$", "for example force:essex", max_length=60)]
    """Who it is for, for example partner:example-haven."""
    channel: Channel
    template: Code
    """The text that was used."""
    referral_id: ReferralId | None = None
    attempts: Annotated[int, Field(ge=1)]
    """How often it was tried."""


class DutyTaskUpdated(Event):
    """How a duty task stands now. Published when it opens, is said again, is left unanswered, and is taken.

    Who to call is not here: notification shows that to whoever takes the task.
    """

    type: ClassVar[str] = "uk.conduit.notification.duty-task-updated.v1"
    task_id: UUID
    """The same in every message about this task."""
    kind: Code
    """What happened, for example `danger_review`."""
    danger: bool
    """True: a child is in danger."""
    partner_id: PartnerId | None = None
    partner_reference: PartnerReference | None = None
    referral_id: ReferralId | None = None
    force_id: ForceId | None = None
    codes: tuple[Code, ...] = ()
    """The reasons."""
    said: Annotated[int, Field(ge=1)]
    """How often the same was reported while nobody had taken it."""
    opened_at: Moment
    """When it opened."""
    unanswered_at: Moment | None = None
    """When everybody on duty had been called and nobody had taken it."""
    taken_at: Moment | None = None
    """When somebody took it, or did what it asks for."""
    taken_by: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """Who: a name as its holder gave it, or `officer:`, `force:` or `partner:` with an id."""
    next_call_at: Moment | None = None
    """When the next on duty is called, if nobody has taken it by then. Absent once nobody is left to call."""


class TakeDutyTask(Command):
    """A named officer takes a duty task. Whoever was first has it."""

    type: ClassVar[str] = "uk.conduit.notification.take-duty-task.v1"
    task_id: UUID
    """The task, as in `DutyTaskUpdated`."""
    officer_id: OfficerId
    """Who takes it."""
    seen_until: SeenUntil
    """Up to when the officer's page knew the task, in the broker's time."""


class NumberToCall(Value):
    """Where a contact of the register, or a control room, is called. A team's, never a person's."""

    who: Annotated[str, formed(r"^(partner|force):[a-z0-9-]+$", "for example force:essex", max_length=60)]
    """Whose it is."""
    telephone: Annotated[str, StringConstraints(max_length=60)] | None = None
    """The number to call."""
    email: Annotated[str, StringConstraints(max_length=254)] | None = None
    """The mailbox to write to."""
    control_room: bool = False
    """True: the force's control room, which answers at any hour."""


class DutyTaskTaken(Event):
    """An officer has a duty task, and is told whom to call. To that officer alone it is shown."""

    type: ClassVar[str] = "uk.conduit.notification.duty-task-taken.v1"
    task_id: UUID
    """The task."""
    command_id: CommandId
    """The command's `ce_id`."""
    officer_id: OfficerId
    """Who has it."""
    callback: Callback | None = None
    """The person to call back. Absent if none could be read from what was sent, or was forgotten since."""
    numbers: tuple[NumberToCall, ...] = ()
    """What the register has besides. None of a force from which the case is kept."""


class DutyTaskNotTaken(Event):
    """An officer does not have a duty task: somebody else has it, or the command could not be taken."""

    type: ClassVar[str] = "uk.conduit.notification.duty-task-not-taken.v1"
    command_id: CommandId
    """The command's `ce_id`; if that cannot be read, the record's topic, partition and offset."""
    task_id: UUID | None = None
    """The task that the command names, if it names one."""
    officer_id: OfficerId | None = None
    """The officer that it is for. Absent if no officer could be read from the record."""
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
    """Why, and what to do."""


class NoticeSent(_Notice):
    """The recipient's server accepted the notice. That does not mean that a person has read it."""

    type: ClassVar[str] = "uk.conduit.notification.notice-sent.v1"


class NoticeFailed(_Notice):
    """The notice could not be delivered and will not be tried again. Shown to the hub."""

    type: ClassVar[str] = "uk.conduit.notification.notice-failed.v1"
    code: Code
    """Why the hub gave up."""
