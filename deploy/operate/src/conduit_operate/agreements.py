"""Which Memoranda of Understanding end soon, by the register and by the rule of what is in force."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from conduit_contracts.agreements import in_force
from conduit_contracts.programme import PartnerRegistered


class EndingMou(NamedTuple):
    """One that is in force and ends soon."""

    partner_id: str
    reference: str
    valid_to: date
    """The last day on which new referrals are taken under it."""


def ending(partners: Iterable[PartnerRegistered], on: date, days: int) -> list[EndingMou]:
    """Those that end within so many days, the soonest first."""
    found = [
        EndingMou(partner.partner_id, mou.reference, mou.valid_to)
        for partner in partners
        if not partner.suspended
        for mou in partner.mous
        if in_force(mou, on) and mou.valid_to <= on + timedelta(days=days)
    ]
    return sorted(found, key=lambda each: (each.valid_to, each.partner_id, each.reference))
