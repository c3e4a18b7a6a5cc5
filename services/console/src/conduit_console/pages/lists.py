"""Lists by what is asked: of me, of nobody yet, of forces; and all cases, narrowed or searched."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_console import desk as acts
from conduit_console import partners
from conduit_console.cases import AskedBy
from conduit_console.deciding import BY_CODE
from conduit_console.first import FirstPage, do_first
from conduit_console.following import currency
from conduit_console.pages.at_desk import desk_of, know_partners
from conduit_console.partners import NamedPartner
from conduit_console.queries import audit, duties, lists, opinions
from conduit_console.queries.news import newest, number_since
from conduit_console.queries.search import MOST_FOUND, is_too_short, search
from conduit_console.queries.unanswered import SentCommand, unanswered
from conduit_contracts.geography import forces
from conduit_contracts.notification import ReferralState
from conduit_web.access import Action, reaches_of
from conduit_web.keys import microseconds, moment
from conduit_web.lists import ROWS, ListPage, list_page
from conduit_web.people import Role
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
_NARROWS = ("state", "partner", "force", "danger")
Lister = Annotated[Visit, may(Action.LIST_CASES)]
Find = Callable[[Connection], Awaitable[ListPage[Any]]]
NEWS_ONE, NEWS = N_("1 new: load the page again"), N_("%(number)d new: load the page again")
LATE = timedelta(seconds=10)
"""What was opened shortly before a list is complete may be shown or come later: it is counted when the page is made."""
AGAIN_MS = 5_000
"""After so long a browser comes back whose stream was cut off."""
SHIFT = timedelta(hours=12)
"""For so long a duty task stays on the first page of whoever took it."""
GLASS_STANDS = timedelta(days=4)
"""For so long supervisors' first page has who broke the glass: whoever comes back after Easter still reads it there."""
NO_CASES: ListPage[lists.CaseRow] = list_page([], lambda _: ())
FEW = 10
"""So many rows of each list stand on the first page."""
_WHOSE = {
    lists.Whose.MINE: N_("Yours"),
    lists.Whose.UNCLAIMED: N_("Nobody has taken these"),
    lists.Whose.EVERYBODY: N_("Everything that waits for an officer"),
}


@router.get("/asked")
async def asked(request: Request, visit: Lister) -> Response:
    """What is asked of this person, and what nobody has taken."""
    desk, me = desk_of(request), visit.person.person_id
    now, supervises = desk.clock.now(), Role.SUPERVISOR in visit.person.roles
    async with postgres.connection(desk.pool) as connection:
        values: dict[str, Any] = {
            "currency": (current := await currency(connection, now)),
            "since": microseconds(since := current.complete_to - LATE),
            "had": number_since(await newest(connection), since, me, supervises=supervises),
            "mine": await lists.questions(connection, lists.Whose.MINE, me),
            "unclaimed": await lists.questions(connection, lists.Whose.UNCLAIMED, me),
            "without_force": await lists.without_force(connection),
            "silent": await lists.silent_forces(connection, now),
            "notices": await lists.failed_notices(connection),
            "dangers": await lists.dangers(connection),
            "duties": await duties.waiting(connection),
            "taken": await duties.taken_by(connection, me, now - SHIFT),
            "asked_of_me": await opinions.asked_of(connection, me),
            "asked_by_me": await opinions.asked_by(connection, me),
        }
        listed = FirstPage(values["mine"].rows, values["unclaimed"].rows, values["duties"].rows, values["asked_of_me"])
        sent = await unanswered(connection, _cases_of(listed.mine, listed.unclaimed, listed.duties), now)
        values["glass"] = await audit.glass_broken(connection, now - GLASS_STANDS) if supervises else []
        await know_partners(request, connection, listed.mine, listed.unclaimed, listed.duties, values["taken"])
    values["first"] = do_first(listed, _questions_of(each for each in sent if each.holds_until > now))
    values["sent_waits"] = _questions_of(sent)
    return desk.shown.page(request, "asked.html", N_("Asked of you"), visit=visit, few=FEW, rows_at_most=ROWS, **values)


def _cases_of(*rows: Iterable[lists.QuestionRow | duties.DutyTaskRow]) -> set[UUID]:
    return {each.referral_id for found in rows for each in found if each.referral_id}


def _questions_of(sent: Iterable[SentCommand]) -> set[tuple[UUID, AskedBy]]:
    """The questions to which these are answers, by case and by who asks."""
    answers = [(each.referral_id, BY_CODE.get(each.decision)) for each in sent]
    return {(case_id, answer.asked_by) for case_id, answer in answers if answer and not answer.aside}


@router.get("/asked/news", response_class=EventSourceResponse)
async def news(
    request: Request, visit: Annotated[Visit, may(Action.LIST_CASES, here=False)], since: int = 0, had: int = 0
) -> AsyncIterable[ServerSentEvent]:
    """The event stream of a page: words where there is something new since it was made, else nothing."""
    desk, look_up, told = desk_of(request), desk_of(request).shown.look_up(request), ""
    supervises = Role.SUPERVISOR in visit.person.roles
    yield ServerSentEvent(comment="listening", retry=AGAIN_MS)
    async for found in desk.news.listen(visit, Action.LIST_CASES):
        if found is None:
            yield ServerSentEvent(event="end", raw_data="")
            return
        number = number_since(found, moment(since), visit.person.person_id, supervises=supervises) - had
        words = "" if number <= 0 else look_up(NEWS_ONE) if number == 1 else look_up(NEWS) % {"number": number}
        if words != told:
            told = words
            yield ServerSentEvent(raw_data=words)


