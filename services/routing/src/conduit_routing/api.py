"""What the officers' tool reads of routing: the open reviews, who has which part of a case, and what became of an officer's
commands. Never what a case says.

All need the tool's bearer token. Where none is set, there is nothing here.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from conduit_chassis import commands, postgres
from conduit_chassis.http.api import Api, RequestRefused, Words, place_before, referral_id_of
from conduit_chassis.runtime import Runtime
from conduit_routing import queries

MOST_REVIEWS = 500
_WORDS = Words(
    not_served="Routing's pages are switched off. Set OFFICER_TOKEN.",
    read_only="Only GET is possible. Send commands through Kafka.",
)


def create_api(runtime: Runtime, token: str) -> Api:
    """The API of a running service."""
    officers = _Officers(runtime)
    endpoints = {"/reviews": officers.reviews, "/cases": officers.case, "/commands": officers.commands}
    return Api(endpoints, token, _WORDS)


class _Officers:
    """What is answered at each address."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def reviews(self, _request: Request) -> Mapping[str, Any]:
        """The reviews that wait."""
        async with postgres.connection(self._runtime.pool) as connection:
            return {"reviews": await queries.open_reviews(connection, MOST_REVIEWS)}

    async def commands(self, request: Request) -> Mapping[str, Any]:
        """What became of an officer's commands."""
        officer = request.query_params.get("officer_id", "")
        if not commands.is_officer(officer):
            raise RequestRefused(400, "officer_missing", "officer_id", "Give the id of the officer whose commands you want.")
        async with postgres.connection(self._runtime.pool) as connection:
            return {"answers": await commands.recent(connection, officer)}

    async def case(self, request: Request) -> Mapping[str, Any]:
        """Who has which part of a case, with the newest of its history and reviews and where the earlier ones are."""
        named = request.query_params.get("referral_id", "")
        referral_id = referral_id_of(named, "Give the case's referral_id, a UUID.")
        lines, reviews = (place_before(request, f"{part}_before", queries.FROM_THE_NEWEST) for part in _PARTS)
        async with postgres.connection(self._runtime.pool) as connection:
            shown = await queries.show(connection, referral_id, lines, reviews)
        if shown is None:
            raise RequestRefused(404, "referral_unknown", "referral_id", "Routing has no case with this referral_id.")
        for part in _PARTS:
            number = shown[f"{part}_earlier"]
            shown[f"{part}_earlier"] = number and f"/cases?referral_id={referral_id}&{part}_before={number}"
        return shown


_PARTS = ("history", "reviews")
