"""For supervisors: who has what, giving a case to somebody, and opening a restricted one to somebody."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_console import desk as acts
from conduit_console.following import currency
from conduit_console.pages.at_desk import case_id_of, desk_of, find_case, know_partners
from conduit_console.queries import audit
from conduit_web.access import Action, may_name
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
NOT_OPEN_TO_THEM = N_("That case is restricted, and not open to them. Open it to them first, on its page.")
NOT_ONESELF = N_("You cannot open it to yourself. Ask another supervisor, or open it with a reason.")


@router.get("/officers")
async def who_has_what(request: Request, visit: Annotated[Visit, may(Action.REASSIGN)], after: str = "") -> Response:
    """Every case in somebody's hands, and how much waits for whom."""
    return await _listed(request, visit, after)


async def _listed(request: Request, visit: Visit, after: str = "", problem: str = "") -> Response:
    desk = desk_of(request)
    now = desk.clock.now()
    async with postgres.connection(desk.pool) as connection:
        found = await audit.who_has_what(connection, after)
        burdens = await audit.burdens(connection, now)
        current = await currency(connection, now)
        await know_partners(request, connection, found.rows)
    values: dict[str, Any] = {
        "found": found,
        "burdens": burdens,
        "currency": current,
        "officers": desk.who_decide(),
        "problem": problem,
    }
    status = 409 if problem else 200
    return desk.shown.page(request, "officers.html", N_("Who has what"), visit=visit, status=status, **values)


@router.post("/cases/{case_id}/reassign")
async def reassign(request: Request, visit: Annotated[Visit, may(Action.REASSIGN, find_case)]) -> Response:
    """Give a case to an officer, whoever had it. One that is restricted goes to nobody who is not named for it."""
    desk, case_id, officer = desk_of(request), *_chosen(request, visit)
    try:
        there = await acts.reassign(desk.pool, case_id, officer, visit.person.person_id, desk.clock.now())
    except acts.ShutToThemError:
        return await _listed(request, visit, problem=NOT_OPEN_TO_THEM)
    if not there:
        raise TroubleError(Trouble.MISSING)
    return RedirectResponse("/officers", status_code=303)


@router.post("/cases/{case_id}/name-officer")
async def name_officer(request: Request, visit: Annotated[Visit, may(Action.NAME_OFFICERS, find_case)]) -> Response:
    """Open a restricted case to an officer."""
    desk, case_id, officer, me = desk_of(request), *_chosen(request, visit), visit.person.person_id
    if not may_name(me, officer):
        return desk.shown.restricted(request, visit, problem=NOT_ONESELF)
    if not await acts.name_officer(desk.pool, case_id, officer, me, desk.clock.now()):
        raise TroubleError(Trouble.MISSING)
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


def _chosen(request: Request, visit: Visit) -> tuple[UUID, str]:
    """The case, and an officer of the register."""
    desk, case_id, officer = desk_of(request), case_id_of(request), visit.form.get("officer", "")
    if case_id is None or officer not in dict(desk.who_decide()):
        raise TroubleError(Trouble.FORM_REFUSED)
    return case_id, officer
