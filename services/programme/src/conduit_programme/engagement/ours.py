"""Partnership work as a partner's manager or a force's single point of contact sees it: their own part, and no other's."""

from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_contracts.ids import uuid7
from conduit_programme import forms, seen, trail
from conduit_programme.engagement import fields, open_steps, reading, store
from conduit_programme.engagement.pages import ACTIVITY, STEP, step_ended
from conduit_programme.engagement.rules import Activity, ActivityState, Side, StepState
from conduit_programme.engagement.said import ActivityWords
from conduit_programme.forms import TypedAnswers
from conduit_programme.organisations import fields as offering
from conduit_programme.organisations import reading as relating
from conduit_programme.organisations import store as organisations
from conduit_programme.organisations.keeping import keep_offer
from conduit_programme.organisations.pages import ORGANISATION
from conduit_programme.organisations.reading import Relationship
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, or_missing
from conduit_programme.practice import turns
from conduit_programme.trail import Deed, OvertakenError
from conduit_programme.wording import day
from conduit_web.access import Action, Target
from conduit_web.acts import ActKind
from conduit_web.people import Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may, ones_own
from conduit_web.words import N_

router = APIRouter()
Taker = Annotated[Visit, may(Action.TAKE_PART)]
LOOKS = Deed(ActKind.CONSULTATION, "viewed_own_part")


@dataclass(frozen=True, slots=True)
class OwnSide(Side):
    """The side of somebody who takes part."""

    organisation: organisations.KnownOrganisation | None = None
    """None of a force, and where the register does not have the partner yet."""


async def own_side(connection: Connection, person: Person) -> OwnSide:
    """The side of this person, as it stands now."""
    found = await organisations.of_partner(connection, person.partner_id) if person.partner_id else None
    made_of = await organisations.members(connection, found.organisation_id) if found else []
    return OwnSide(tuple(each.organisation_id for each in made_of), person.force_id, found)


async def find_own_activity(request: Request, person: Person) -> Target | None:
    """The activity of the address, where the person's own side takes part."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "activity_id"))
        side = await own_side(connection, person)
    return await ones_own(request, person) if found and side.is_in(found) else None


async def find_own_step(request: Request, person: Person) -> Target | None:
    """The next step of the address, where the person's own side owns it or may join it."""
    async with postgres.connection(desk_of(request).pool) as connection:
        step = await store.find_step(connection, id_of(request, "step_id"))
        found = await store.find(connection, step.activity_id) if step else None
        side = await own_side(connection, person)
    if step is None or found is None or not (side.owns(step) or (step.joint and side.is_in(found))):
        return None
    return await ones_own(request, person)


TakerOfOne = Annotated[Visit, may(Action.TAKE_PART, find_own_activity)]
TakerOfStep = Annotated[Visit, may(Action.TAKE_PART, find_own_step)]


@router.get("/ours")
async def ours(request: Request, visit: Taker) -> Response:
    """What we bring, what both kept, what came of it last, what is next; agreements last."""
    desk, query = desk_of(request), request.query_params
    async with acting(request, visit, LOOKS) as connection:
        side = await own_side(connection, visit.person)
        known = await _relationship(connection, side, desk.today)
        dealings = await reading.dealings(connection, await _activities(connection, side, known))
        own = await open_steps.listed(connection, open_steps.by_side(side), query.get("mine"))
        others = await open_steps.listed(connection, open_steps.open_to_side(side), query.get("joint"))
        mine, joint = [await reading.shown_steps(connection, each.rows) for each in (own, others)]
        names = await _owners(connection, [*dealings.steps, *mine, *joint])
        waits = await turns.waiting_for(connection, visit.person, desk.today)
    values: dict[str, Any] = {"known": known, "dealings": dealings, "side": side, "names": names, "waits": waits}
    values |= {"mine": mine, "more_mine": own.after, "joint": joint, "more_joint": others.after}
    values["me"] = trail.belongs_to(visit.person)
    return desk.shown.page(request, "engagement/ours.html", N_("Our partnership with the hub"), visit=visit, **values)


async def _relationship(connection: Connection, side: OwnSide, today: Any) -> Relationship | None:
    return await relating.relationship(connection, side.organisation, today) if side.organisation else None


async def _activities(connection: Connection, side: OwnSide, known: Relationship | None) -> list[Activity]:
    if known is not None:
        return await store.with_organisations(connection, known.ids)
    return await store.with_force(connection, side.force_id) if side.force_id else []


async def _owners(connection: Connection, steps: list[reading.ShownStep]) -> dict[UUID, str]:
    owners = {each.step.owner.organisation_id for each in steps if each.step.owner.organisation_id}
    return await organisations.names(connection, owners)


@router.get("/ours/offer")
async def offer(request: Request, visit: Taker) -> Response:
    """What we bring, to be changed."""
    async with acting(request, visit, LOOKS) as connection:
        known = await _known(connection, request, visit)
    return _offer(request, visit, offering.offer_answers(known.brings.offer, "\n".join(known.brings.words)), {})


