"""The first page of everybody: where their role leads."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_programme.pages.at_desk import desk_of
from conduit_web.access import Action, reaches_of
from conduit_web.visits import Visit, may

router = APIRouter()
FIRST = (
    (Action.MANAGE_ENGAGEMENT, "/due"),
    (Action.TAKE_PART, "/ours"),
    (Action.ANSWER_PRACTICE_QUESTION, "/practice-questions"),
    (Action.ASK_PRACTICE_QUESTION, "/our-questions"),
    (Action.JOIN_PRACTICE_QUESTION, "/questions-to-us"),
    (Action.LOOK_UP_OFFERS, "/directory"),
    (Action.MANAGE_PAYMENTS, "/payments"),
    (Action.READ_EXPERIENCE, "/lived-experience"),
    (Action.READ_TRAIL, "/trail"),
)
"""Where who may do this begins, the first that fits."""


@router.get("/")
async def home(request: Request, visit: Annotated[Visit, may(Action.MANAGE_OWN_SESSIONS)]) -> Response:
    """To the first page that the person may see."""
    for action, address in FIRST:
        if reaches_of(action, visit.person):
            return RedirectResponse(address, status_code=303)
    return desk_of(request).shown.nothing_here(request, visit)
