"""Engagement, for the hub's engagement officers and lead: what was done, and logging it on one screen."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_contracts.ids import uuid7
from conduit_programme import forms, seen
from conduit_programme.engagement import exports, fields, reading, store
from conduit_programme.engagement.fields import LogChoices
from conduit_programme.engagement.rules import NEXT_STEP_WITHIN, Activity, ActivityState, StepState
from conduit_programme.engagement.said import ActivityWords
from conduit_programme.forms import TypedAnswers
from conduit_programme.organisations import choosing
from conduit_programme.organisations import store as organisations
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, or_missing, with_form
from conduit_programme.trail import Deed, DeedsAbout, OvertakenError
from conduit_programme.wording import day
from conduit_web.access import Action, Target
from conduit_web.acts import ActKind
from conduit_web.html import force_name
from conduit_web.people import Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
ACTIVITY, STEP = DeedsAbout("activity"), DeedsAbout("step")


async def find_activity(request: Request, _person: Person) -> Target | None:
    """The activity of the address, if there is one."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "activity_id"))
    return Target() if found else None


async def find_step(request: Request, _person: Person) -> Target | None:
    """The next step of the address, if there is one."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find_step(connection, id_of(request, "step_id"))
    return Target() if found else None


Keeper = Annotated[Visit, may(Action.MANAGE_ENGAGEMENT)]
KeeperOfOne = Annotated[Visit, may(Action.MANAGE_ENGAGEMENT, find_activity)]
KeeperOfStep = Annotated[Visit, may(Action.MANAGE_ENGAGEMENT, find_step)]


async def the_activity(connection: Connection, request: Request) -> Activity:
    """The activity of the address."""
    return or_missing(await store.find(connection, id_of(request, "activity_id")))


def address(activity_id: UUID) -> str:
    """Where its page is."""
    return f"/activities/{activity_id}"


def back_to(activity_id: UUID) -> Response:
    """To its page, after a change."""
    return RedirectResponse(address(activity_id), status_code=303)


@router.get("/activities")
async def listed(request: Request, visit: Keeper, after: str = "") -> Response:
    """The latest first."""
    async with acting(request, visit, ACTIVITY.looking("listed_activities")) as connection:
        found = await store.newest(connection, after)
        rows = await reading.shown(connection, found.rows)
    values: dict[str, Any] = {"rows": rows, "after": found.after}
    return desk_of(request).shown.page(request, "engagement/list.html", N_("Activities"), visit=visit, **values)


async def known_for(
    connection: Connection, request: Request, form: Mapping[str, str], also: Iterable[UUID] = ()
) -> LogChoices:
    """Whom a form may name: whom it names by now, `also` these, and others."""
    people = desk_of(request).accounts().who_may(Action.MANAGE_ENGAGEMENT)
    return LogChoices(await choosing.offered(connection, form, also), people)


@router.get("/activities/new")
async def new(request: Request, visit: Keeper) -> Response:
    """One screen: eight questions, most of them answered."""
    desk, given = desk_of(request), request.query_params.get("with", "")
    async with postgres.connection(desk.pool) as connection:
        known = await known_for(connection, request, request.query_params)
    chosen = given if given in known.named else ""
    answers = {
        "held_on": day(desk.today),
        "with": chosen,
        "owner": f"{fields.HUB}{visit.person.person_id}",
        "due_on": day(desk.today + NEXT_STEP_WITHIN),
    }
    return _log(request, visit, known, answers, {})


@router.post("/activities/new")
async def log(request: Request, visit: Keeper) -> Response:
    """Keep it, with what is next."""
    desk, now = desk_of(request), desk_of(request).clock.now()
    async with postgres.connection(desk.pool) as connection:
        known = await known_for(connection, request, visit.form)
    asked = fields.log_fields(known, {})
    answers = forms.read(asked, visit.form)
    problems = {} if forms.is_search(visit.form) else fields.log_problems(asked, answers, desk.today)
    if problems or forms.is_search(visit.form):
        return _log(request, visit, known, answers, problems)
    activity = fields.activity(uuid7(now), answers, desk.today, visit.person.person_id)
    leads_to = address(activity.activity_id)
    async with acting(request, visit, ACTIVITY.changing("logged_activity", activity.activity_id), leads_to) as connection:
        await store.put(connection, activity, ActivityWords(outcome=answers["outcome"]), activity.logged_by, now)
        await _add_step(connection, request, activity.activity_id, answers, joint=False)
    return back_to(activity.activity_id)


async def _add_step(
    connection: Connection, request: Request, activity_id: UUID, answers: forms.Answers, *, joint: bool
) -> None:
    due_on = forms.day(answers, "due_on")
    if answers["next"] and due_on:
        owner, now = fields.owner_of(answers), desk_of(request).clock.now()
        await store.add_step(connection, activity_id, answers["next"], owner, due_on, joint=joint, now=now)


def _log(
    request: Request, visit: Visit, known: LogChoices, answers: Mapping[str, str], problems: Mapping[str, str]
) -> Response:
    asked = fields.log_fields(known, answers)
    return with_form(request, visit, "engagement/log.html", N_("Log an activity"), asked, answers, problems)


@router.get("/activities/{activity_id}")
async def activity(request: Request, visit: KeeperOfOne) -> Response:
    """What was done, what came of it, and what is next."""
    async with acting(request, visit, ACTIVITY.looking("viewed_activity", id_of(request, "activity_id"))) as connection:
        (found,) = await reading.shown(connection, [await the_activity(connection, request)])
        names = await organisations.names(
            connection, {step.step.owner.organisation_id for step in found.steps if step.step.owner.organisation_id}
        )
        joined = {one.removeprefix("partner.") for step in found.steps for one in step.step.members}
        partners = await organisations.names_of_partners(connection, joined)
    values: dict[str, Any] = {"found": found, "names": names, "partners": partners}
    return desk_of(request).shown.page(request, "engagement/activity.html", N_("Activity"), visit=visit, **values)


@router.get("/activities/{activity_id}/change")
async def changed(request: Request, visit: KeeperOfOne) -> Response:
    """The same questions, without the next step; and who was there."""
    async with acting(request, visit, ACTIVITY.looking("viewed_activity", id_of(request, "activity_id"))) as connection:
        found = await the_activity(connection, request)
        said = (await store.words(connection, [found])).get(found.activity_id, ActivityWords())
        known = await known_for(connection, request, {}, found.organisation_ids)
    return _change(request, visit, found, known, fields.written(found, said), {})


@router.post("/activities/{activity_id}/change")
async def change(request: Request, visit: KeeperOfOne) -> Response:
    """It was so."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found, known = await the_activity(connection, request), await known_for(connection, request, visit.form)
    asked = _change_fields(known)
    answers = forms.read(asked, visit.form)
    problems = {} if forms.is_search(visit.form) else forms.problems(asked, answers)
    if problems or forms.is_search(visit.form):
        return _change(request, visit, found, known, answers, problems)
    deed, typed = ACTIVITY.changing("changed_activity", found.activity_id), TypedAnswers(asked, answers)
    async with acting(request, visit, deed, typed=typed) as connection:
        await _keep_change(connection, request, visit, answers)
    return back_to(found.activity_id)


