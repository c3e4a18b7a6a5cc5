"""What organisations offer, for officers and force desks: found by service, force area, language and age."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from conduit_contracts.geography import forces
from conduit_programme.forms import number
from conduit_programme.organisations import reading, rules, store, wording
from conduit_programme.organisations.pages import find_organisation, looking, the_one
from conduit_programme.organisations.rules import OrganisationOffer
from conduit_programme.pages.at_desk import acting, desk_of, id_of
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.visits import Visit, may, ones_own
from conduit_web.words import N_

router = APIRouter()
_NARROWS = ("service", "force", "language", "age")


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """One organisation with what it brings."""

    organisation_id: UUID
    name: str
    kind: str
    offer: OrganisationOffer


async def find_in_directory(request: Request, person: Person) -> Target | None:
    """The organisation of the address, which is for everybody who may look anything up."""
    return await ones_own(request, person) if await find_organisation(request, person) else None


@router.get("/directory")
async def directory(request: Request, visit: Annotated[Visit, may(Action.LOOK_UP_OFFERS)]) -> Response:
    """By name. An organisation that says nothing of what it brings is not among them."""
    given = {name: request.query_params.get(name, "").strip() for name in _NARROWS}
    wanted = {"service": given["service"], "force_id": given["force"], "language": given["language"]}
    async with acting(request, visit, looking("searched_directory")) as connection:
        everybody = await store.everybody(connection)
        offers = await store.every_offer(connection)
    rows = [
        DirectoryRow(each.organisation_id, each.name, each.kind.value, offer)
        for each in everybody
        if (offer := rules.together([written.offer for written in offers.get(each.organisation_id, [])])).says_something
        and rules.fitting(offer, **wanted, age=number(given, "age"))
    ]
    values: dict[str, Any] = {"rows": rows, "given": given, "forces": forces(), "most": store.MOST_NAMED}
    values |= {"services": wording.SERVICES, "languages": wording.LANGUAGES, "cut": len(everybody) == store.MOST_NAMED}
    heading = N_("What organisations offer")
    return desk_of(request).shown.page(request, "organisations/directory.html", heading, visit=visit, **values)


@router.get("/directory/{organisation_id}")
async def entry(request: Request, visit: Annotated[Visit, may(Action.LOOK_UP_OFFERS, find_in_directory)]) -> Response:
    """What one brings, and who to ask there."""
    desk = desk_of(request)
    async with acting(request, visit, looking("viewed_offer", id_of(request, "organisation_id"))) as connection:
        found = await the_one(connection, request)
        known = await reading.relationship(connection, found, desk.today)
    return desk.shown.page(request, "organisations/entry.html", N_("What an organisation offers"), visit=visit, known=known)
