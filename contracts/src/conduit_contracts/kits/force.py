"""The force connector kit: take in what comes for one force, confirm receipt, pass on what people decide.

    async with ForceKit("west-midlands", KafkaSettings.from_environment(), "connector.sqlite3") as hub:
        await hub.run(store)                      # calls store(delivery) for each message, confirms receipt of cases
        await hub.acknowledge(referral_id, team="Safeguarding team")      # once a person has read the case
        async with hub.advice() as notes:                                 # national advice, beside it
            async for note in notes: ...

Messages come at least once and in order. A message counts as taken in when the handler has returned: it must have stored it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid5

from conduit_contracts.envelope import Attributes, Event, encode
from conduit_contracts.force import CaseAcknowledged, CaseDeclined, NotOursReason, ReceiptConfirmed
from conduit_contracts.ids import uuid7
from conduit_contracts.kits.build import build
from conduit_contracts.kits.errors import HandlerFailedError
from conduit_contracts.kits.following import Following
from conduit_contracts.kits.ledger import Ledger, OwnRecords, SqliteLedger, Stage
from conduit_contracts.kits.reader import Reader, Received, Report, Skipped, log_skipped
from conduit_contracts.kits.sender import Sender
from conduit_contracts.kits.settings import KafkaSettings
from conduit_contracts.problems import sender_problem
from conduit_contracts.programme import AdvicePublished, AdviceWithdrawn
from conduit_contracts.routing import (
    AcceptanceDisseminated,
    CaseDisseminated,
    DeclineDisseminated,
    ForcesChanged,
    HandoffChased,
    HandoffClosed,
    HomeForceChanged,
    InformationDisseminated,
    ResponseRejected,
    WithdrawalDisseminated,
)
from conduit_contracts.topics import ADVICE, FORCE_CASES, FORCE_RESPONSES

__all__ = [
    "Delivery",
    "ForceAdvice",
    "ForceAdviceNotes",
    "ForceKit",
    "ForceMessage",
    "Ledger",
    "OwnRecords",
    "Skipped",
    "SqliteLedger",
    "Stage",
]

ForceMessage = (
    CaseDisseminated
    | InformationDisseminated
    | HomeForceChanged
    | ForcesChanged
    | WithdrawalDisseminated
    | DeclineDisseminated
    | AcceptanceDisseminated
    | HandoffChased
    | HandoffClosed
    | ResponseRejected
)
RETRY_SECONDS = (1.0, 5.0, 15.0, 60.0)
_RECEIPTS = UUID("6f1f3c1e-7c0b-5a61-9d0e-3f5b8a9d2c47")
_log = logging.getLogger("conduit_contracts.kits")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for the force. `attributes.id` is the same each time it comes."""

    message: ForceMessage
    attributes: Attributes
    redelivered: bool = False
    """Whether an earlier call with this message did not end, so that part of its work may be done already."""


