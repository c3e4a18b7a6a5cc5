"""`/v1/places`: the code of a place by its name, and the police force in whose area it lies."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from conduit_contracts import places
from conduit_intake.api.auth import TheClient
from conduit_intake.api.referrals import ALWAYS
from conduit_intake.api.refusals import documented
from conduit_intake.api.views import Place, Places, shown

router = APIRouter(tags=["Referrals"])


class Search(BaseModel):
    """What is looked for, and how much of it."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(min_length=1, max_length=80, description="A place's name, part of a name, or a code.")
    limit: int = Field(20, ge=1, le=100, description="The most places to return.")


@router.get(
    "/v1/places",
    operation_id="findPlaces",
    summary="Look up the code of a place",
    description="By name, part of a name or code, with the best match first. If nothing matches, names with a similar "
    "spelling. Former codes, counties and police force areas come after current districts: you can use all of them.",
    response_model=Places,
    responses=documented(*ALWAYS, "query_invalid"),
)
async def find_places(_client: TheClient, search: Annotated[Search, Query()]) -> Response:
    """The same tables as routing uses. Nothing of a referral is looked at."""
    found = places.find(search.q, search.limit)
    return shown(
        Places(
            items=tuple(
                Place(
                    district_code=each.code,
                    name=each.name,
                    kind=each.kind,
                    current=each.current,
                    force_id=each.force_id,
                    force_name=each.force_name,
                )
                for each in found
            )
        )
    )
