"""The first page of everybody: where their role leads."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_console.pages.at_desk import desk_of
from conduit_web.access import Action, reaches_of
from conduit_web.visits import Visit, may

router = APIRouter()


@router.get("/")
async def home(request: Request, visit: Annotated[Visit, may(Action.MANAGE_OWN_SESSIONS)]) -> Response:
    """To the first page that the person may see."""
    for action, address in ((Action.LIST_CASES, "/asked"), (Action.READ_TRAIL, "/trail")):
        if reaches_of(action, visit.person):
            return RedirectResponse(address, status_code=303)
    return desk_of(request).shown.nothing_here(request, visit)
