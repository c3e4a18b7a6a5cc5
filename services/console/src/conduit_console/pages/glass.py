"""A restricted case is open to those who are named for it. Others may open it for an hour: they say why, and it is seen."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_console import desk as acts
from conduit_console import wording
from conduit_console.pages.at_desk import GLASS_LASTS, case_id_of, desk_of, find_case
from conduit_web.access import Action
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
Breaker = Annotated[Visit, may(Action.BREAK_GLASS, find_case)]


@router.get("/cases/{case_id}/glass")
async def ask(request: Request, visit: Breaker) -> Response:
    """Why?"""
    return _form(request, visit, problem="")


@router.post("/cases/{case_id}/glass")
async def break_glass(request: Request, visit: Breaker) -> Response:
    """It stands in the trail and on every supervisor's first page, and they are written to, before the case is shown."""
    desk, case_id, why = desk_of(request), case_id_of(request), visit.form.get("why", "")
    if why not in wording.GLASS:
        return _form(request, visit, problem=N_("Choose why you need to open this case."))
    transactions, me, now = desk.commands.transactions, visit.person.person_id, desk.clock.now()
    if case_id is None or not await acts.break_glass(transactions, case_id, me, why, now, GLASS_LASTS):
        raise TroubleError(Trouble.MISSING)
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


def _form(request: Request, visit: Visit, *, problem: str) -> Response:
    values = {"case_id": case_id_of(request), "reasons": list(wording.GLASS), "problem": problem}
    heading = N_("Open a restricted case")
    return desk_of(request).shown.page(request, "glass.html", heading, visit=visit, status=400 if problem else 200, **values)