Handler = Callable[[Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ForceAdvice:
    """What the hub says of a note of national advice. The last message about a `note_id` holds: one that was withdrawn is
    followed no more, and its words are to be deleted."""

    message: AdvicePublished | AdviceWithdrawn
    attributes: Attributes


class ForceAdviceNotes(Following[ForceAdvice]):
    """National advice, oldest first, at least once: a note counts as dealt with when the next is asked for, or when the
    block is left without an error. A reader that is new begins with all that holds."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader, lambda received: ForceAdvice(received.message, received.attributes))


class ForceKit:
    """One force's connector."""

    def __init__(
        self,
        force_id: str,
        settings: KafkaSettings,
        ledger: Ledger | str | Path,
        *,
        name: str = "connector",
        send_seconds: float = 30.0,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        report: Report = log_skipped,
    ) -> None:
        """`ledger` may be the path of an SQLite file. `name` says which reader this is; each name reads everything.

        `retry_seconds` are the waits between attempts at a message; `report` is told of what cannot be read.
        """
        self.force_id = force_id
        self._settings = settings
        self._ledger = SqliteLedger(ledger) if isinstance(ledger, str | Path) else ledger
        self._owned = self._ledger if isinstance(ledger, str | Path) else None
        self._report, self._retry_seconds = report, tuple(retry_seconds)
        self._sender = Sender(settings, seconds=send_seconds)
        self._reader = Reader(settings, FORCE_CASES, force_id, f"force.{force_id}.{name}", report)
        self._topic = FORCE_RESPONSES.name(force_id)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sender.__aexit__()
        if isinstance(self._owned, SqliteLedger):
            self._owned.close()

    async def run(self, handle: Handler) -> None:
        """Runs until it is cancelled. Each message is handled and a case's receipt confirmed before the next one is read.

        Raises:
            HandlerFailedError: `handle` failed on one message at every attempt. Nothing is lost; start again.
        """
        async with self._reader as reader:
            while True:
                received = await reader.next()
                if received.message.force_id == self.force_id:
                    await self._take(received, handle)
                else:
                    self._refuse(received)
                await reader.confirm(received)

    def advice(self, name: str = "connector") -> ForceAdviceNotes:
        """National advice, from where the reader of this name left off. Each name reads all of it.

        To show it is enough here: that the force has read it, a person confirms on the programme's pages.
        """
        group = f"force.{self.force_id}.advice.{name}"
        return ForceAdviceNotes(Reader(self._settings, ADVICE, self.force_id, group, self._report))

    async def confirm_receipt(self, referral_id: UUID | str, *, part: int | None = None, event_id: str | None = None) -> str:
        """Confirm that the connector has stored the case. `run` does this by itself. Returns the event id."""
        return await self._say(ReceiptConfirmed, {"referral_id": referral_id, "part": part}, event_id)

    async def acknowledge(
        self,
        referral_id: UUID | str,
        *,
        team: str,
        force_reference: str | None = None,
        part: int | None = None,
        victim_contact: str | None = None,
        event_id: str | None = None,
    ) -> str:
        """Say that a person of `team` has read the case and takes it on. `force_reference` is the force's own, and is given
        back. `victim_contact` says who at the force makes contact with each victim, how and when; the partner reads it.

        `part` is the `part` of the CaseDisseminated that the person has read: if the case has changed since, the hub still
        waits for an answer. Returns the event id; to try again after UnconfirmedError, give one of your own both times.
        """
        fields = {
            "referral_id": referral_id,
            "team": team,
            "force_reference": force_reference,
            "part": part,
            "victim_contact": victim_contact,
        }
        return await self._say(CaseAcknowledged, fields, event_id)

    async def decline(
        self,
        referral_id: UUID | str,
        reason: NotOursReason,
        comment: str,
        *,
        suggested_force: str | None = None,
        event_id: str | None = None,
    ) -> str:
        """Decline: not ours. The force keeps the interim duty until another has acknowledged; a suggestion makes that
        faster.

        Returns the event id; to try again after UnconfirmedError, give one of your own both times.
        """
        fields = {"referral_id": referral_id, "reason": reason, "comment": comment, "suggested_force": suggested_force}
        return await self._say(CaseDeclined, fields, event_id)

    async def _take(self, received: Received, handle: Handler) -> None:
        for attempt, wait in enumerate((*self._retry_seconds, None), start=1):
            try:
                await self._settle(received, handle)
            except Exception as error:
                # The text of somebody else's exception may contain the content of the case.
                found = type(error).__name__
                if wait is None:
                    raise HandlerFailedError(received.attributes.id, attempt, found) from error
                _log.warning("event %s not taken in (%s); trying again in %s s", received.attributes.id, found, wait)
                await asyncio.sleep(wait)
            else:
                return

    async def _settle(self, received: Received, handle: Handler) -> None:
        event_id = received.attributes.id
        stage = await self._ledger.stage(event_id)
        if stage < Stage.STORED:
            await self._ledger.mark(event_id, Stage.BEGUN)
            await handle(Delivery(received.message, received.attributes, redelivered=stage is Stage.BEGUN))
            await self._ledger.mark(event_id, Stage.STORED)
        if stage < Stage.CONFIRMED and isinstance(received.message, CaseDisseminated):
            # Derived, so that a receipt sent again after a crash is the same receipt.
            case = received.message
            await self.confirm_receipt(case.referral_id, part=case.part, event_id=str(uuid5(_RECEIPTS, event_id)))
            await self._ledger.mark(event_id, Stage.CONFIRMED)

    def _refuse(self, received: Received) -> None:
        problem = sender_problem("identity_mismatch", "force_id", "This is for another force. Tell the hub.")
        where = (self._reader.topic, received.partition, received.offset)
        self._report(Skipped(*where, (problem,), received.attributes))

    async def _say(self, model: type[Event], fields: dict[str, Any], event_id: str | None) -> str:
        message = build(model, {"force_id": self.force_id, **fields})
        subject = str(fields["referral_id"])
        source = f"/forces/{self.force_id}"
        attributes = Attributes(event_id or str(uuid7()), source, message.type, datetime.now(UTC), subject)
        headers, value = encode(message, attributes)
        await self._sender.send(self._topic, subject.encode(), headers, value)
        return attributes.id