@router.get("/asked/{whose}")
async def questions(request: Request, whose: lists.Whose, visit: Lister, after: str = "") -> Response:
    """One list of questions, whole."""
    desk, me = desk_of(request), visit.person.person_id
    now = desk.clock.now()
    async with postgres.connection(desk.pool) as connection:
        found = await lists.questions(connection, whose, me, after)
        sent = await unanswered(connection, _cases_of(found.rows), now)
        values: dict[str, Any] = {"found": found, "sent_waits": _questions_of(sent)}
        current = await currency(connection, now)
        await know_partners(request, connection, found.rows)
    return desk.shown.page(request, "questions.html", _WHOSE[whose], visit=visit, currency=current, **values)


@router.get("/without-force")
async def without_force(request: Request, visit: Lister, after: str = "") -> Response:
    """What no force has."""
    return await _shown(request, visit, "cases.html", N_("No force has these"), partial(lists.without_force, after=after))


@router.get("/silent")
async def silent(request: Request, visit: Lister, after: str = "") -> Response:
    """Forces that have let a deadline pass."""
    find = partial(lists.silent_forces, now=desk_of(request).clock.now(), after=after)
    return await _shown(request, visit, "silent.html", N_("Silent forces"), find)


@router.get("/notices")
async def notices(request: Request, visit: Lister, after: str = "") -> Response:
    """Notices that could not be delivered."""
    return await _shown(
        request, visit, "notices.html", N_("Notices that failed"), partial(lists.failed_notices, after=after)
    )


@router.get("/dangers")
async def dangers(request: Request, visit: Lister, after: str = "") -> Response:
    """Danger in what could not be taken."""
    heading = N_("Danger in what could not be taken")
    return await _shown(request, visit, "dangers.html", heading, partial(lists.dangers, after=after))


async def _shown(request: Request, visit: Visit, template: str, heading: str, find: Find) -> Response:
    """One page of a list, with up to when it is complete."""
    desk = desk_of(request)
    async with postgres.connection(desk.pool) as connection:
        rows = await find(connection)
        current = await currency(connection, desk.clock.now())
        await know_partners(request, connection, rows.rows)
    return desk.shown.page(request, template, heading, visit=visit, found=rows, currency=current)


@router.get("/cases")
async def cases(request: Request, visit: Lister) -> Response:
    """All cases, narrowed as this person did last. A partner may be given by its name; of several one is chosen first."""
    desk, me, query = desk_of(request), visit.person.person_id, request.query_params
    given = {name: query.get(name, "").strip() for name in _NARROWS}
    async with postgres.connection(desk.pool) as connection:
        if "narrow" not in query and "after" not in query:
            given |= await acts.remembered(connection, me, "cases")
        meant = await partners.meant(connection, given["partner"]) if given["partner"] else []
        given |= {"partner": meant[0].partner_id} if len(meant) == 1 else {}
        narrowed, problem = _narrowed(given, meant)
        rows = await lists.cases(connection, narrowed, query.get("after")) if narrowed else NO_CASES
        current = await currency(connection, desk.clock.now())
        said = await partners.as_meant(connection, meant[0]) if len(meant) == 1 else given["partner"]
        await know_partners(request, connection, rows.rows)
    kept = {name: value for name, value in given.items() if value}
    if "narrow" in query and narrowed and not problem:
        await acts.remember(desk.pool, me, "cases", kept, desk.clock.now())
    values: dict[str, Any] = {"given": given, "problem": problem, "states": list(ReferralState), "forces": forces()}
    values["more"] = urlencode({**kept, "after": rows.after}) if rows.after else ""
    values |= {"said": said, "to_choose": _to_choose(given, meant) if len(meant) > 1 else []}
    return desk.shown.page(request, "cases.html", N_("Cases"), visit=visit, found=rows, currency=current, **values)


@router.get("/search")
async def find(request: Request, visit: Lister, q: str = "") -> Response:
    """By reference, or a partner by its name. One case that is found leads there."""
    desk = desk_of(request)
    async with postgres.connection(desk.pool) as connection:
        rows, more = await search(connection, q)
        called = [] if is_too_short(q) else await partners.called(connection, q.strip())
        await know_partners(request, connection, rows)
    if len(rows) == 1 and not called and reaches_of(Action.VIEW_CASE, visit.person):
        return RedirectResponse(f"/cases/{rows[0].referral_id}", status_code=303)
    values: dict[str, Any] = {
        "rows": rows,
        "partners": called,
        "more": more,
        "q": q,
        "most": MOST_FOUND,
        "too_short": bool(q) and is_too_short(q),
    }
    return desk.shown.page(request, "search.html", N_("Search by reference or partner"), visit=visit, **values)


def _narrowed(given: Mapping[str, str], meant: Sequence[NamedPartner]) -> tuple[lists.CaseFilter | None, str]:
    """What a list is narrowed to, and what is wrong with what was asked for. None: nothing, so that nothing passes for
    narrowed."""
    state = ReferralState(given["state"]) if given["state"] in set(ReferralState) else None
    try:
        narrowed = lists.CaseFilter(state, given["partner"] or None, given["force"] or None, bool(given["danger"]))
    except ValueError:
        return lists.EVERY_CASE, N_("Choose a partner or a force, not both; and immediate danger by itself.")
    if given["partner"] and not meant:
        return None, N_("No partner is called so. Give a part of its name, or its id.")
    return (narrowed, "") if len(meant) <= 1 else (None, "")


def _to_choose(given: Mapping[str, str], meant: Sequence[NamedPartner]) -> list[tuple[str, str]]:
    """The partners that may be meant, each with the address of its list."""
    kept = {name: value for name, value in given.items() if value}
    return [(each.name, f"/cases?{urlencode({'narrow': 1, **kept, 'partner': each.partner_id})}") for each in meant]