@router.post("/ours/offer")
async def write_offer(request: Request, visit: Taker) -> Response:
    """This is what we bring."""
    desk, answers = desk_of(request), forms.read(offering.OFFER, visit.form)
    if problems := offering.offer_problems(answers):
        return _offer(request, visit, answers, problems)
    async with postgres.connection(desk.pool) as connection:
        own = or_missing((await own_side(connection, visit.person)).organisation)
    deed, typed = ORGANISATION.changing("wrote_offer", own.organisation_id), TypedAnswers(offering.OFFER, answers)
    async with acting(request, visit, deed, typed=typed) as connection:
        await keep_offer(connection, request, visit, own.organisation_id, answers, "/ours")
    return RedirectResponse("/ours", status_code=303)


async def _known(connection: Connection, request: Request, visit: Visit) -> Relationship:
    # A force has no offer in the directory.
    return or_missing(await _relationship(connection, await own_side(connection, visit.person), desk_of(request).today))


def _offer(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    more = {"action": "/ours/offer", "button": N_("Keep this"), "back": "/ours", "mark": seen.hidden_mark(answers, visit)}
    return filled(request, visit, N_("What we bring"), offering.OFFER, answers, problems, **more)


@router.get("/ours/propose")
async def proposing(request: Request, visit: Taker) -> Response:
    """Something to do together."""
    return _propose(request, visit, {}, {})


@router.post("/ours/propose")
async def propose(request: Request, visit: Taker) -> Response:
    """The hub answers it."""
    desk, now = desk_of(request), desk_of(request).clock.now()
    answers = forms.read(fields.PROPOSAL, visit.form)
    problems = forms.problems(fields.PROPOSAL, answers)
    held_on = forms.day(answers, "held_on")
    if held_on is not None and held_on < desk.today:
        problems.setdefault("held_on", fields.PAST)
    if problems:
        return _propose(request, visit, answers, problems)
    async with postgres.connection(desk.pool) as connection:
        side = await own_side(connection, visit.person)
    proposed = replace(
        fields.activity(uuid7(now), answers, desk.today, visit.person.person_id),
        state=ActivityState.PROPOSED,
        organisation_ids=(side.organisation.organisation_id,) if side.organisation else (),
        force_ids=(side.force_id,) if side.force_id else (),
        proposed_by=trail.belongs_to(visit.person),
    )
    deed, leads_to = ACTIVITY.changing("proposed_activity", proposed.activity_id), f"/ours/activities/{proposed.activity_id}"
    async with acting(request, visit, deed, leads_to) as connection:
        await store.put(connection, proposed, ActivityWords(outcome=answers["outcome"]), proposed.logged_by, now)
    return RedirectResponse(leads_to, status_code=303)


def _propose(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    more = {"action": "/ours/propose", "button": N_("Propose it"), "back": "/ours"}
    return filled(request, visit, N_("Propose something to do together"), fields.PROPOSAL, answers, problems, **more)


@router.get("/ours/activities/{activity_id}")
async def activity(request: Request, visit: TakerOfOne) -> Response:
    """One that our own side is in."""
    deed = ACTIVITY.looking("viewed_activity", id_of(request, "activity_id"))
    async with acting(request, visit, deed) as connection:
        known = or_missing(await store.find(connection, id_of(request, "activity_id")))
        (found,) = await reading.shown(connection, [known])
        names = await _owners(connection, list(found.steps))
        side = await own_side(connection, visit.person)
    values: dict[str, Any] = {"found": found, "names": names, "side": side, "me": trail.belongs_to(visit.person), "day": day}
    return desk_of(request).shown.page(request, "engagement/own_activity.html", N_("Activity"), visit=visit, **values)


@router.post("/ours/steps/{step_id}/join")
async def join(request: Request, visit: TakerOfStep) -> Response:
    """We do it with them."""
    step_id, now = id_of(request, "step_id"), desk_of(request).clock.now()
    async with acting(request, visit, STEP.changing("joined_step", step_id)) as connection:
        found = await store.find_step(connection, step_id)
        if found is None or not found.joint:
            raise TroubleError(Trouble.FORM_REFUSED)
        if found.state is not StepState.OPEN:
            raise OvertakenError("/ours")
        if not await store.join(connection, step_id, trail.belongs_to(visit.person), visit.person.person_id, now):
            raise trail.UnchangedError
    return RedirectResponse("/ours", status_code=303)


@router.post("/ours/steps/{step_id}/done")
async def done(request: Request, visit: TakerOfStep) -> Response:
    """It was ours to do, and it is done."""
    step_id = id_of(request, "step_id")
    async with acting(request, visit, STEP.changing("ended_step", step_id)) as connection:
        found, side = await store.find_step(connection, step_id), await own_side(connection, visit.person)
        if found is None or not side.owns(found):
            raise TroubleError(Trouble.MISSING)
        if not await store.end_step(connection, step_id, StepState.DONE, desk_of(request).today):
            raise await step_ended(connection, step_id, StepState.DONE, "/ours")
    return RedirectResponse("/ours", status_code=303)
