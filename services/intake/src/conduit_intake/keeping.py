"""What intake says again of its cases when the console is rebuilt: its facts, and of open cases what was sent."""

from collections.abc import Collection, Mapping
from uuid import UUID

from pydantic_core import from_json, to_json

from conduit_chassis.postgres import Connection
from conduit_chassis.snapshots import Keeper
from conduit_contracts.envelope import dump
from conduit_contracts.intake import ReferralReceived
from conduit_contracts.notification import ReferralState
from conduit_contracts.partner import ReferralSubmitted

CLOSED = (ReferralState.HANDED_OVER, ReferralState.DECLINED, ReferralState.WITHDRAWN)
_OPEN = """
SELECT referral_id FROM referrals WHERE referral_id = ANY($1::uuid[]) AND withdrawn_at IS NULL AND NOT EXISTS (
    SELECT FROM standings WHERE standings.referral_id = referrals.referral_id AND standings.state = ANY($2::text[])
)
"""
_BODIES = "SELECT referral_id, body FROM referrals WHERE referral_id = ANY($1::uuid[])"


async def open_ones(connection: Connection, referral_ids: Collection[UUID]) -> set[UUID]:
    """Those that are not closed, as their partners were told last."""
    rows = await connection.fetch(_OPEN, list(referral_ids), [state.value for state in CLOSED])
    return {row["referral_id"] for row in rows}


async def with_referrals(connection: Connection, facts: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Each receipt with the referral as it was sent, to the byte as it was published. Other facts have all their words."""
    said = {event_id: from_json(value) for event_id, value in facts.items()}
    lacking = {event_id: each for event_id, each in said.items() if "received_at" in each and "referral" not in each}
    if not lacking:
        return facts
    rows = await connection.fetch(_BODIES, [UUID(each["referral_id"]) for each in lacking.values()])
    bodies = {str(row["referral_id"]): row["body"] for row in rows}
    return {**facts, **{event_id: _whole(each, bodies[each["referral_id"]]) for event_id, each in lacking.items()}}


def _whole(said: dict[str, object], body: bytes) -> bytes:
    sent = ReferralSubmitted.model_validate_json(body, extra="ignore").referral
    # The referral takes its place among the fields, which are in the contract's order.
    read = ReferralReceived.model_validate_json(to_json({**said, "referral": from_json(to_json(sent))}), extra="ignore")
    return dump(read)


KEEPER = Keeper(open_ones, with_referrals)
