"""An officer writes a decision: the form, and keeping what is in it. Nothing is sent from here."""

import json

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_console import content, decision_forms
from conduit_console.decision_forms import OfficersDecision
from conduit_console.pages.at_desk import desk_of
from conduit_console.pages.decision import draft_of, news_of, read_first, turn_of
from conduit_contracts.ids import uuid7
from conduit_web.visits import Visit


async def write_page(request: Request, visit: Visit, decision: OfficersDecision) -> Response:
    """The page on which it is written, with what was written before."""
    turn = await turn_of(request, visit, decision)
    if turn is None:
        return read_first(request)
    answers, _ = await draft_of(turn)
    return turn.page("decide.html", answers=answers, problems={}, news=await news_of(turn), is_open=turn.is_open)


async def keep(request: Request, visit: Visit, decision: OfficersDecision) -> Response:
    """Keep it, and go on to look at it where it is in order."""
    turn = await turn_of(request, visit, decision)
    if turn is None:
        return read_first(request)
    desk, answers = desk_of(request), decision_forms.read_answers(decision, visit.form, turn.now)
    problems, me = turn.problems(answers), turn.about.officer_id
    try:
        async with postgres.transaction(desk.pool) as connection:
            await content.save_draft(connection, turn.case_id, me, decision.code, json.dumps(answers), turn.now)
    except ValueError:
        problems = dict.fromkeys([decision.questions[-1].name], decision_forms.TOO_LONG)
    if problems:
        values = {"answers": answers, "problems": problems, "news": await news_of(turn)}
        return turn.page("decide.html", status=400, is_open=turn.is_open, **values)
    return RedirectResponse(turn.address("/check", key=uuid7()), status_code=303)
