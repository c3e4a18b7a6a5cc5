"""Second opinions: an officer asks another before something is decided, and reads what they think. So may a supervisor."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_chassis.trail import uuid_in
from conduit_console import content, deciding, decision_forms
from conduit_console import opinions as acts
from conduit_console.decision_forms import Answers, OfficersDecision
from conduit_console.desk import look_at_opinions
from conduit_console.following import currency
from conduit_console.opinions import AskedOpinion, GivenOpinion, OpinionAnswer
from conduit_console.pages.at_desk import case_id_of, desk_of, find_case, the_case
from conduit_console.queries import opinions
from conduit_console.queries.case import CaseAtHand, seen_version
from conduit_console.queries.opinions import OpinionRow
from conduit_console.queries.sent import has_news
from conduit_contracts.ids import uuid7
from conduit_web.access import Action
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may, typed
from conduit_web.words import N_

router = APIRouter()
Asker = Annotated[Visit, may(Action.ASK_SECOND_OPINION, find_case)]
Giver = Annotated[Visit, may(Action.GIVE_SECOND_OPINION, find_case)]
SAY_WHAT = N_("Write what the other officer should look at.")
CHOOSE_ABOUT = N_("Choose what it is about.")
NOT_OPEN_TO_THEM = N_("This case is not open to them. Ask a supervisor to open it to them first.")
SAY_WHETHER = N_("Choose whether you agree.")
SAY_WHY = N_("Write why, so that the other officer can judge it.")
ASK, YOUR_OPINION = N_("Ask for a second opinion"), N_("Your second opinion")


@router.get("/opinions")
async def waiting(request: Request, visit: Annotated[Visit, may(Action.LIST_CASES)]) -> Response:
    """What others ask of this person, and what this person asked."""
    desk, me = desk_of(request), visit.person.person_id
    async with postgres.connection(desk.pool) as connection:
        values: dict[str, Any] = {
            "currency": await currency(connection, desk.clock.now()),
            "asked_of_me": await opinions.asked_of(connection, me),
            "asked_by_me": await opinions.asked_by(connection, me),
        }
    return desk.shown.page(request, "opinions.html", N_("Second opinions"), visit=visit, **values)


@router.get("/cases/{case_id}/opinions/ask")
async def write_question(request: Request, visit: Asker, about: str = "") -> Response:
    """Of whom, about what?"""
    return await _asking(request, visit, {"about": about})


@router.post("/cases/{case_id}/opinions/ask")
async def ask(request: Request, visit: Asker) -> Response:
    """It stands in the case and on the other's first page."""
    desk, found, form, me = desk_of(request), await the_case(request), visit.form, visit.person.person_id
    given = {name: typed(form, name) for name in ("about", "of", "question")}
    problems = _problems_of_question(request, found, given, me)
    key = uuid_in(form.get("key", ""))
    if problems or key is None:
        return await _asking(request, visit, given, problems)
    async with postgres.connection(desk.pool) as connection:
        draft = await content.draft(connection, found.case.referral_id, me, given["about"])
    about, of, question = given["about"], given["of"] or None, given["question"]
    asked = AskedOpinion(key, found.case.referral_id, about, me, of, question, draft.text if draft else None)
    try:
        await acts.ask(desk.pool, asked, desk.clock.now())
    except ValueError:
        return await _asking(request, visit, given, {"question": decision_forms.TOO_LONG})
    return RedirectResponse(f"/cases/{found.case.referral_id}", status_code=303)


@router.get("/cases/{case_id}/opinions/{opinion_id}")
async def read_question(request: Request, visit: Giver) -> Response:
    """What is asked, what the other would send, and the form for the answer."""
    return await _giving(request, visit, {})


@router.post("/cases/{case_id}/opinions/{opinion_id}")
async def give(request: Request, visit: Giver) -> Response:
    """The other reads it at once."""
    desk, case_id, form = desk_of(request), case_id_of(request), visit.form
    given = {name: typed(form, name) for name in ("answer", "why")}
    problems = {"answer": SAY_WHETHER} if given["answer"] not in set(OpinionAnswer) else {}
    if not given["why"]:
        problems["why"] = SAY_WHY
    elif len(given["why"]) > decision_forms.MOST_WORDS:
        problems["why"] = decision_forms.TOO_LONG
    opinion_id = uuid_in(request.path_params["opinion_id"])
    if problems or case_id is None or opinion_id is None:
        return await _giving(request, visit, given, problems)
    said = OpinionAnswer(given["answer"])
    opinion = GivenOpinion(opinion_id, case_id, visit.person.person_id, said, given["why"])
    if not await acts.answer(desk.pool, opinion, desk.clock.now()):
        return await _giving(request, visit, given)
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


