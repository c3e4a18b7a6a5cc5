"""One batch at work: what was loaded, what changed, and what is to be said to whom.

Handlers turn facts into updates and notices by what the unit of work offers them.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypedDict, Unpack
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery
from conduit_contracts.envelope import short_name
from conduit_contracts.intake import Callback
from conduit_contracts.notification import HandoffStanding, ReferralState, ReferralStatusUpdated, SubmissionRejected
from conduit_contracts.programme import HubContactsApproved, HubContactsProposed
from conduit_contracts.topics import PARTNER_UPDATES
from conduit_notification import notices, rules
from conduit_notification.duty import FORCE_NOT_TOLD, Done, Duty, Kind, Settled
from conduit_notification.notices import Ladder, Notice
from conduit_notification.policy import NotificationPolicy
from conduit_notification.rules import NOTHING, Standing, state_of
from conduit_notification.templates import Template

if TYPE_CHECKING:
    from conduit_notification.duty_commands import Wanted
    from conduit_notification.sandbox import SandboxWork


class About(Protocol):
    """What every fact of a referral says."""

    @property
    def referral_id(self) -> UUID: ...
    @property
    def partner_id(self) -> str: ...
    @property
    def partner_reference(self) -> str: ...


ANY_FORCE = ""
"""Stands for the force of a police suspect where it is not known."""


@dataclass(slots=True)
class KnownReferral:
    """One referral as notification knows it. `revision` 0 is a referral that nothing was said of yet."""

    referral_id: UUID
    partner_id: str
    partner_reference: str
    revision: int = 0
    standing: Standing = NOTHING
    kept_from: frozenset[str] = frozenset()
    """Forces that a suspect belongs to: they hear nothing of the case from here. `ANY_FORCE` where it is not known which."""

    @property
    def state(self) -> ReferralState:
        """Where it stands for the partner."""
        return state_of(self.standing)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the append-only history."""

    referral_id: UUID
    revision: int
    at: datetime
    happened_at: datetime
    actor: str
    what: str
    why: str | None
    state: ReferralState
    policy_version: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody approved a change of the hub's duty contacts."""

    message: HubContactsApproved
    at: datetime


class _Told(TypedDict, total=False):
    """What else an update may say. See `ReferralStatusUpdated`."""

    reason: str | None
    comment: str | None
    force_ids: tuple[str, ...]
    victim_contact: str | None


class Basis(NamedTuple):
    """By what notification works, found once at its start. `fallback` is whom it tells until the hub's contacts are in the
    register; `supervisors` are the hub's, empty where the hub's contacts are told in their place."""

    policy: NotificationPolicy
    fallback: Ladder
    supervisors: Ladder = ()


