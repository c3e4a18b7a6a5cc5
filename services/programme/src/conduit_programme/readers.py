"""What the programme reads of a case: that it was handed over. Of the registers, which it writes, it reads all."""

from collections.abc import Mapping

from pydantic import BaseModel

from conduit_contracts import routing
from conduit_contracts.base import Value
from conduit_contracts.ids import PartnerId, ReferralId


class CaseOfPartnerHandedOver(Value):
    """That a case of a partner was handed over: whose, and when, and nothing else of it."""

    referral_id: ReferralId
    partner_id: PartnerId


READERS: Mapping[str, type[BaseModel]] = {routing.HandoverCompleted.type: CaseOfPartnerHandedOver}
