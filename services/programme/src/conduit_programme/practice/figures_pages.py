"""Practice questions in numbers, for those who look at figures. They are counted apart: none of them is a referral."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from conduit_programme.insight.quarter_pages import around, quarter_asked
from conduit_programme.pages.at_desk import acting, desk_of
from conduit_programme.practice import counting
from conduit_programme.practice.at_question import QUESTION
from conduit_web.access import Action
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()


@router.get("/practice-figures")
async def figures(request: Request, visit: Annotated[Visit, may(Action.VIEW_FIGURES)]) -> Response:
    """A quarter's questions by kind: how many, whether they were answered in time, and how they ended."""
    desk, quarter = desk_of(request), quarter_asked(request)
    async with acting(request, visit, QUESTION.looking("counted_practice_questions")) as connection:
        counts = await counting.counted(connection, quarter, desk.clock.now(), desk.zone)
    heading = N_("Practice questions in numbers")
    return desk.shown.page(request, "practice/figures.html", heading, visit=visit, counts=counts, **around(request, quarter))