@dataclass(slots=True)
class NotificationWork:
    """What one batch reads and changes, held in memory between one load and one save."""

    policy: NotificationPolicy
    now: datetime
    outbox: Outbox
    fallback: Ladder = ()
    """Where the hub is told until its contacts are in the register."""
    records: dict[UUID, KnownReferral] = field(default_factory=dict)
    ladders: dict[str, Ladder] = field(default_factory=dict)
    new: set[UUID] = field(default_factory=set)
    changed: set[UUID] = field(default_factory=set)
    registered: dict[str, datetime] = field(default_factory=dict)
    """Audiences whose contacts were registered in this batch, and when they were."""
    history: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    updates: Counter[str] = field(default_factory=Counter)
    """Revisions written, by fact."""
    duties: list[Duty | Done | Settled] = field(default_factory=list)
    """Tasks for a person at the hub, and acts that a task asked for, in order."""
    callbacks: dict[UUID, Callback] = field(default_factory=dict)
    """The people to call back, of referrals in danger."""
    control_rooms: dict[str, str | None] = field(default_factory=dict)
    """Of forces registered in this batch."""
    proposals: list[HubContactsProposed] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    wanted_tasks: "dict[UUID, Wanted]" = field(default_factory=dict)
    """The tasks that commands of the batch name."""
    takers: dict[UUID, str] = field(default_factory=dict)
    """Who has which of these by what the batch brought."""
    takings: list[tuple[UUID, str]] = field(default_factory=list)
    """The same by command, in order: an officer may be told again whom to call."""
    signed: list[Delivery[Any]] = field(default_factory=list)
    """Officers' commands, for which somebody stands."""
    kept: set[UUID] = field(default_factory=set)
    """Referrals of which it changed from whom they are kept."""
    rejections: int = 0
    """Rejections that partners were told."""
    without_contact: int = 0
    """Notices that had nobody to go to."""
    sandbox: "SandboxWork | None" = None
    """The same of the sandbox's referrals, where the batch has any. Of it only where they stand and notices are kept."""

    def record(self, about: About) -> KnownReferral:
        """The referral, which begins to exist with the first fact that is read, whichever that is."""
        record = self.records.get(about.referral_id)
        if record is None:
            record = KnownReferral(about.referral_id, about.partner_id, about.partner_reference)
            self.records[about.referral_id] = record
            self.new.add(about.referral_id)
        return record

    @property
    def danger_next_step(self) -> str:
        """What a partner is told at once where a child is in danger, and when a person at the hub reads it."""
        return " ".join(filter(None, (self.policy.danger_next_step, self.policy.hub_hours.sentence(self.now, danger=True))))

    def local(self, moment: datetime) -> str:
        """A moment as people at the hub and the forces read it."""
        return f"{moment.astimezone(ZoneInfo(self.policy.hub_hours.zone)):%d %B %Y, %H:%M}"

    def standing(self, about: About) -> Standing:
        """Where the referral stands before this fact."""
        return self.record(about).standing

    def tell(
        self,
        delivery: Delivery[Any],
        standing: Standing,
        actor: str,
        *,
        next_step: str | None = None,
        **told: Unpack[_Told],
    ) -> KnownReferral:
        """Write the referral's next revision and send it to its partner."""
        record = self.record(delivery.message)
        record.standing = standing
        record.revision += 1
        self.changed.add(record.referral_id)
        update = ReferralStatusUpdated(
            partner_id=record.partner_id,
            partner_reference=record.partner_reference,
            referral_id=record.referral_id,
            revision=record.revision,
            state=record.state,
            fact=short_name(delivery.attributes.type),
            happened_at=delivery.attributes.time,
            handoffs=_handoffs(standing),
            home_force=standing.home_force,
            next_step=rules.with_what_is_missing(standing, next_step),
            **told,
        )
        self._send(delivery, update)
        self._remember(delivery, update, actor)
        return record

    def _send(self, delivery: Delivery[Any], update: ReferralStatusUpdated) -> None:
        key = str(update.referral_id)
        self.outbox.publish(updates_topic(update.partner_id), key, update, subject=key, cause=delivery.attributes)

    def reject(self, delivery: Delivery[Any], rejected: SubmissionRejected) -> None:
        """Tell a partner what could not be taken."""
        key = rejected.referral_id or rejected.partner_reference or rejected.submission_id
        topic, subject = updates_topic(rejected.partner_id), rejected.referral_id
        self.outbox.publish(topic, str(key), rejected, subject=str(subject) if subject else None, cause=delivery.attributes)
        self.rejections += 1

    def _remember(self, delivery: Delivery[Any], update: ReferralStatusUpdated, actor: str) -> None:
        self.history.append(
            Entry(
                referral_id=update.referral_id,
                revision=update.revision,
                at=self.now,
                happened_at=update.happened_at,
                actor=actor,
                what=update.fact,
                why=update.reason,
                state=update.state,
                policy_version=self.policy.version,
                event_id=delivery.attributes.id,
            )
        )
        self.updates[update.fact] += 1

    def notify_partner(self, delivery: Delivery[Any], template: Template, record: KnownReferral, **more: str) -> None:
        """A notice to the referral's partner."""
        params = {"partner_reference": record.partner_reference, "state": record.state.value, **more}
        urgent = record.standing.immediate_danger
        self.notify(delivery, notices.partner(record.partner_id), template, record.referral_id, params, urgent=urgent)

    def notify_force(self, delivery: Delivery[Any], force_id: str, template: Template, rung: int = 0, **codes: Any) -> None:
        """A notice to a force: its safeguarding team, or a higher rung's contact. Not where the case is kept from it.

        Of danger somebody on duty tells the force where the register has no address to which a notice could go.
        """
        if force_id in self.record(delivery.message).kept_from:
            return
        about, params = delivery.message, {"force_id": force_id, **codes}
        urgent = self.standing(about).immediate_danger
        told = self.notify(delivery, notices.force(force_id), template, about.referral_id, params, urgent=urgent, level=rung)
        if urgent and not told:
            self.duty(delivery, Kind.DANGER_NOTICE_FAILED, danger=True, codes=[FORCE_NOT_TOLD], force_id=force_id)

    def duty(self, delivery: Delivery[Any], kind: Kind, *, danger: bool, **more: Any) -> None:
        """A person at the hub must take this."""
        about = delivery.message
        self.duties.append(
            Duty(
                kind,
                danger,
                partner_id=about.partner_id,
                partner_reference=about.partner_reference,
                referral_id=about.referral_id,
                **more,
            )
        )

    def keep_from(self, about: About, *force_ids: str, let_in: Collection[str] = ()) -> None:
        """The case is kept from these forces, and no more from those that were let in."""
        record = self.record(about)
        now = (record.kept_from | set(force_ids)) - set(let_in)
        if now != record.kept_from:
            record.kept_from = now
            self.kept.add(record.referral_id)

    def done(self, delivery: Delivery[Any], who: str, *kinds: Kind, force_id: str | None = None) -> None:
        """A person did what such tasks ask for, so nobody is called about them any more."""
        self.duties.append(Done(delivery.message.referral_id, kinds, who, force_id))

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
        """Queue one notice per channel of the audience; returns whether it has any."""
        cause = f"{delivery.attributes.source} {delivery.attributes.id}"
        channels = notices.channels_for(self.ladders.get(audience), level)
        if not channels:
            self.without_contact += 1
        for channel in channels:
            self.notices.append(
                Notice(
                    notice_id=notices.notice_id(cause, audience, level, channel, template),
                    audience=audience,
                    level=level,
                    channel=channel,
                    template=template,
                    referral_id=referral_id,
                    params=params,
                    urgent=urgent,
                    collapse=notices.collapse_key(template, channel, audience, self.now),
                    created_at=self.now,
                )
            )
        return bool(channels)


def _handoffs(standing: Standing) -> tuple[HandoffStanding, ...]:
    """Each force's part, for the partner."""
    return tuple(
        HandoffStanding(force_id=force_id, state=state, by_telephone=force_id in standing.by_telephone or None)
        for force_id, state in standing.handoffs.items()
    )


def by_partner(message: Any) -> str:
    """The partner that a message is from, as history writes it."""
    return f"partner:{message.partner_id}"


def by_force(message: Any) -> str:
    """The force that a message is from."""
    return f"force:{message.force_id}"


def by_officer(message: Any) -> str:
    """The officer that a message is from."""
    return f"officer:{message.officer_id}"


@cache
def updates_topic(partner_id: str) -> str:
    """The partner's own topic."""
    return PARTNER_UPDATES.name(partner_id)
