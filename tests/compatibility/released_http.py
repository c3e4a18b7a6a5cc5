"""A partner by HTTP with the published kit: submits, adds, attaches, reads the answers; prints how far it came."""

import asyncio
import sys
from datetime import UTC, datetime

from conduit_contracts.kits.http import HttpKit, HttpSettings
from conduit_contracts.notification import ReferralState


async def main(partner_id: str, reference: str) -> None:
    async with HttpKit(partner_id, HttpSettings.from_environment()) as hub:
        referral = hub.referral(
            reference,
            mou_reference=f"MOU-{partner_id.upper()}",
            caseworker={"name": "Example Caseworker", "email": "casework@partner.example"},
            reported_at="2026-10-20T09:30:00Z",
            urgency="priority",
            immediate_danger=False,
            narrative="Synthetic: six children told us the same of one house.",
            persons=[{"person_id": "V1", "role": "victim", "identity": {"kind": "pseudonymous", "pseudonym": "Robin"}}],
            places=[{"place_id": "L1", "kind": "home", "district_code": "E07000070"}],
            numbers={"victims_known": 6},
            concerns=["contact_sexual_abuse"],
            legal_ground="safeguarding_of_children",
        )
        receipt = await hub.submit(referral)
        print("submitted", receipt.outcome)
        added = hub.supplement(reference, text="Synthetic: one more.", supplied_at=datetime.now(UTC))
        print("supplied", (await hub.supply(receipt.referral_id, added)).outcome)
        await hub.attach(receipt.referral_id, b"Synthetic statement.\n", "text/plain")
        print("attached", len(await hub.attachments(receipt.referral_id)))
        while (story := await hub.standing(receipt.referral_id)).state is not ReferralState.HANDED_OVER:
            await asyncio.sleep(0.5)
        print("handed over after", story.revision)
        assert await hub.find(reference)
        assert [each async for each in hub.referrals(ReferralState.HANDED_OVER)]


asyncio.run(main(sys.argv[1], sys.argv[2]))
