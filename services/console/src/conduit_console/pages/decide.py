"""An officer decides: write it, look at it, send it, and see what came of it. A page for each, which works without scripts.

What is written is kept as a draft, so that nothing is lost when a sign-in has become too old, the signer does not answer, or
somebody else was first. What is sent is the draft, and only as its officer looked at it last. The routes stand here;
`writing` and `sending` answer them.
"""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_chassis.trail import uuid_in
from conduit_console import content, deciding
from conduit_console.decision_forms import Answers, OfficersDecision
from conduit_console.pages import sending, writing
from conduit_console.pages.at_desk import case_id_of, desk_of, find_case, the_case
from conduit_console.queries import sent as queries
from conduit_console.queries.sent import CameOf
from conduit_web.access import Action
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()


@router.get("/cases/{case_id}/decisions/{command_id}")
async def what_came_of_it(request: Request, visit: Annotated[Visit, may(Action.WRITE_DECISION, find_case)]) -> Response:
    """When it was sent and what the hub's rules said, to who sent it. Where it changed nothing, what they wrote is here."""
    desk, case_id, key = desk_of(request), case_id_of(request), uuid_in(request.path_params["command_id"])
    if key is None:
        raise TroubleError(Trouble.MISSING)
    async with postgres.transaction(desk.pool) as connection:
        sent = await queries.sent_command(connection, key)
        if sent is None or (sent.referral_id, sent.officer_id) != (case_id, visit.person.person_id):
            raise TroubleError(Trouble.MISSING)
        decision, steps = deciding.BY_CODE[sent.decision], await queries.news_since(connection, sent)
        outcome = await queries.outcome_of(connection, sent)
        kept = await content.draft(connection, sent.referral_id, sent.officer_id, sent.decision)
        if outcome.came is CameOf.TOOK_EFFECT and kept is not None and kept.saved_at <= sent.sent_at:
            await content.drop_draft(connection, sent.referral_id, sent.officer_id, sent.decision)
    written: Answers = json.loads(kept.text) if kept else {}
    values: dict[str, Any] = {"sent": sent, "decision": decision, "outcome": outcome, "answers": written}
    values |= {"steps": queries.others(sent, steps), "case": (await the_case(request)).case}
    return desk.shown.page(request, "decided.html", N_("Your decision"), visit=visit, **values)


def _add(decision: OfficersDecision) -> None:
    """Its four routes. Writing needs no fresh sign-in where sending does, so that nobody loses what they are writing."""

    async def write(request: Request, visit: Annotated[Visit, may(Action.WRITE_DECISION, find_case)]) -> Response:
        return await writing.write_page(request, visit, decision)

    async def keep(request: Request, visit: Annotated[Visit, may(Action.WRITE_DECISION, find_case)]) -> Response:
        return await writing.keep(request, visit, decision)

    async def check(request: Request, visit: Annotated[Visit, may(decision.action, find_case)]) -> Response:
        return await sending.check_page(request, visit, decision)

    async def send(request: Request, visit: Annotated[Visit, may(decision.action, find_case)]) -> Response:
        return await sending.send(request, visit, decision)

    path = f"/cases/{{case_id}}/{decision.path}"
    for address, method, endpoint in ((path, "GET", write), (path, "POST", keep), (f"{path}/check", "GET", check)):
        router.add_api_route(address, endpoint, methods=[method])
    router.add_api_route(f"{path}/check", send, methods=["POST"])


for _decision in deciding.DECISIONS:
    _add(_decision)
