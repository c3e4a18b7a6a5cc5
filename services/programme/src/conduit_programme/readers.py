"""What the programme reads: who takes part, their agreements, not where notices go; and that a case was handed over."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from conduit_contracts import programme, routing
from conduit_contracts.base import Value
from conduit_contracts.ids import ForceId, PartnerId, ReferralId
from conduit_contracts.programme import Mou


class PartnerAsRegistered(Value):
    """A partner with its Memoranda of Understanding."""

    partner_id: PartnerId
    name: str
    suspended: bool = False
    mous: Annotated[tuple[Mou, ...], Field(max_length=20)] = ()


class ForceAsRegistered(Value):
    """That a force takes part."""

    force_id: ForceId


class CaseOfPartnerHandedOver(Value):
    """That a case of a partner was handed over: whose, and when, and nothing else of it."""

    referral_id: ReferralId
    partner_id: PartnerId


READERS: Mapping[str, type[BaseModel]] = {
    programme.PartnerRegistered.type: PartnerAsRegistered,
    programme.ForceRegistered.type: ForceAsRegistered,
    routing.HandoverCompleted.type: CaseOfPartnerHandedOver,
}
