"""A partner's own insights: you said, we did, or could not because.

What another organisation said is answered exactly as what does not exist.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_contracts.ids import uuid7
from conduit_programme import forms
from conduit_programme.advice import reading as advising
from conduit_programme.insight import fields, reading, rules, store
from conduit_programme.insight.pages import INSIGHT, the_insight
from conduit_programme.insight.rules import InsightSource, SpeakerRole
from conduit_programme.insight.store import HeardInsight
from conduit_programme.organisations import store as organisations
from conduit_programme.organisations.store import KnownOrganisation
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, or_missing
from conduit_programme.wording import day
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
HERE = "/our-insights"


async def own_organisation(connection: Connection, person: Person) -> KnownOrganisation:
    """What the person's partner is, or became part of."""
    return or_missing(await organisations.of_partner(connection, person.partner_id) if person.partner_id else None)


async def find_own(request: Request, person: Person) -> Target | None:
    """The insight of the address, where the person's own organisation told it."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "insight_id"))
        own = await own_organisation(connection, person)
    is_own = found is not None and found.organisation_id == own.organisation_id
    return Target(partner_id=person.partner_id) if is_own else None


Offering = Annotated[Visit, may(Action.OFFER_INSIGHT)]
LookingAtOwn = Annotated[Visit, may(Action.OFFER_INSIGHT, find_own)]


@router.get(HERE)
async def listed(request: Request, visit: Offering) -> Response:
    """All that was said, the newest first, each with what came of it."""
    desk, query = desk_of(request), request.query_params
    async with acting(request, visit, INSIGHT.looking("listed_insights")) as connection:
        own = await own_organisation(connection, visit.person)
        found = await store.of_organisation(connection, own.organisation_id, query.get("after"))
        rows = await reading.shown(connection, found.rows, desk.zone)
        cited = await advising.citing(connection, found.rows, drafts=False)
    values: dict[str, Any] = {"rows": rows, "cited": cited, "more": f"after={found.after}" if found.after else ""}
    heading = N_("You said, we did")
    return desk.shown.page(request, "insight/own_list.html", heading, visit=visit, days=desk.insight_answer_days, **values)


@router.get(f"{HERE}/new")
async def new(request: Request, visit: Offering) -> Response:
    """Tell the hub something."""
    return _new(request, visit, {"heard_on": day(desk_of(request).today)}, {})


@router.post(f"{HERE}/new")
async def offer(request: Request, visit: Offering) -> Response:
    """Keep it, and show by when there will be an answer."""
    desk, answers = desk_of(request), forms.read(fields.OFFER, visit.form)
    problems = fields.heard_problems(fields.OFFER, answers, desk.today)
    heard_on = forms.day(answers, "heard_on")
    if problems or heard_on is None:
        return _new(request, visit, answers, problems)
    insight_id = uuid7(desk.clock.now())
    leads_to = f"{HERE}/{insight_id}"
    async with acting(request, visit, INSIGHT.changing("offered_insight", insight_id), leads_to) as connection:
        own = await own_organisation(connection, visit.person)
        heard = HeardInsight(
            own.organisation_id,
            InsightSource.OFFERED,
            SpeakerRole(answers["speaker"]),
            heard_on,
            rules.due_on(desk.today, desk.insight_answer_days),
            answers["words"],
            insight_id=insight_id,
        )
        await store.hear(connection, heard, visit.person.person_id, desk.clock.now())
    return RedirectResponse(leads_to, status_code=303)


def _new(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    more = {
        "action": f"{HERE}/new",
        "button": N_("Tell the hub"),
        "back": HERE,
        "about": N_("If a child is in danger, call 999. A case is referred, and is not written here."),
    }
    return filled(request, visit, N_("Tell the hub something"), fields.OFFER, answers, problems, **more)


@router.get(f"{HERE}/{{insight_id}}")
async def insight(request: Request, visit: LookingAtOwn) -> Response:
    """What was said, where it stands, and what came of it."""
    desk = desk_of(request)
    async with acting(request, visit, INSIGHT.looking("viewed_insight", id_of(request, "insight_id"))) as connection:
        found = await the_insight(connection, request)
        [known] = await reading.shown(connection, [found], desk.zone)
        before = await reading.earlier(connection, found)
        cited = await advising.citing(connection, [found], drafts=False)
    heading = N_("You said, we did")
    return desk.shown.page(request, "insight/own.html", heading, visit=visit, known=known, before=before, cited=cited)
