"""What people told, for those who work with the hub: quotes without a name, and releases. Only what they agree to now."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_contracts.ids import uuid7
from conduit_programme import forms
from conduit_programme.experience import fields, reading, released, store
from conduit_programme.experience.at_contributor import ExperienceKeeper
from conduit_programme.experience.rules import ConsentPurpose
from conduit_programme.forms import Answers
from conduit_programme.pages.at_desk import acting, desk_of, id_of, or_missing, with_form
from conduit_programme.trail import Deed
from conduit_web.access import Action, Target
from conduit_web.acts import ActKind
from conduit_web.people import Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may, ones_own
from conduit_web.words import N_

router = APIRouter()


async def find_release(request: Request, person: Person) -> Target | None:
    """The release of the address, which is for everybody who may read what is told."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await released.find(connection, id_of(request, "release_id"))
    return await ones_own(request, person) if found else None


@router.get("/lived-experience")
async def told(request: Request, visit: Annotated[Visit, may(Action.READ_EXPERIENCE)]) -> Response:
    """Releases, and what else may be quoted."""
    query = request.query_params
    async with acting(request, visit, Deed(ActKind.CONSULTATION, "viewed_told")) as connection:
        releases = await released.newest(connection, query.get("releases"))
        titles = await released.titles(connection, releases.rows)
        found = await store.newest_quotes(connection, query.get("after"))
        quotes = await reading.words(connection, found.rows, ConsentPurpose.QUOTE)
    values: dict[str, Any] = {"releases": releases, "titles": titles, "quotes": quotes, "found": found}
    heading = N_("What people with lived experience tell")
    return desk_of(request).shown.page(request, "experience/told.html", heading, visit=visit, **values)


@router.get("/releases/new")
async def new(request: Request, visit: ExperienceKeeper) -> Response:
    """Which quotes are published together: each is read in full before."""
    quotes, after = await _publishable(request, visit)
    return _new(request, visit, quotes, after, {}, {})


@router.post("/releases/new")
async def publish(request: Request, visit: ExperienceKeeper) -> Response:
    """Publish what is still agreed to at this moment."""
    desk = desk_of(request)
    quotes, after = await _publishable(request, visit)
    asked = fields.of_release(quotes)
    answers = forms.read(asked, visit.form)
    problems = forms.problems(asked, answers)
    if problems:
        return _new(request, visit, quotes, after, answers, problems)
    chosen = [UUID(each) for each in forms.chosen(answers, "quotes")]
    by, now = visit.person.person_id, desk.clock.now()
    one = uuid7(now)
    deed, leads_to = Deed(ActKind.DISCLOSURE, "published_release", "release", one), f"/releases/{one}"
    async with acting(request, visit, deed, leads_to) as connection:
        await released.hold_contributors(connection, chosen)
        kept = await store.quotes(connection, chosen)
        if len(await reading.words(connection, kept.values(), ConsentPurpose.PUBLISH)) < len(chosen):
            raise TroubleError(Trouble.FORM_REFUSED)
        await released.publish(connection, answers["title"], chosen, by, now, one)
    return RedirectResponse(leads_to, status_code=303)


async def _publishable(request: Request, visit: Visit) -> tuple[dict[str, str], str | None]:
    async with acting(request, visit, Deed(ActKind.CONSULTATION, "viewed_told")) as connection:
        quotes, after = await reading.publishable(connection, request.query_params.get("after"))
    return {str(quote_id): words for quote_id, words in quotes.items()}, after


def _new(
    request: Request, visit: Visit, quotes: dict[str, str], after: str | None, answers: Answers, problems: Answers
) -> Response:
    # What was on this page is on it again when the form comes back.
    more = {"quotes": quotes, "after": after, "here": str(request.url.query)}
    template, heading, asked = "experience/release_new.html", N_("A new release"), fields.of_release(quotes)
    return with_form(request, visit, template, heading, asked, answers, problems, **more)


@router.get("/releases/{release_id}")
async def release(request: Request, visit: Annotated[Visit, may(Action.READ_EXPERIENCE, find_release)]) -> Response:
    """What is left of it. A gap is named."""
    one = id_of(request, "release_id")
    async with acting(request, visit, Deed(ActKind.CONSULTATION, "viewed_release", "release", one)) as connection:
        known = or_missing(await released.find(connection, one))
        shown = await reading.release(connection, known)
    return desk_of(request).shown.page(
        request, "experience/release.html", N_("A release of what people tell"), visit=visit, shown=shown
    )