async def _keep_change(connection: Connection, request: Request, visit: Visit, answers: forms.Answers) -> None:
    desk, held = desk_of(request), or_missing(await store.hold(connection, id_of(request, "activity_id")))
    before = (await store.words(connection, [held])).get(held.activity_id, ActivityWords())
    new = replace(
        fields.activity(held.activity_id, answers, desk.today, held.logged_by),
        state=held.state,
        proposed_by=held.proposed_by,
        words_id=held.words_id,
    )
    said, here = ActivityWords(outcome=answers["outcome"], roles=answers["roles"]), address(held.activity_id)
    overtaken = OvertakenError(here, again=f"{here}/change", by=("changed_activity",))
    seen.must_stand(visit, fields.written(held, before), fields.written(new, said), overtaken)
    await store.put(connection, new, said, visit.person.person_id, desk.clock.now())


def _change_fields(known: LogChoices) -> tuple[forms.FormField, ...]:
    kind, held, with_whom, about, outcome = fields.log_fields(known, {})[:5]
    return (kind, held, with_whom, fields.ROLES, about, outcome)


def _change(
    request: Request,
    visit: Visit,
    found: Activity,
    known: LogChoices,
    answers: Mapping[str, str],
    problems: Mapping[str, str],
) -> Response:
    back = f"/activities/{found.activity_id}"
    more = {"action": f"{back}/change", "button": N_("Keep this"), "back": back, "mark": seen.hidden_mark(answers, visit)}
    return filled(request, visit, N_("Change an activity"), _change_fields(known), answers, problems, **more)


@router.post("/activities/{activity_id}/answer")
async def answer(request: Request, visit: KeeperOfOne) -> Response:
    """Agree to what was proposed, or say that the hub cannot take part."""
    to = {"agree": ActivityState.AGREED, "decline": ActivityState.DECLINED}.get(visit.form.get("answer", ""))
    if to is None:
        raise TroubleError(Trouble.FORM_REFUSED)
    activity_id = id_of(request, "activity_id")
    async with acting(request, visit, ACTIVITY.changing("answered_proposal", activity_id)) as connection:
        if not await store.move(connection, activity_id, to, ActivityState.PROPOSED):
            raise await _moved(connection, request, to)
    return back_to(activity_id)


