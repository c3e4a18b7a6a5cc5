"""The partner kit by HTTP: build, check as the hub does, send, and ask for the status.

async with HttpKit("northlight", HttpSettings.from_environment()) as hub:
    receipt = await hub.submit(hub.referral("NL-2026-0147", mou_reference="MOU-NORTHLIGHT", ...))
    print(await hub.standing(receipt.referral_id))
"""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self
from uuid import UUID

from conduit_contracts.advice import Advice
from conduit_contracts.base import Value
from conduit_contracts.danger import danger_first
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import SandboxOutcome
from conduit_contracts.kits import build, checks
from conduit_contracts.kits.errors import InvalidError
from conduit_contracts.kits.http_answers import (
    A,
    Attached,
    Attachments,
    Outcome,
    Page,
    Receipt,
    RefusedError,
    Standing,
    Story,
    read,
)
from conduit_contracts.kits.http_connection import Connection, HttpSettings
from conduit_contracts.kits.submission import PartnerMessage, log_warnings, warnings_of
from conduit_contracts.notification import ReferralState
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

__all__ = [
    "Attached",
    "HttpKit",
    "HttpSettings",
    "Outcome",
    "Receipt",
    "RefusedError",
    "SandboxOutcome",
    "Standing",
    "Story",
]

RETRY_SECONDS = (0.5, 2.0, 5.0)


class HttpKit:
    """One partner's connection to the hub. Every method raises RefusedError if the hub says no, and UnconfirmedError if the
    result is unknown: then it is safe to make the same call with the same `key`."""

    def __init__(
        self,
        partner_id: str,
        settings: HttpSettings,
        *,
        seconds: float = 30.0,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        """`seconds` is for one request; `retry_seconds` are the waits between attempts, always under the same key."""
        self.partner_id = partner_id
        self._connection = Connection(settings, seconds, retry_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    def referral(self, partner_reference: str, **fields: Any) -> Referral:
        """A referral of this partner's, from plain values. Raises InvalidError with every problem found."""
        return build.referral(self.partner_id, partner_reference, **fields)

    def supplement(self, partner_reference: str, **fields: Any) -> Supplement:
        """Added information of this partner's, from plain values. Raises InvalidError with every problem found."""
        return build.supplement(self.partner_id, partner_reference, **fields)

    def check(self, message: PartnerMessage) -> tuple[Problem, ...]:
        """What the hub would find wrong, as far as that can be known here. Field paths begin in the message."""
        content = _json(_body(message))
        return danger_first(checks.check_content(self.partner_id, message, len(content)), content)

    def warnings(self, message: PartnerMessage) -> tuple[Advice, ...]:
        """What to check before you send. The hub takes it anyway, and gives the same warnings in its receipt."""
        return warnings_of(message)

    def places(self, words: str) -> tuple[Place, ...]:
        """Places by name, part of a name or code, the best match first, each with its code and police force."""
        return find(words)

    async def submit(self, referral: Referral, *, key: str | None = None) -> Receipt:
        """Refer a case. Store `key` with your record of the case before you send; by default it is new each time."""
        return await self._say("/v1/referrals", ReferralSubmitted(referral=referral), key)

    async def supply(self, referral_id: UUID | str, supplement: Supplement, *, key: str | None = None) -> Receipt:
        """Add to a referral, or correct it."""
        return await self._say(f"{_address(referral_id)}/information", InformationSupplied(supplement=supplement), key)

    async def withdraw(
        self,
        referral_id: UUID | str,
        partner_reference: str,
        reason: WithdrawalReason,
        comment: str | None = None,
        *,
        key: str | None = None,
    ) -> Receipt:
        """Withdraw a referral."""
        about = {"partner_id": self.partner_id, "partner_reference": partner_reference}
        message = build.build(ReferralWithdrawn, {**about, "reason": reason, "comment": comment})
        return await self._say(f"{_address(referral_id)}/withdrawal", message, key)

    async def reconsider(
        self, referral_id: UUID | str, partner_reference: str, comment: str, *, key: str | None = None
    ) -> Receipt:
        """Ask, once, for a second officer to look at a declined referral."""
        about = {"partner_id": self.partner_id, "partner_reference": partner_reference}
        message = build.build(ReconsiderationRequested, {**about, "comment": comment})
        return await self._say(f"{_address(referral_id)}/reconsideration", message, key)

    async def sandbox_outcome(
        self,
        referral_id: UUID | str,
        outcome: SandboxOutcome,
        *,
        force_id: str | None = None,
        reason: str | None = None,
        key: str | None = None,
    ) -> Outcome:
        """Only in the sandbox: let this happen to a referral. `standing` shows it some seconds later."""
        wanted = {"outcome": outcome, "force_id": force_id, "reason": reason}
        content = json.dumps({name: value for name, value in wanted.items() if value is not None}).encode()
        return await self._post(Outcome, f"{_address(referral_id)}/sandbox-outcome", content, "application/json", key)

    async def attach(self, referral_id: UUID | str, content: bytes, media_type: str, *, key: str | None = None) -> Attached:
        """Attach a file. It is scanned before anyone gets it; `attachments` gives the result."""
        path = f"{_address(referral_id)}/attachments"
        return await self._post(Attached, path, content, media_type, key)

    async def attachments(self, referral_id: UUID | str) -> tuple[Attached, ...]:
        """All attachments of a referral."""
        return read(Attachments, await self._connection.get(f"{_address(referral_id)}/attachments")).items

    async def standing(self, referral_id: UUID | str) -> Story:
        """The status of a referral, and all its updates."""
        return read(Story, await self._connection.get(_address(referral_id)))

    async def find(self, partner_reference: str) -> Standing | None:
        """Find a referral by your own reference, for example if you are not sure whether it arrived."""
        page = read(Page, await self._connection.get("/v1/referrals", {"partner_reference": partner_reference}))
        return page.items[0] if page.items else None

    async def referrals(self, state: ReferralState | None = None) -> AsyncIterator[Standing]:
        """All your referrals, or those in this state, in the order in which the hub received them."""
        query = {"state": state.value} if state else {}
        page = read(Page, await self._connection.get("/v1/referrals", query))
        while True:
            for each in page.items:
                yield each
            if page.next is None:
                return
            page = read(Page, await self._connection.get(page.next))

    async def _say(self, path: str, message: PartnerMessage, key: str | None) -> Receipt:
        problems = self.check(message)
        if problems:
            raise InvalidError(problems)
        log_warnings(self.warnings(message))
        return await self._post(Receipt, path, _json(_body(message)), "application/json", key)

    async def _post(self, model: type[A], path: str, content: bytes, media_type: str, key: str | None) -> A:
        return read(model, await self._connection.post(path, content, media_type, key or str(uuid7())))


def _address(referral_id: UUID | str) -> str:
    return f"/v1/referrals/{UUID(str(referral_id))}"


def _body(message: PartnerMessage) -> Value:
    """The body that the API expects: only the referral or the supplement itself, other messages whole."""
    match message:
        case ReferralSubmitted(referral=referral):
            return referral
        case InformationSupplied(supplement=supplement):
            return supplement
        case _:
            whole: Message = message
            return whole


def _json(value: Value) -> bytes:
    return value.model_dump_json(exclude_none=True).encode()
