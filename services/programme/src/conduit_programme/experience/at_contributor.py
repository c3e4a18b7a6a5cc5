"""What every page of a contributor stands on: who it is about, and the line of the trail."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme.experience import store
from conduit_programme.experience.store import ConsentNote, KnownContributor
from conduit_programme.forms import Answers, day
from conduit_programme.pages.at_desk import desk_of, id_of, or_missing
from conduit_programme.trail import Deed, DeedsAbout
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.visits import Visit, may

CONTRIBUTOR = DeedsAbout("contributor")


async def find_contributor(request: Request, _person: Person) -> Target | None:
    """The contributor of the address, if there is one and they are not forgotten."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "contributor_id"))
    return Target() if found else None


async def find_whoever(request: Request, _person: Person) -> Target | None:
    """The same, also once they are forgotten: who deletes them twice is answered as the first time."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.was_begun(connection, id_of(request, "contributor_id"))
    return Target() if found else None


ExperienceKeeper = Annotated[Visit, may(Action.KEEP_EXPERIENCE)]
KeeperOfContributor = Annotated[Visit, may(Action.KEEP_EXPERIENCE, find_contributor)]
KeeperOfWhoever = Annotated[Visit, may(Action.KEEP_EXPERIENCE, find_whoever)]


def viewing(request: Request) -> Deed:
    """A look at the contributor of the address."""
    return CONTRIBUTOR.looking("viewed_contributor", id_of(request, "contributor_id"))


def changing(request: Request, what: str, problems: Mapping[str, str] | None = None) -> Deed:
    """A change of them, or no more than a view where the form is not in order."""
    return CONTRIBUTOR.trying(what, id_of(request, "contributor_id"), problems)


async def the_one(connection: Connection, request: Request) -> KnownContributor:
    """The contributor of the address."""
    return or_missing(await store.find(connection, id_of(request, "contributor_id")))


async def held_one(connection: Connection, request: Request) -> KnownContributor:
    """The contributor of the address, whom nobody else changes until the transaction ends."""
    return or_missing(await store.hold(connection, id_of(request, "contributor_id")))


def address(request: Request) -> str:
    """Where the contributor's page is."""
    return f"/contributors/{id_of(request, 'contributor_id')}"


def back_to(request: Request) -> Response:
    """To their page, after a change."""
    return RedirectResponse(address(request), status_code=303)


def people(request: Request) -> dict[str, str]:
    """Accounts and names of those at the hub who may own a wellbeing check."""
    return dict(desk_of(request).accounts().who_may(Action.KEEP_EXPERIENCE))


def note_of(request: Request, visit: Visit, answers: Answers) -> ConsentNote:
    """Who said when, and that this person noted it now."""
    desk = desk_of(request)
    on_day: date = day(answers, "on_day") or desk.today
    return ConsentNote(on_day, answers["said_by"], visit.person.person_id, desk.clock.now())
