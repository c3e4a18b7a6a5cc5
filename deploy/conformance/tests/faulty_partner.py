"""A partner's sender that does all that the conformance kit asks for, with one fault at a time for the kit to find.

python -m deploy.conformance.tests.faulty_partner BOOTSTRAP PARTNER FAULT
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.partner import PartnerKit, Submission, Update
from conduit_contracts.kits.submission import prepare
from conduit_contracts.notification import ReferralStatusUpdated, SubmissionRejected
from conduit_contracts.partner import InformationSupplied, ReferralSubmitted, ReferralWithdrawn, WithdrawalReason
from tests.kits.samples import fields, information

ANSWERS = {"referral_received", "information_supplied", "referral_withdrawn", "submission_repeated"}
"""Facts that answer what a partner sent. All others are what the hub and the forces did."""


class FaultyPartner:
    """`fault` names what it does wrong."""

    def __init__(self, bootstrap_servers: str, partner_id: str, fault: str = "") -> None:
        self._partner_id, self._fault = partner_id, fault
        self._kit = PartnerKit(partner_id, KafkaSettings(bootstrap_servers))

    async def run(self) -> None:
        """Everything, in order, each once the hub has answered what came before."""
        async with self._kit, asyncio.timeout(60), self._kit.updates("sender") as updates:
            first = self._referral("P-1")
            await self._say(first, updates)
            await self._again(first)
            if self._fault == "changes_without_saying_so":
                await self._say(self._referral("P-1", narrative="Synthetic: something else."), updates)
            await self._say(self._information(), updates)
            await self._say(self._information(corrects=True, text="Synthetic: V1 is 14."), updates)
            if self._fault != "never_withdraws":
                await self._say(self._withdrawal(), updates)
            await self._be_rejected(updates)

    async def _be_rejected(self, updates: AsyncIterator[Update]) -> None:
        second = self._referral("P-2")
        answer = await self._say(second, updates)
        if not isinstance(answer.message, SubmissionRejected):
            return
        if self._fault == "sends_rejected_again":
            await self._kit.send(second)
        if self._fault == "sends_rejected_again_as_new":
            await self._kit.send(self._referral("P-2"))
        if self._fault != "gives_up":
            await self._say(self._referral("P-2", mou_reference="MOU-NEXT"), updates)

    async def _say(self, submission: Submission, updates: AsyncIterator[Update]) -> Update:
        """The hub's answer to it. What the hub tells of the referral besides is passed over."""
        await self._kit.send(submission)
        while True:
            update = await anext(updates)
            if not isinstance(update.message, ReferralStatusUpdated) or update.message.fact in ANSWERS:
                return update

    async def _again(self, submission: Submission) -> None:
        if self._fault == "tries_again_under_a_new_id":
            submission = self._with_header(submission, "ce_id", str(uuid.uuid4()))
        await self._kit.send(submission)

    def _referral(self, reference: str, **changes: Any) -> Submission:
        if self._fault == "clock_is_ahead":
            changes["reported_at"] = datetime.now(UTC) + timedelta(hours=2)
        who = "west-mercia" if self._fault == "speaks_for_another" else self._partner_id
        kit = PartnerKit(who, KafkaSettings("nowhere:1"))
        referral = kit.referral(reference, **fields(**changes))
        return self._spoil(prepare(self._partner_id, ReferralSubmitted(referral=referral)))

    def _information(self, **changes: Any) -> Submission:
        supplement = self._kit.supplement("P-1", **information(**changes))
        return self._spoil(prepare(self._partner_id, InformationSupplied(supplement=supplement)))

    def _withdrawal(self) -> Submission:
        reason = WithdrawalReason.SENT_IN_ERROR
        message = ReferralWithdrawn(partner_id=self._partner_id, partner_reference="P-1", reason=reason)
        return self._spoil(prepare(self._partner_id, message))

    def _spoil(self, submission: Submission) -> Submission:
        match self._fault:
            case "has_no_key":
                return replace(submission, key=b"anything")
            case "has_a_field_of_its_own":
                return replace(submission, value=json.dumps({**json.loads(submission.value), "colour": "canary"}).encode())
            case "leaves_headers_out":
                return replace(submission, headers=tuple(each for each in submission.headers if each[0] != "ce_source"))
            case "says_no_content_type":
                return replace(submission, headers=tuple(each for each in submission.headers if each[0] != "content-type"))
            case "reuses_its_ids":
                return self._with_header(submission, "ce_id", "always-the-same")
        return submission

    def _with_header(self, submission: Submission, name: str, value: str) -> Submission:
        headers = ((each, value.encode() if each == name else raw) for each, raw in submission.headers)
        return replace(submission, headers=tuple(headers))


if __name__ == "__main__":
    asyncio.run(FaultyPartner(*sys.argv[1:]).run())
