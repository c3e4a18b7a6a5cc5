"""The sandbox's side of a transaction: tables of its own, and steps that only notification reads.

What rules publish as from a live referral never leaves. It is turned into steps of the referral's life in the sandbox,
without a word of what was referred, and these go to a topic that triage and routing may not read.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from typing_extensions import override

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime
from conduit_contracts import intake
from conduit_contracts.envelope import Attributes, Event, Message
from conduit_contracts.ids import uuid7_text
from conduit_contracts.intake import SandboxOutcome, SandboxStepPlayed, SandboxSubmissionRejected
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.topics import INTAKE_SANDBOX
from conduit_intake.lives import Life, born
from conduit_intake.stories import Story

# The sandbox's tables are found before the live ones; what the sandbox has none of, such as the register, is shared.
_LOOK_IN_SANDBOX = "SET LOCAL search_path TO sandbox, public"
_LIFE = """
SELECT stored.partner_id, stored.partner_reference, stored.body, life
FROM sandbox.referrals AS stored LEFT JOIN sandbox.lives USING (referral_id)
WHERE referral_id = $1 FOR UPDATE OF stored
"""
_KEEP = """
INSERT INTO sandbox.lives (referral_id, life) VALUES ($1, $2)
ON CONFLICT (referral_id) DO UPDATE SET life = excluded.life
"""


class Tried(Outbox):
    """Takes what rules publish, and publishes nothing of it."""

    def __init__(self, service: str, now: datetime) -> None:
        super().__init__(service, now)
        self.said: list[tuple[Message, Attributes | None]] = []
        self.played: list[tuple[str, Event, Attributes | None]] = []
        """What the sandbox itself has to say: key and event."""

    @override
    def publish(
        self,
        topic: str,
        key: str,
        message: Message,
        *,
        subject: str | None = None,
        cause: Attributes | None = None,
        acted_at: datetime | None = None,
    ) -> str:
        self.said.append((message, cause))
        return uuid7_text()


class SandboxReferral(NamedTuple):
    """Which of the sandbox's referrals."""

    referral_id: UUID
    partner_id: str
    partner_reference: str


@asynccontextmanager
async def in_sandbox(runtime: Runtime) -> AsyncIterator[tuple[Any, Tried]]:
    """A transaction that sees the sandbox's tables, and whose outbox publishes steps in the sandbox alone."""
    async with runtime.transaction() as (connection, outbox):
        await connection.execute(_LOOK_IN_SANDBOX)
        tried = Tried(runtime.service.name, runtime.clock.now())
        yield connection, tried
        for message, cause in tried.said:
            await _play(connection, tried, message, cause)
        for key, event, cause in tried.played:
            referral_id = getattr(event, "referral_id", None)
            subject = str(referral_id) if referral_id else None
            outbox.publish(INTAKE_SANDBOX.name(), key, event, subject=subject, cause=cause)


async def load(connection: Connection, referral_id: UUID) -> tuple[SandboxReferral, Story]:
    """A referral's life, locked until the transaction ends.

    Raises:
        LookupError: the sandbox holds no such referral.
    """
    row = await connection.fetchrow(_LIFE, referral_id)
    if row is None:
        raise LookupError("the sandbox holds no such referral")
    partner_id, reference, body, life = row
    if life is not None:
        story = Story(Life.model_validate_json(life))
    else:  # just received, or by a release whose sandbox told nothing
        story = Story(born(ReferralSubmitted.model_validate_json(body, extra="ignore").referral))
    return SandboxReferral(referral_id, partner_id, reference), story


async def keep(
    connection: Connection,
    tried: Tried,
    about: SandboxReferral,
    story: Story,
    cause: Attributes | None,
    outcome: SandboxOutcome | None = None,
) -> None:
    """Store the life as it stands now, and tell its steps."""
    await connection.execute(_KEEP, about.referral_id, story.life.model_dump_json())
    for played in story.played:
        event = SandboxStepPlayed(**about._asdict(), step=played.step, outcome=outcome, **played.says)
        tried.played.append((str(about.referral_id), event, cause))


def reject(tried: Tried, rejected: intake.SubmissionRejected, cause: Attributes | None) -> None:
    """Tell the partner that something was refused."""
    event = SandboxSubmissionRejected(
        partner_id=rejected.partner_id,
        partner_reference=rejected.partner_reference,
        referral_id=rejected.referral_id,
        submission_id=rejected.submission_id,
        problems=rejected.problems,
    )
    otherwise = f"{rejected.partner_id}:{rejected.partner_reference or rejected.submission_id}"
    tried.played.append((str(rejected.referral_id or otherwise), event, cause))


def _received(story: Story, message: intake.ReferralReceived) -> None:
    story.receive(message.warnings)


def _supplied(story: Story, message: intake.InformationSupplied) -> None:
    story.supply(message.supplement, message.warnings)


def _withdrawn(story: Story, message: intake.ReferralWithdrawn) -> None:
    story.withdraw(message.reason)


def _second_look(story: Story, _message: intake.ReconsiderationRequested) -> None:
    story.ask_for_second_look()


def _repeated(story: Story, _message: intake.SubmissionRepeated) -> None:
    story.repeat()


_ACTS: Mapping[type[Message], Callable[[Story, Any], None]] = {
    intake.ReferralReceived: _received,
    intake.InformationSupplied: _supplied,
    intake.ReferralWithdrawn: _withdrawn,
    intake.ReconsiderationRequested: _second_look,
    intake.SubmissionRepeated: _repeated,
}
"""What a partner does, as a step in its referral's life. What is not here, such as danger in what was refused or a scanned
attachment, has no effect in the sandbox: nobody is called, and no force gets anything."""


def act(story: Story, message: Message) -> None:
    """Let what the partner did have its effect."""
    if (effect := _ACTS.get(type(message))) is not None:
        effect(story, message)


async def _play(connection: Connection, tried: Tried, message: Message, cause: Attributes | None) -> None:
    if isinstance(message, intake.SubmissionRejected):
        reject(tried, message, cause)
    elif type(message) in _ACTS:
        about, story = await load(connection, message.referral_id)  # type: ignore[attr-defined]  # each of them has one
        act(story if isinstance(message, intake.ReferralReceived) else begun(story), message)
        await keep(connection, tried, about, story, cause)


def begun(story: Story) -> Story:
    """With its first step told, if an earlier release took the referral and told nothing."""
    if story.life.steps == 0:
        story.receive()
    return story