@router.post("/activities/{activity_id}/call-off")
async def call_off(request: Request, visit: KeeperOfOne) -> Response:
    """It did not take place, or will not."""
    activity_id = id_of(request, "activity_id")
    async with acting(request, visit, ACTIVITY.changing("called_off_activity", activity_id)) as connection:
        if not await store.move(connection, activity_id, ActivityState.CALLED_OFF, ActivityState.AGREED):
            raise await _moved(connection, request, ActivityState.CALLED_OFF)
    return back_to(activity_id)


async def _moved(connection: Connection, request: Request, wanted: ActivityState) -> OvertakenError:
    found = await the_activity(connection, request)
    by = ("answered_proposal", "called_off_activity")
    return OvertakenError(address(found.activity_id), by=by, as_wanted=found.state is wanted)


@router.get("/activities/{activity_id}/step")
async def new_step(request: Request, visit: KeeperOfOne) -> Response:
    """Something more to be done, alone or jointly."""
    desk = desk_of(request)
    async with acting(request, visit, ACTIVITY.looking("viewed_activity", id_of(request, "activity_id"))) as connection:
        found = await the_activity(connection, request)
        known = await known_for(connection, request, {}, found.organisation_ids)
    answers = {"owner": f"{fields.HUB}{visit.person.person_id}", "due_on": day(desk.today + NEXT_STEP_WITHIN)}
    return _step(request, visit, found, known, answers, {})


@router.post("/activities/{activity_id}/step")
async def add_step(request: Request, visit: KeeperOfOne) -> Response:
    """Keep it."""
    desk = desk_of(request)
    async with postgres.connection(desk.pool) as connection:
        found, known = await the_activity(connection, request), await known_for(connection, request, visit.form)
    asked = _step_fields(known)
    answers = forms.read(asked, visit.form)
    problems = {} if forms.is_search(visit.form) else fields.log_problems(asked, answers, desk.today)
    if problems or forms.is_search(visit.form):
        return _step(request, visit, found, known, answers, problems)
    deed, leads_to = ACTIVITY.changing("added_step", found.activity_id), address(found.activity_id)
    async with acting(request, visit, deed, leads_to) as connection:
        await _add_step(connection, request, found.activity_id, answers, joint=answers["joint"] == "yes")
    return back_to(found.activity_id)


def _step_fields(known: LogChoices) -> tuple[forms.FormField, ...]:
    options = {"yes": N_("Others who take part may join it")}
    joint = forms.FormField("joint", N_("A joint action"), forms.FieldShape.SEVERAL, options, wanted=False)
    return (*fields.step_fields(known, wanted=True), joint)


def _step(
    request: Request,
    visit: Visit,
    found: Activity,
    known: LogChoices,
    answers: Mapping[str, str],
    problems: Mapping[str, str],
) -> Response:
    back = f"/activities/{found.activity_id}"
    more = {"action": f"{back}/step", "button": N_("Add it"), "back": back}
    return filled(request, visit, N_("Add a next step"), _step_fields(known), answers, problems, **more)


@router.post("/steps/{step_id}/{ended}")
async def end_step(request: Request, ended: StepState, visit: KeeperOfStep) -> Response:
    """It is done, or dropped."""
    step_id = id_of(request, "step_id")
    if ended is StepState.OPEN:
        raise TroubleError(Trouble.MISSING)
    async with acting(request, visit, STEP.changing("ended_step", step_id)) as connection:
        found = or_missing(await store.find_step(connection, step_id))
        if not await store.end_step(connection, step_id, ended, desk_of(request).today):
            raise await step_ended(connection, step_id, ended, address(found.activity_id))
    return back_to(found.activity_id)


async def step_ended(connection: Connection, step_id: UUID, wanted: StepState, leads_to: str) -> OvertakenError:
    """That somebody ended it before: in the same way, or in another."""
    found = or_missing(await store.find_step(connection, step_id))
    return OvertakenError(leads_to, by=("ended_step",), as_wanted=found.state is wanted)


@router.get("/activities.csv")
async def export(request: Request, visit: Annotated[Visit, may(Action.EXPORT_ENGAGEMENT)]) -> Response:
    """The last year and the next one, as a table."""
    desk = desk_of(request)
    async with acting(request, visit, Deed(ActKind.DISCLOSURE, "exported_activities")) as connection:
        found = await store.between(connection, desk.today - exports.YEAR, desk.today + exports.YEAR, exports.MOST + 1)
        shown = await reading.shown(connection, found[: exports.MOST])
    cut = len(found) > exports.MOST
    body = exports.activities(shown, force_name, desk.shown.look_up(request), cut=cut)
    headers = {"Content-Disposition": 'attachment; filename="activities.csv"'}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
