"""For auditors: every view and act at the console, grouped or one by one. It holds codes and ids, never a case's words."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_console.pages.at_desk import desk_of, know_partners
from conduit_console.queries import audit
from conduit_console.queries.search import CalledSo, called
from conduit_web.access import Action
from conduit_web.acts import ACT_KINDS
from conduit_web.lists import list_page
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
_NARROWS = ("officer", "kind", "case")


@router.get("/trail")
async def trail(request: Request, visit: Annotated[Visit, may(Action.READ_TRAIL)]) -> Response:
    """The newest first. A case may be asked for by its partner's reference, which is content, so that no row shows one."""
    desk, query = desk_of(request), request.query_params
    given = {name: query.get(name, "").strip() for name in _NARROWS}
    accounts = desk.accounts()
    async with postgres.connection(desk.pool) as connection:
        cases = await called(connection, given["case"]) if given["case"] else []
        await know_partners(request, connection, cases)
        if len(cases) == 1:
            given["case"] = str(cases[0].referral_id)
        narrowed, problem = _narrowed(given, cases)
        found = await audit.acts(connection, narrowed, query.get("after")) if narrowed else list_page([], lambda _: ())
        grouped = [] if any(given.values()) or "after" in query else await audit.grouped_acts(connection)
    if given["officer"] and not found.rows and given["officer"] not in accounts.known:
        problem = problem or N_("There is no such account.")
    more = (
        urlencode({**{name: value for name, value in given.items() if value}, "after": found.after}) if found.after else ""
    )
    values: dict[str, Any] = {
        "found": found,
        "grouped": grouped,
        "given": given,
        "problem": problem,
        "kinds": list(ACT_KINDS),
        "people": sorted(((account, accounts.name(account)) for account in accounts.known), key=lambda each: each[1]),
        "to_choose": cases if len(cases) > 1 else [],
        "newest": audit.MOST_GROUPED,
    }
    return desk.shown.page(request, "trail.html", N_("Trail"), visit=visit, more=more, **values)


def _narrowed(given: dict[str, str], cases: Sequence[CalledSo]) -> tuple[audit.ActFilter | None, str]:
    """What is listed, and what is wrong with what was asked for. None: nothing, so that nothing passes for narrowed."""
    if given["kind"] and given["kind"] not in ACT_KINDS:
        return None, N_("There is no such kind.")
    if given["case"] and not cases:
        return None, N_("No case has this id or this reference. Give the whole of it.")
    if len(cases) > 1:
        return None, ""
    try:
        case_id = cases[0].referral_id if cases else None
        return audit.ActFilter(given["officer"] or None, given["kind"] or None, case_id), ""
    except ValueError:
        return None, N_("Narrow by an officer, a kind, both, or a case by itself.")
