"""Synthetic registers and organisations."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from conduit_chassis.records import Record
from conduit_chassis.testing import record
from conduit_contracts import topics
from conduit_contracts.envelope import Message
from conduit_contracts.programme import ForceRegistered, Mou, PartnerRegistered

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
PARTNER, FORCE = "northlight", "kent"
CANARY = "Synthetic canary: nobody may find these words."


def mou(reference: str = "MOU-NORTHLIGHT", **changes: Any) -> Mou:
    given: dict[str, Any] = {
        "reference": reference,
        "scope": "Referrals of child sexual abuse",
        "signed_on": date(2026, 1, 2),
        "valid_from": date(2026, 1, 5),
        "valid_to": date(2027, 12, 31),
        "review_on": date(2027, 6, 1),
        "legal_ground": "safeguarding_of_children",
    }
    return Mou.model_validate_json(json.dumps(given | changes, default=str))


def partner(partner_id: str = PARTNER, name: str = "Northlight", *mous: Mou, suspended: bool = False) -> PartnerRegistered:
    return PartnerRegistered(partner_id=partner_id, name=name, suspended=suspended, mous=mous or (mou(),))


def force(force_id: str = FORCE) -> ForceRegistered:
    return ForceRegistered(force_id=force_id)


def registered(*entries: PartnerRegistered | ForceRegistered) -> list[Record]:
    return [_record(each) for each in entries]


def _record(entry: Message) -> Record:
    if isinstance(entry, PartnerRegistered):
        return record(topics.PARTNERS.name(), entry.partner_id, entry)
    if isinstance(entry, ForceRegistered):
        return record(topics.FORCES.name(), entry.force_id, entry)
    raise TypeError(type(entry).__name__)
