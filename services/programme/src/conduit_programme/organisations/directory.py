"""What organisations offer, for officers and force desks: found by service, force area, language and age."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from conduit_contracts.geography import forces
from conduit_programme.forms import number
from conduit_programme.organisations import reading, wording
from conduit_programme.organisations.fields import NO_AGE
from conduit_programme.organisations.found import DirectoryRow, WantedOrganisations, found
from conduit_programme.organisations.pages import ORGANISATION, find_organisation, the_one
from conduit_programme.organisations.rules import OLDEST
from conduit_programme.pages.at_desk import acting, desk_of, id_of
from conduit_web.access import Action, Target
from conduit_web.lists import ListPage
from conduit_web.people import Person
from conduit_web.visits import Visit, may, ones_own
from conduit_web.words import N_

router = APIRouter()
_NARROWS = ("service", "force", "language", "age")


async def find_in_directory(request: Request, person: Person) -> Target | None:
    """The organisation of the address, which is for everybody who may look anything up."""
    return await ones_own(request, person) if await find_organisation(request, person) else None


@router.get("/directory")
async def directory(request: Request, visit: Annotated[Visit, may(Action.LOOK_UP_OFFERS)]) -> Response:
    """By name. An organisation that says nothing of what it brings is not among them."""
    given = {name: request.query_params.get(name, "").strip() for name in _NARROWS}
    age, problem = number(given, "age"), ""
    if given["age"] and (age is None or age > OLDEST):
        problem = NO_AGE
    wanted = WantedOrganisations(given["service"], given["force"], given["language"], age)
    page: ListPage[DirectoryRow] = ListPage((), None)
    async with acting(request, visit, ORGANISATION.looking("searched_directory")) as connection:
        if not problem:
            page = await found(connection, wanted, request.query_params.get("after"))
    kept = {name: value for name, value in given.items() if value}
    more = urlencode({**kept, "after": page.after}) if page.after else ""
    values: dict[str, Any] = {"rows": page.rows, "given": given, "problem": problem, "more": more}
    values |= {"forces": forces(), "services": wording.SERVICES, "languages": wording.LANGUAGES}
    heading, status = N_("What organisations offer"), 400 if problem else 200
    return desk_of(request).shown.page(
        request, "organisations/directory.html", heading, visit=visit, status=status, **values
    )


@router.get("/directory/{organisation_id}")
async def entry(request: Request, visit: Annotated[Visit, may(Action.LOOK_UP_OFFERS, find_in_directory)]) -> Response:
    """What one brings, and who to ask there."""
    desk = desk_of(request)
    async with acting(request, visit, ORGANISATION.looking("viewed_offer", id_of(request, "organisation_id"))) as connection:
        known = await reading.relationship(connection, await the_one(connection, request), desk.today)
    return desk.shown.page(request, "organisations/entry.html", N_("What an organisation offers"), visit=visit, known=known)
