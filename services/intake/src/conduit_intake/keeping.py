"""What intake says again of its cases when the console is rebuilt: its facts, and of open cases what was sent."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from pydantic_core import from_json, to_json

from conduit_chassis.postgres import Connection
from conduit_chassis.snapshots import Keeper, KeptFact
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


async def with_referrals(connection: Connection, kept: Sequence[KeptFact]) -> Mapping[str, bytes]:
    """Each receipt with the referral as it was sent, to the byte as it was published. Other facts have all their words."""
    receipts = [fact for fact in kept if fact.event_type == ReferralReceived.type]
    rows = await connection.fetch(_BODIES, [fact.case_id for fact in receipts]) if receipts else []
    bodies = {row["referral_id"]: row["body"] for row in rows}
    return {fact.event_id: _whole(fact.value, bodies[fact.case_id]) for fact in receipts}


def _whole(receipt: bytes, body: bytes) -> bytes:
    said = from_json(receipt) | {"referral": ReferralSubmitted.model_validate_json(body, extra="ignore").referral}
    in_order = {name: said[name] for name in ReferralReceived.model_fields if name in said}
    return to_json(in_order, exclude_none=True)


KEEPER = Keeper(open_ones, with_referrals)
