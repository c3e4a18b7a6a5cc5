"""For auditors: every view and act at this desk, the newest first. It holds codes and ids, never anybody's words."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_programme import trail
from conduit_programme.pages.at_desk import desk_of
from conduit_programme.trail import DeedFilter
from conduit_web.access import Action
from conduit_web.acts import ACT_KINDS
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
_NARROWS = ("account", "kind", "about")


@router.get("/trail")
async def shown(request: Request, visit: Annotated[Visit, may(Action.READ_TRAIL)]) -> Response:
    """One by one."""
    desk, query = desk_of(request), request.query_params
    given = {name: query.get(name, "").strip() for name in _NARROWS}
    narrowed, problem = _narrowed(given)
    async with postgres.connection(desk.pool) as connection:
        found = await trail.deeds(connection, narrowed, query.get("after"))
    kept = {name: value for name, value in given.items() if value}
    more = urlencode({**kept, "after": found.after}) if found.after else ""
    values: dict[str, Any] = {"found": found, "given": given, "problem": problem, "kinds": list(ACT_KINDS)}
    return desk.shown.page(request, "trail.html", N_("Trail"), visit=visit, more=more, **values)


def _narrowed(given: dict[str, str]) -> tuple[DeedFilter, str]:
    try:
        about_id = UUID(given["about"]) if given["about"] else None
        kind = given["kind"] if given["kind"] in ACT_KINDS else None
        return DeedFilter(given["account"] or None, kind, about_id), ""
    except ValueError:
        return trail.EVERY_DEED, N_("Narrow by a person, a kind, both, or by the whole id of one thing by itself.")
