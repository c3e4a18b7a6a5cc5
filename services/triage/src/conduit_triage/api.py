"""What the officers' tool reads. The queue holds no case content; opening a case is written down before it is shown.

However much was told of a case, an answer stays small: it has the newest of what was added, of history and of remarks, how
many there are, and where it leaves earlier ones out, the path at which they are.

`/commands` tells an officer which commands were refused, ignored, or took effect over something new.

Both need the tool's bearer token and the officer's id. Where no token is set, there is nothing here.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from starlette.requests import Request

from conduit_chassis import commands, postgres
from conduit_chassis.http.api import Api, RequestRefused, Words, place_before, referral_id_of
from conduit_chassis.runtime import Runtime
from conduit_triage import metrics, store

PATH = "/reviews"
MOST_REVIEWS = 500
"""The head of the queue that one answer shows. `open` says how many there are."""
_WORDS = Words(
    not_served="Triage's pages are switched off. Set OFFICER_TOKEN.",
    read_only="Only GET is possible. Send decisions through Kafka.",
)


def create_api(runtime: Runtime, token: str) -> Api:
    """The API of a running service."""
    reviews = _Reviews(runtime)
    endpoints = {
        PATH: reviews.queue,
        f"{PATH}/{{referral_id}}": reviews.case,
        f"{PATH}/{{referral_id}}/{{part:path}}": reviews.part,
        "/commands": reviews.commands,
    }
    return Api(endpoints, token, _WORDS, metrics.count_refused_request)


class _Reviews:
    """What is answered at each address, to a named officer."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def queue(self, request: Request) -> Mapping[str, Any]:
        """The open reviews; with `referral_id` in the query, the case with that id."""
        officer, named = _officer(request), request.query_params.get("referral_id", "")
        if named:
            return await self._consult(_referral_id(named), officer)
        async with self._runtime.transaction() as (connection, _):
            levels = await store.levels(connection)
            reviews = await store.queue(connection, MOST_REVIEWS)
        metrics.OFFICER_REQUESTS.labels("listed").inc()
        return {"open": sum(level.reviews for level in levels.values()), "reviews": reviews}

    async def case(self, request: Request) -> Mapping[str, Any]:
        """A case, with the newest of what there may be much of."""
        officer = _officer(request)
        return await self._consult(_referral_id(request.path_params["referral_id"]), officer)

    async def part(self, request: Request) -> Mapping[str, Any]:
        """Of one such part of a case, what came before the place that an answer named."""
        officer, name = _officer(request), request.path_params["part"]
        referral_id = _referral_id(request.path_params["referral_id"] if name in _PARTS else "")
        before = place_before(request, "before", store.FROM_THE_NEWEST)
        now = self._runtime.clock.now()
        async with self._runtime.transaction() as (connection, _):
            found = await store.consult_part(connection, referral_id, officer, now, _PARTS[name], before)
        if found is None:
            raise _unknown()
        metrics.OFFICER_REQUESTS.labels("consulted").inc()
        return _show_part(referral_id, name, found)

    async def commands(self, request: Request) -> Mapping[str, Any]:
        """What became of the officer's commands."""
        officer = _officer(request)
        async with postgres.connection(self._runtime.pool) as connection:
            answers = await commands.recent(connection, officer)
        metrics.OFFICER_REQUESTS.labels("listed").inc()
        return {"answers": answers}

    async def _consult(self, referral_id: UUID, officer: str) -> Mapping[str, Any]:
        async with self._runtime.transaction() as (connection, _):
            dossier = await store.consult(connection, referral_id, officer, self._runtime.clock.now())
        if dossier is None:
            raise _unknown()
        metrics.OFFICER_REQUESTS.labels("consulted").inc()
        return _show(dossier)


_PARTS: Mapping[str, store.Part] = {
    "supplements": store.supplements,
    "history": store.history,
    "remarks": store.remarks,
}


def _officer(request: Request) -> str:
    """The officer who is looking.

    Raises:
        RequestRefused: nobody is named.
    """
    officer = request.headers.get("x-officer-id", "")
    if not commands.is_officer(officer):
        raise RequestRefused(400, "officer_missing", "X-Officer-Id", "Give the id of the officer who is looking.")
    return officer


def _referral_id(text: str) -> UUID:
    return referral_id_of(text, "Give the referral's id, a UUID.")


def _unknown() -> RequestRefused:
    return RequestRefused(404, "referral_unknown", "referral_id", "Triage has no referral with this id.")


def _show(dossier: store.Dossier) -> Mapping[str, Any]:
    case = dossier.case
    return {
        "referral_id": case.referral_id,
        "partner_id": case.partner_id,
        "partner_reference": case.partner_reference,
        "received_at": case.received_at,
        "state": case.state,
        "danger_raised": case.danger_raised,
        "round": case.rounds,
        "review": asdict(case.review) if case.review else None,
        "decided_by": case.decided_by,
        "decided_at": case.decided_at,
        "grounds": case.grounds,
        "home_force": case.home_force,
        "decline_reason": case.decline_reason,
        "declined_by": case.declined_by,
        "mou_lapsed": case.mou_lapsed,
        "policy_version": case.policy_version,
        "version": dossier.version,
        "referral": json.loads(case.body)["referral"],
        **_show_part(case.referral_id, "supplements", dossier.supplements),
        **_show_part(case.referral_id, "history", dossier.history),
        **_show_part(case.referral_id, "remarks", dossier.remarks),
    }


def _show_part(referral_id: UUID, part: str, found: store.Newest) -> Mapping[str, Any]:
    """Oldest first, how many there are in all, and where those before them are; null where there are none."""
    items = [json.loads(each["body"])["supplement"] if "body" in each else each for each in found.items]
    earlier = f"{PATH}/{referral_id}/{part}?before={found.before}" if found.before is not None else None
    return {part: items, f"{part}_in_all": found.in_all, f"{part}_earlier": earlier}
