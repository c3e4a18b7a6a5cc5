"""Insights, for the hub: what waits for an answer, what was heard, and what came of it. Every insight is to be answered."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms, seen
from conduit_programme.advice import reading as advising
from conduit_programme.engagement import store as engagement
from conduit_programme.engagement.rules import Activity
from conduit_programme.forms import TypedAnswers
from conduit_programme.four_ps import FourPs
from conduit_programme.insight import fields, reading, rules, store
from conduit_programme.insight.rules import InsightOutcome, InsightSource, KnownInsight, SpeakerRole
from conduit_programme.insight.said import InsightAnswerWords
from conduit_programme.insight.store import HeardInsight
from conduit_programme.organisations import choosing
from conduit_programme.organisations.choosing import OfferedOrganisations
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, or_missing
from conduit_programme.rules import LastChange
from conduit_programme.trail import DeedsAbout, OvertakenError, UnchangedError
from conduit_programme.wording import day
from conduit_web.access import Action, Target
from conduit_web.keys import identity
from conduit_web.people import Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
INSIGHT = DeedsAbout("insight")


async def find_insight(request: Request, _person: Person) -> Target | None:
    """The insight of the address, if there is one."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "insight_id"))
    return Target() if found else None


Considering = Annotated[Visit, may(Action.CONSIDER_INSIGHT)]
ConsideringOne = Annotated[Visit, may(Action.CONSIDER_INSIGHT, find_insight)]


async def the_insight(connection: Connection, request: Request) -> KnownInsight:
    """The insight of the address."""
    return or_missing(await store.find(connection, id_of(request, "insight_id")))


def address(insight_id: UUID) -> str:
    """Where its page is."""
    return f"/insights/{insight_id}"


def back_to(insight_id: UUID) -> Response:
    """To its page, after a change."""
    return RedirectResponse(address(insight_id), status_code=303)


@router.get("/insights")
async def listed(request: Request, visit: Considering) -> Response:
    """Those that wait for an answer, the most pressing first; or those that have one."""
    desk, query = desk_of(request), request.query_params
    answered = query.get("which") == "answered"
    async with acting(request, visit, INSIGHT.looking("listed_insights")) as connection:
        found = await (store.answered if answered else store.waiting)(connection, query.get("after"))
        rows = await reading.shown(connection, found.rows, desk.zone)
    which = "which=answered&" if answered else ""
    more = f"{which}after={found.after}" if found.after else ""
    values: dict[str, Any] = {"rows": rows, "answered": answered, "more": more}
    return desk.shown.page(request, "insight/list.html", N_("Insights"), visit=visit, **values)


@router.get("/insights/new")
async def new(request: Request, visit: Considering) -> Response:
    """Write down what was heard."""
    desk = desk_of(request)
    async with postgres.connection(desk.pool) as connection:
        heard_in = await _heard_in(connection, request)
        known = await choosing.offered(connection, {}, heard_in.organisation_ids if heard_in else ())
    answers = {"heard_on": day(min(heard_in.held_on, desk.today) if heard_in else desk.today)}
    if heard_in and len(heard_in.organisation_ids) == 1:
        answers["organisation"] = str(heard_in.organisation_ids[0])
    return _new(request, visit, known, answers, {})


@router.post("/insights/new")
async def note(request: Request, visit: Considering) -> Response:
    """Keep it, and go to its page."""
    desk = desk_of(request)
    async with postgres.connection(desk.pool) as connection:
        known, heard_in = await choosing.offered(connection, visit.form), await _heard_in(connection, request)
    asked = fields.note(known)
    answers = forms.read(asked, visit.form)
    if forms.is_search(visit.form):
        return _new(request, visit, known, answers, {})
    problems = fields.heard_problems(asked, answers, desk.today)
    heard_on = forms.day(answers, "heard_on")
    if problems or heard_on is None:
        return _new(request, visit, known, answers, problems)
    heard = HeardInsight(
        UUID(answers["organisation"]),
        InsightSource.NOTED,
        SpeakerRole(answers["speaker"]),
        heard_on,
        rules.due_on(desk.today, desk.insight_answer_days),
        answers["words"],
        heard_in.activity_id if heard_in else None,
    )
    deed, leads_to = INSIGHT.changing("noted_insight", heard.insight_id), address(heard.insight_id)
    async with acting(request, visit, deed, leads_to) as connection:
        await store.hear(connection, heard, visit.person.person_id, desk.clock.now())
    return back_to(heard.insight_id)


async def _heard_in(connection: Connection, request: Request) -> Activity | None:
    """The activity of the address in which it was heard, if it names one that there is."""
    asked = request.query_params.get("activity")
    found = await engagement.find(connection, identity(asked)) if asked else None
    if asked and found is None:
        raise TroubleError(Trouble.MISSING)
    return found


def _new(
    request: Request, visit: Visit, known: OfferedOrganisations, answers: forms.Answers, problems: forms.Answers
) -> Response:
    asked = request.query_params.get("activity")
    action = f"/insights/new?activity={identity(asked)}" if asked else "/insights/new"
    back = f"/activities/{identity(asked)}" if asked else "/insights"
    more = {"action": action, "button": N_("Keep this"), "back": back}
    return filled(request, visit, N_("Write down what was heard"), fields.note(known), answers, problems, **more)


