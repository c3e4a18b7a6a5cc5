"""What the kit tells a partner of its referrals: the hub's own updates, by every outcome that there is.

The first referral is asked about, accepted once the answer comes, and handed over; the second is declined; the next again.
Another is refused on purpose, see `partner_judge`. So a partner whose sender does what it must reads all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import cycle
from uuid import UUID

from conduit_chassis.headers import unpack_headers
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery, Record
from conduit_contracts.envelope import Attributes, Event, decode
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import InformationSupplied, ReferralReceived, SandboxOutcome, SandboxStepPlayed
from conduit_contracts.notification import ReferralStatusUpdated, SandboxStatusUpdated
from conduit_contracts.topics import INTAKE_SANDBOX
from conduit_intake.lives import TriageState, born
from conduit_intake.sandbox import SandboxReferral, act
from conduit_intake.stories import Story
from conduit_local.services import POLICY_FILE
from conduit_notification.handlers import HANDLERS
from conduit_notification.policy import from_file
from conduit_notification.sandbox import SandboxWork
from conduit_notification.work import KnownReferral as Known
from conduit_notification.work import NotificationWork

AFTER_RECEIPT = (SandboxOutcome.INFORMATION_REQUESTED, SandboxOutcome.DECLINED)
AFTER_AN_ANSWER = (SandboxOutcome.ACCEPTED, SandboxOutcome.HANDED_OVER)


class Lives:
    """The lives of one partner's referrals."""

    def __init__(self) -> None:
        self._stories: dict[UUID, Story] = {}
        self._known: dict[UUID, Known] = {}
        self._policy = from_file(POLICY_FILE)
        self._first = cycle(AFTER_RECEIPT)

    def tell(self, about: SandboxReferral, event: Event, now: datetime) -> Iterator[ReferralStatusUpdated]:
        """What the partner is told once the hub has taken what it said, with all that follows."""
        story = self._stories.get(about.referral_id)
        if isinstance(event, ReferralReceived):
            story = self._stories[about.referral_id] = Story(born(event.referral))
        if story is None:
            return
        asked = story.life.triage is TriageState.INFORMATION_REQUESTED
        act(story, event)
        for outcome in self._following(event, answered=asked):
            if outcome in story.possible():
                story.play(outcome)
        played, story.played = story.played, []
        for each in played:
            yield self._update(SandboxStepPlayed(**about._asdict(), step=each.step, **each.says), now)

    def _following(self, event: Event, *, answered: bool) -> tuple[SandboxOutcome, ...]:
        if isinstance(event, ReferralReceived):
            return (next(self._first),)
        return AFTER_AN_ANSWER if answered and isinstance(event, InformationSupplied) else ()

    def _update(self, step: SandboxStepPlayed, now: datetime) -> ReferralStatusUpdated:
        attributes = Attributes(str(uuid7()), "/conduit/intake", step.type, now, str(step.referral_id))
        place = Record(INTAKE_SANDBOX.name(), 0, 0, None, (), None, int(now.timestamp() * 1000))
        outbox = Outbox("notification", now)
        work = NotificationWork(self._policy, now, outbox)
        work.sandbox = SandboxWork(self._policy, now, outbox, records=self._known)
        HANDLERS[step.type](work, Delivery(step, attributes, place, "", INTAKE_SANDBOX))
        (row,) = outbox.rows
        _, told = decode(unpack_headers(row.headers), row.value, {SandboxStatusUpdated.type: SandboxStatusUpdated})
        if not isinstance(told, SandboxStatusUpdated):
            raise TypeError("notification told of a step by something else than an update")
        return told.update
