"""Suspensions that were ordered. They hold here from the order on, whatever the register says yet, until they are lifted.

The programme's service writes them into the register as well. It may be down; a partner is refused anyway.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from conduit_chassis.postgres import Connection
from conduit_contracts.base import Value
from conduit_contracts.ids import PartnerId
from conduit_intake.submissions import Partner

# The order and the register's record come on two topics, which two processes may read: one after the other they see both.
_TURN = "SELECT pg_advisory_xact_lock(hashtext('conduit.suspensions'))"
_LOAD = "SELECT partner_id, wholly, mous FROM partner_suspensions WHERE partner_id = ANY($1::text[])"
_SAVE = """
INSERT INTO partner_suspensions (partner_id, wholly, mous, ordered_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (partner_id) DO UPDATE SET wholly = excluded.wholly, mous = excluded.mous, ordered_at = excluded.ordered_at
"""
_LIFT = "DELETE FROM partner_suspensions WHERE partner_id = $1"


class OrderedSuspension(Value):
    """What is suspended, or no longer, as intake reads the order."""

    partner_id: PartnerId
    wholly: bool = False
    mous: tuple[str, ...] = ()


class OtherOrder(Value):
    """An order for a register that the register itself will tell of."""


@dataclass(frozen=True, slots=True)
class PartnerSuspension:
    """What of a partner is suspended by order."""

    wholly: bool = False
    mous: frozenset[str] = frozenset()

    def with_more(self, order: OrderedSuspension) -> "PartnerSuspension":
        """After an order to suspend."""
        return PartnerSuspension(self.wholly or order.wholly, self.mous | set(order.mous))

    def without(self, order: OrderedSuspension) -> "PartnerSuspension":
        """After an order to resume."""
        return PartnerSuspension(self.wholly and not order.wholly, self.mous - set(order.mous))

    def of(self, partner: Partner) -> Partner:
        """The partner with what is suspended by order, besides what the register has suspended."""
        mous = tuple(
            mou.model_copy(update={"suspended": True}) if mou.reference in self.mous else mou for mou in partner.mous
        )
        return partner.model_copy(update={"suspended": partner.suspended or self.wholly, "mous": mous})


NOT_SUSPENDED = PartnerSuspension()


async def load(connection: Connection, partner_ids: Collection[str]) -> dict[str, PartnerSuspension]:
    """Those of these partners that are suspended by order; nobody else changes them until the transaction ends."""
    await connection.execute(_TURN)
    rows = await connection.fetch(_LOAD, sorted(partner_ids))
    return {row["partner_id"]: PartnerSuspension(row["wholly"], frozenset(row["mous"])) for row in rows}


async def save(connection: Connection, changed: Iterable[tuple[str, PartnerSuspension]], now: datetime) -> None:
    """Write what was ordered."""
    for partner_id, suspension in changed:
        if suspension == NOT_SUSPENDED:
            await connection.execute(_LIFT, partner_id)
        else:
            await connection.execute(_SAVE, partner_id, suspension.wholly, sorted(suspension.mous), now)