@router.get("/insights/{insight_id}")
async def insight(request: Request, visit: ConsideringOne) -> Response:
    """What was said, what came of it, and what to do next."""
    return await _insight(request, visit, {})


async def _insight(request: Request, visit: Visit, problems: forms.Answers) -> Response:
    desk = desk_of(request)
    async with acting(request, visit, INSIGHT.looking("viewed_insight", id_of(request, "insight_id"))) as connection:
        found = await the_insight(connection, request)
        [known] = await reading.shown(connection, [found], desk.zone)
        before = await reading.earlier(connection, found)
        cited = await advising.citing(connection, [found], drafts=True)
    values = {"known": known, "before": before, "fields": fields.CONSIDER, "problems": problems, "cited": cited}
    status = 400 if problems else 200
    return desk.shown.page(request, "insight/insight.html", N_("Insight"), visit=visit, status=status, **values)


@router.post("/insights/{insight_id}/consider")
async def consider(request: Request, visit: ConsideringOne) -> Response:
    """Take it in hand, as something of one of the four Ps."""
    answers = forms.read(fields.CONSIDER, visit.form)
    problems = forms.problems(fields.CONSIDER, answers)
    if problems:
        return await _insight(request, visit, problems)
    async with acting(request, visit, INSIGHT.changing("considered_insight", id_of(request, "insight_id"))) as connection:
        one, four_p = id_of(request, "insight_id"), FourPs(answers["four_p"])
        if not await store.consider(connection, one, four_p, visit.person.person_id, desk_of(request).clock.now()):
            found = await the_insight(connection, request)
            as_wanted = found.four_p is four_p
            raise OvertakenError(address(one), by=("considered_insight",), as_wanted=as_wanted)
    return back_to(one)


@router.get("/insights/{insight_id}/answer")
async def answering(request: Request, visit: ConsideringOne) -> Response:
    """What came of it."""
    async with acting(request, visit, INSIGHT.looking("viewed_insight", id_of(request, "insight_id"))) as connection:
        found = await the_insight(connection, request)
    return _considered(found) or _answering(request, visit, found, {}, {})


@router.post("/insights/{insight_id}/answer")
async def answer(request: Request, visit: ConsideringOne) -> Response:
    """Say so to the organisation that told the hub."""
    desk, answers = desk_of(request), forms.read(fields.ANSWER, visit.form)
    problems = fields.answer_problems(answers, desk.today)
    deed = INSIGHT.trying("answered_insight", id_of(request, "insight_id"), problems)
    typed = TypedAnswers(fields.ANSWER, answers)
    async with acting(request, visit, deed, address(id_of(request, "insight_id")), typed=typed) as connection:
        found = or_missing(await store.hold(connection, id_of(request, "insight_id")))
        if not problems:
            await _keep_answer(connection, found, visit, answers, request)
    return _answering(request, visit, found, answers, problems) if problems else back_to(found.insight_id)


async def _keep_answer(
    connection: Connection, found: KnownInsight, visit: Visit, answers: forms.Answers, request: Request
) -> None:
    here, last = address(found.insight_id), found.answer
    before = LastChange(last.answered_by, "answered_insight", last.answered_at) if last else None
    seen.must_stand(visit, _answered(found), None, OvertakenError(here, again=f"{here}/answer", last=before))
    outcome = InsightOutcome(answers["outcome"])
    changed = outcome is InsightOutcome.CHANGED
    said = InsightAnswerWords(words=answers["words"], evidence=answers["evidence"] if changed else "")
    on = forms.day(answers, "changed_on") if changed else None
    by, now = visit.person.person_id, desk_of(request).clock.now()
    if not await store.answer(connection, found.insight_id, outcome, on, said, by=by, now=now):
        raise TroubleError(Trouble.FORM_REFUSED)


def _answered(found: KnownInsight) -> forms.Answers:
    """How often it was answered."""
    return {"number": str(found.answer.number)} if found.answer else {}


def _considered(found: KnownInsight) -> Response | None:
    """Back to its page, where somebody is first to say that they consider it."""
    return None if found.considered_at else back_to(found.insight_id)


def _answering(
    request: Request, visit: Visit, found: KnownInsight, answers: forms.Answers, problems: forms.Answers
) -> Response:
    back = address(found.insight_id)
    more = {
        "action": f"{back}/answer",
        "button": N_("Answer"),
        "back": back,
        "about": N_("What you write is on their page at once."),
        "mark": seen.hidden_mark(_answered(found), visit),
    }
    return filled(request, visit, N_("What came of it"), fields.ANSWER, answers, problems, **more)


@router.post("/insights/{insight_id}/erase")
async def erase(request: Request, visit: ConsideringOne) -> Response:
    """Delete what was said, because it names somebody. It is gone from every page on the next read."""
    async with acting(request, visit, INSIGHT.changing("erased_insight", id_of(request, "insight_id"))) as connection:
        found = await the_insight(connection, request)
        if not await store.erase(connection, found.insight_id):
            raise UnchangedError
    return back_to(found.insight_id)
