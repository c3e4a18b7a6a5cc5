"""A partner in 40 lines: python partner.py PARTNER_ID REFERENCE, with the variables of .conduit/clients/partner.<id>.env."""

import asyncio
import sys
from datetime import UTC, datetime

from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.partner import PartnerKit
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated


async def main(partner_id: str, reference: str) -> None:
    async with PartnerKit(partner_id, KafkaSettings.from_environment()) as hub:
        referral = hub.referral(  # an InvalidError names every field that the hub would refuse
            reference,
            mou_reference=f"MOU-{partner_id.upper()}",
            caseworker={"name": "Example Caseworker", "email": "casework@partner.example"},
            reported_at=datetime.now(UTC),
            urgency="priority",
            immediate_danger=False,
            narrative="Synthetic: six children told us the same of one house.",
            persons=[{"person_id": "V1", "role": "victim", "identity": {"kind": "pseudonymous", "pseudonym": "Robin"}}],
            places=[{"place_id": "L1", "kind": "home", "district_code": "E07000070"}],
            numbers={"victims_known": 6},
            concerns=["contact_sexual_abuse"],
            legal_ground="safeguarding_of_children",
        )
        print("sent as", (await hub.submit(referral)).submission_id)
        async with hub.updates("example") as updates:
            async for update in updates:
                match update.message:
                    case ReferralStatusUpdated(partner_reference=about) as status if about == reference:
                        print(status.revision, status.state, status.fact)
                        if status.state is ReferralState.HANDED_OVER:
                            return
                    case _:
                        print("not about this referral:", update.message.type)


asyncio.run(main(sys.argv[1], sys.argv[2]))