@router.post("/cases/{case_id}/opinions/{opinion_id}/withdraw")
async def withdraw(request: Request, visit: Asker) -> Response:
    """It is asked no more, and is taken off the other officer's list."""
    desk, case_id, opinion_id = desk_of(request), case_id_of(request), uuid_in(request.path_params["opinion_id"])
    if case_id is None or opinion_id is None:
        raise TroubleError(Trouble.MISSING)
    await acts.withdraw(desk.pool, case_id, opinion_id, visit.person.person_id, desk.clock.now())
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


async def with_words(
    connection: Connection, found: Sequence[OpinionRow]
) -> list[tuple[OpinionRow, OfficersDecision | None, dict[str, Any]]]:
    """Each with the decision that it is about, and what was written. Note the view before, or have `read_noted` do so."""
    words = await content.opinions(connection, [each.opinion_id for each in found])
    return [(each, deciding.BY_CODE.get(each.about), _read(words[each.opinion_id])) for each in found]


async def read_noted(
    request: Request, visit: Visit, found: Sequence[OpinionRow]
) -> list[tuple[OpinionRow, OfficersDecision | None, dict[str, Any]]]:
    """The same for a page that is not the case's: nobody's words are read before the view of them is committed."""
    desk, case_id = desk_of(request), case_id_of(request)
    if not found or case_id is None:
        return []
    await look_at_opinions(desk.pool, case_id, visit.person.person_id, desk.clock.now())
    async with postgres.connection(desk.pool) as connection:
        return await with_words(connection, found)


def _read(parts: dict[str, str]) -> dict[str, Any]:
    draft: Answers | None = json.loads(parts["draft"]) if "draft" in parts else None
    return {**parts, "draft": draft}


def _problems_of_question(request: Request, found: CaseAtHand, given: dict[str, str], me: str) -> dict[str, str]:
    problems: dict[str, str] = {}
    if given["about"] not in {each.code for each in _open(request, found)}:
        problems["about"] = CHOOSE_ABOUT
    if given["of"] and given["of"] not in dict(_others(request, me)):
        raise TroubleError(Trouble.FORM_REFUSED)
    if given["of"] and found.case.kept_from and given["of"] not in found.named:
        problems["of"] = NOT_OPEN_TO_THEM
    if not given["question"]:
        problems["question"] = SAY_WHAT
    elif len(given["question"]) > decision_forms.MOST_WORDS:
        problems["question"] = decision_forms.TOO_LONG
    return problems


async def _asking(request: Request, visit: Visit, given: dict[str, str], problems: dict[str, str] | None = None) -> Response:
    desk, found, me = desk_of(request), await the_case(request), visit.person.person_id
    values: dict[str, Any] = {"case": found.case, "given": given, "problems": problems or {}, "key": uuid7()}
    values |= {"decisions": _open(request, found), "others": _others(request, me)}
    status = 400 if problems else 200
    return desk.shown.page(request, "opinion_ask.html", ASK, visit=visit, status=status, **values)


async def _giving(request: Request, visit: Visit, given: dict[str, str], problems: dict[str, str] | None = None) -> Response:
    desk, found, opinion_id = desk_of(request), await the_case(request), uuid_in(request.path_params["opinion_id"])
    me, case_id = visit.person.person_id, found.case.referral_id
    async with postgres.connection(desk.pool) as connection:
        rows = await opinions.of_case(connection, case_id)
        unread = await has_news(connection, case_id, await seen_version(connection, case_id, me), desk.clock.now(), me)
    shown = await read_noted(request, visit, [each for each in rows if each.opinion_id == opinion_id])
    if not shown:
        raise TroubleError(Trouble.MISSING)
    ((opinion, decision, words),) = shown
    may_give = opinion.waits_for(me)
    values: dict[str, Any] = {"case": found.case, "opinion": opinion, "decision": decision, "words": words}
    values |= {"given": given, "problems": problems or {}, "may_give": may_give, "unread": unread}
    status = 400 if problems else 200
    return desk.shown.page(request, "opinion_give.html", YOUR_OPINION, visit=visit, status=status, **values)


def _open(request: Request, found: CaseAtHand) -> list[OfficersDecision]:
    now = desk_of(request).clock.now()
    return [each for each in deciding.DECISIONS if not each.aside and each.fits(found.case, now)]


def _others(request: Request, me: str) -> list[tuple[str, str]]:
    return [(account, name) for account, name in desk_of(request).who_decide() if account != me]
