"""What the programme reads of the registers: who takes part, and their agreements. Where notices go is not."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from conduit_contracts import programme
from conduit_contracts.base import Value
from conduit_contracts.ids import ForceId, PartnerId
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


READERS: Mapping[str, type[BaseModel]] = {
    programme.PartnerRegistered.type: PartnerAsRegistered,
    programme.ForceRegistered.type: ForceAsRegistered,
}
