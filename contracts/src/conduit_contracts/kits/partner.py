"""The partner kit: build, check as the hub does, send by Kafka, follow the updates.

async with PartnerKit("northlight", KafkaSettings.from_environment()) as hub:
    await hub.submit(hub.referral("NL-2026-0147", mou_reference="MOU-NORTHLIGHT", ...))
    async with hub.updates("desk") as updates:
        async for update in updates: ...
"""

from dataclasses import dataclass
from typing import Any, Self

from conduit_contracts.advice import Advice
from conduit_contracts.envelope import Attributes
from conduit_contracts.kits import build, checks
from conduit_contracts.kits.errors import InvalidError
from conduit_contracts.kits.following import Following
from conduit_contracts.kits.reader import Reader, Report, log_skipped
from conduit_contracts.kits.sender import Sender
from conduit_contracts.kits.settings import KafkaSettings
from conduit_contracts.kits.submission import PartnerMessage, Sent, Submission, log_warnings, prepare, warnings_of
from conduit_contracts.notification import ReferralStatusUpdated, SubmissionDeferred, SubmissionRejected
from conduit_contracts.partner import (
    InformationSupplied,
    ReconsiderationRequested,
    ReferralSubmitted,
    ReferralWithdrawn,
    WithdrawalReason,
)
from conduit_contracts.places import Place, find
from conduit_contracts.problems import Problem
from conduit_contracts.referral import Referral, Supplement
from conduit_contracts.topics import PARTNER_UPDATES

__all__ = ["PartnerKit", "Sent", "Submission", "Update", "Updates"]


@dataclass(frozen=True, slots=True)
class Update:
    """One update from the hub. A repeated one has the same `attributes.id`, and a status update the same `revision`."""

    message: ReferralStatusUpdated | SubmissionRejected | SubmissionDeferred
    attributes: Attributes


class Updates(Following[Update]):
    """A partner's own updates, oldest first, at least once: an update counts as dealt with when the next is asked for, or
    when the block is left without an error."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader, lambda received: Update(received.message, received.attributes))


class PartnerKit:
    """One partner's connection to the hub."""

    def __init__(
        self, partner_id: str, settings: KafkaSettings, *, send_seconds: float = 30.0, report: Report = log_skipped
    ) -> None:
        """`report` is told of updates that this kit cannot read."""
        self.partner_id = partner_id
        self._settings, self._report = settings, report
        self._sender = Sender(settings, seconds=send_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sender.__aexit__()

    def referral(self, partner_reference: str, **fields: Any) -> Referral:
        """A referral of this partner's, from plain values. Raises InvalidError with every problem found."""
        return build.referral(self.partner_id, partner_reference, **fields)

    def supplement(self, partner_reference: str, **fields: Any) -> Supplement:
        """Added information of this partner's, from plain values. Raises InvalidError with every problem found."""
        return build.supplement(self.partner_id, partner_reference, **fields)

    def check(self, message: PartnerMessage) -> tuple[Problem, ...]:
        """What the hub would find wrong, as far as that can be known here."""
        return checks.check(self.partner_id, prepare(self.partner_id, message))

    def warnings(self, message: PartnerMessage) -> tuple[Advice, ...]:
        """What to check before you send. The hub takes it anyway, and gives the same warnings in its updates."""
        return warnings_of(message)

    def places(self, words: str) -> tuple[Place, ...]:
        """Places by name, part of a name or code, the best match first, each with its code and police force."""
        return find(words)

    def prepare(self, message: PartnerMessage, *, event_id: str | None = None) -> Submission:
        """The record to send. Store its `event_id` before you send; to send again after a crash, give it here.

        Raises:
            InvalidError: the hub would refuse it.
        """
        submission = prepare(self.partner_id, message, event_id=event_id)
        problems = checks.check(self.partner_id, submission)
        if problems:
            raise InvalidError(problems)
        log_warnings(submission.warnings)
        return submission

    async def send(self, submission: Submission) -> Sent:
        """Returns once the broker has stored it durably. The hub's answer comes as an update.

        Raises:
            UnconfirmedError: it may have arrived; send the same submission again.
        """
        record = (submission.topic, submission.key, submission.headers, submission.value)
        return Sent(submission, await self._sender.send(*record))

    async def submit(self, referral: Referral, *, event_id: str | None = None) -> Sent:
        """Refer a case. Raises as `prepare` and `send` do."""
        return await self._say(ReferralSubmitted(referral=referral), event_id)

    async def supply(self, supplement: Supplement, *, event_id: str | None = None) -> Sent:
        """Add to a referral, or correct it. Raises as `prepare` and `send` do."""
        return await self._say(InformationSupplied(supplement=supplement), event_id)

    async def withdraw(
        self, partner_reference: str, reason: WithdrawalReason, comment: str | None = None, *, event_id: str | None = None
    ) -> Sent:
        """Withdraw a referral. Raises as `prepare` and `send` do."""
        fields = {"partner_reference": partner_reference, "reason": reason, "comment": comment}
        return await self._say(build.build(ReferralWithdrawn, {"partner_id": self.partner_id, **fields}), event_id)

    async def reconsider(self, partner_reference: str, comment: str, *, event_id: str | None = None) -> Sent:
        """Ask, once, for a second officer to look at a declined referral. Raises as `prepare` and `send` do."""
        fields = {"partner_id": self.partner_id, "partner_reference": partner_reference, "comment": comment}
        return await self._say(build.build(ReconsiderationRequested, fields), event_id)

    def updates(self, name: str) -> Updates:
        """The hub's updates, from where the reader of this name left off. Each name reads all of them."""
        group = f"partner.{self.partner_id}.{name}"
        return Updates(Reader(self._settings, PARTNER_UPDATES, self.partner_id, group, self._report))

    async def _say(self, message: PartnerMessage, event_id: str | None) -> Sent:
        return await self.send(self.prepare(message, event_id=event_id))
