"""For auditors: every view and act at the console, grouped or one by one. It holds codes and ids, never a case's words."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_console.pages.at_desk import desk_of
from conduit_console.queries import audit
from conduit_web.access import Action
from conduit_web.acts import ACT_KINDS
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
_NARROWS = ("officer", "kind", "case")


@router.get("/trail")
async def trail(request: Request, visit: Annotated[Visit, may(Action.READ_TRAIL)]) -> Response:
    """The newest first."""
    desk, query = desk_of(request), request.query_params
    given = {name: query.get(name, "").strip() for name in _NARROWS}
    narrowed, problem = _narrowed(given)
    async with postgres.connection(desk.pool) as connection:
        found = await audit.acts(connection, narrowed, query.get("after"))
        grouped = [] if any(given.values()) or "after" in query else await audit.grouped_acts(connection)
    kept = {name: value for name, value in given.items() if value}
    values: dict[str, Any] = {
        "found": found,
        "grouped": grouped,
        "given": given,
        "problem": problem,
        "kinds": list(ACT_KINDS),
    }
    more = urlencode({**kept, "after": found.after}) if found.after else ""
    return desk.shown.page(request, "trail.html", N_("Trail"), visit=visit, more=more, newest=audit.MOST_GROUPED, **values)


def _narrowed(given: dict[str, str]) -> tuple[audit.ActFilter, str]:
    try:
        case_id = UUID(given["case"]) if given["case"] else None
        kind = given["kind"] if given["kind"] in ACT_KINDS else None
        return audit.ActFilter(given["officer"] or None, kind, case_id), ""
    except ValueError:
        return audit.EVERY_ACT, N_("Narrow by an officer, a kind, both, or a case by itself, with the case's whole id.")
