"""Organisations, for the hub's engagement officers and lead: the list, and a page for each relationship.

A relationship's page begins with what the organisation brings. Compliance comes last.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_contracts.ids import uuid7
from conduit_programme import forms, seen
from conduit_programme.engagement import reading as dealing
from conduit_programme.engagement import store as activities
from conduit_programme.forms import FieldShape, FormField, TypedAnswers
from conduit_programme.organisations import choosing, fields, reading, store
from conduit_programme.organisations.choosing import OfferedOrganisations
from conduit_programme.organisations.rules import OrganisationKind
from conduit_programme.organisations.store import KnownOrganisation
from conduit_programme.pages.at_desk import acting, desk_of, filled, first, id_of, or_missing
from conduit_programme.trail import DeedsAbout, OvertakenError
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
ORGANISATION = DeedsAbout("organisation")


async def find_organisation(request: Request, _person: Person) -> Target | None:
    """The organisation of the address, if there is one."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "organisation_id"))
    return Target() if found else None


Keeper = Annotated[Visit, may(Action.MANAGE_ENGAGEMENT)]
KeeperOfOne = Annotated[Visit, may(Action.MANAGE_ENGAGEMENT, find_organisation)]


async def the_one(connection: Connection, request: Request) -> KnownOrganisation:
    """The organisation of the address, or what it became part of."""
    return or_missing(await store.find(connection, id_of(request, "organisation_id")))


async def the_held_one(connection: Connection, request: Request) -> KnownOrganisation:
    """The same, and nobody else changes it until the transaction ends."""
    return or_missing(await store.hold(connection, id_of(request, "organisation_id")))


def back_to(organisation_id: UUID) -> Response:
    """To its page, after a change."""
    return RedirectResponse(address(organisation_id), status_code=303)


def address(organisation_id: UUID) -> str:
    """Where its page is."""
    return f"/organisations/{organisation_id}"


@router.get("/organisations")
async def listed(request: Request, visit: Keeper) -> Response:
    """By name, of one kind or of all."""
    query = request.query_params
    kind = OrganisationKind(query["kind"]) if query.get("kind") in set(OrganisationKind) else None
    async with acting(request, visit, ORGANISATION.looking("listed_organisations")) as connection:
        found = await store.listed(connection, kind, query.get("after"))
    more = f"kind={kind or ''}&after={found.after}" if found.after else ""
    values: dict[str, Any] = {"found": found, "kinds": list(OrganisationKind), "given": kind or "", "more": more}
    return desk_of(request).shown.page(request, "organisations/list.html", N_("Organisations"), visit=visit, **values)


@router.get("/organisations/new")
async def new(request: Request, visit: Keeper) -> Response:
    """One that no register has."""
    return _new(request, visit, {}, {})


@router.post("/organisations/new")
async def add(request: Request, visit: Keeper) -> Response:
    """Add it, and go to its page."""
    answers = forms.read(fields.NEW, visit.form)
    problems = forms.problems(fields.NEW, answers)
    if problems:
        return _new(request, visit, answers, problems)
    now = desk_of(request).clock.now()
    organisation_id = uuid7(now)
    deed, leads_to = ORGANISATION.changing("added_organisation", organisation_id), address(organisation_id)
    async with acting(request, visit, deed, leads_to) as connection:
        await store.add(connection, OrganisationKind(answers["kind"]), answers["name"], now, organisation_id)
        await store.take(connection, organisation_id, visit.person.person_id)
    return back_to(organisation_id)


def _new(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    return filled(
        request,
        visit,
        N_("Add an organisation"),
        fields.NEW,
        answers,
        problems,
        action="/organisations/new",
        button=N_("Add it"),
        back="/organisations",
    )


@router.get("/organisations/{organisation_id}")
async def organisation(request: Request, visit: KeeperOfOne) -> Response:
    """What it brings first, compliance last."""
    desk = desk_of(request)
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
        known = await reading.relationship(connection, found, desk.today)
        made = await dealing.dealings(connection, await activities.with_organisations(connection, known.ids))
        owners = {each.step.owner.organisation_id for each in made.steps if each.step.owner.organisation_id}
        names = await store.names(connection, owners)
    if found.organisation_id != id_of(request, "organisation_id"):
        return RedirectResponse(address(found.organisation_id), status_code=303)
    values: dict[str, Any] = {"known": known, "dealings": made, "names": names, "scans": desk.scans}
    values["mark"] = seen.hidden_mark(_owned(found.owner))
    return desk.shown.page(request, "organisations/organisation.html", N_("Organisation"), visit=visit, **values)


@router.post("/organisations/{organisation_id}/take")
async def take(request: Request, visit: KeeperOfOne) -> Response:
    """Look after this relationship from now on."""
    async with acting(
        request, visit, ORGANISATION.changing("took_relationship", id_of(request, "organisation_id"))
    ) as connection:
        found, me = await the_held_one(connection, request), visit.person.person_id
        overtaken = OvertakenError(address(found.organisation_id), by=("took_relationship",))
        seen.must_stand(visit, _owned(found.owner), _owned(me), overtaken)
        await store.take(connection, found.organisation_id, me)
    return back_to(found.organisation_id)


def _owned(by: str | None) -> forms.Answers:
    return {"owner": by or ""}


@router.get("/organisations/{organisation_id}/name")
async def name(request: Request, visit: KeeperOfOne) -> Response:
    """Its name, where no register has it."""
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
    return _name(request, visit, found, {"name": found.name}, {})


@router.post("/organisations/{organisation_id}/name")
async def rename(request: Request, visit: KeeperOfOne) -> Response:
    """It is called so from now on."""
    answers = forms.read(fields.NEW[:1], visit.form)
    problems = forms.problems(fields.NEW[:1], answers)
    deed = ORGANISATION.trying("renamed_organisation", id_of(request, "organisation_id"), problems)
    async with acting(request, visit, deed, typed=TypedAnswers(fields.NEW[:1], answers)) as connection:
        found = await the_held_one(connection, request)
        if not problems:
            if found.partner_id is not None:
                raise TroubleError(Trouble.MISSING)
            here = address(found.organisation_id)
            overtaken = OvertakenError(here, again=f"{here}/name", by=("renamed_organisation",))
            seen.must_stand(visit, {"name": found.name}, answers, overtaken)
            await store.rename(connection, found.organisation_id, answers["name"])
    return _name(request, visit, found, answers, problems) if problems else back_to(found.organisation_id)


def _name(
    request: Request, visit: Visit, found: KnownOrganisation, answers: forms.Answers, problems: forms.Answers
) -> Response:
    back = address(found.organisation_id)
    more = {"action": f"{back}/name", "button": N_("Rename it"), "back": back, "back_name": found.name}
    more["mark"] = seen.hidden_mark(answers, visit)
    return filled(request, visit, N_("Rename an organisation"), fields.NEW[:1], answers, problems, **more)


@router.get("/organisations/{organisation_id}/merge")
async def merging(request: Request, visit: KeeperOfOne) -> Response:
    """Which other one it became part of."""
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
        known = await choosing.offered(connection, {})
    return _merging(request, visit, found, known, {}, {})


@router.post("/organisations/{organisation_id}/merge")
async def merge(request: Request, visit: KeeperOfOne) -> Response:
    """From now on whatever names this one means the other."""
    one = id_of(request, "organisation_id")
    deed = ORGANISATION.changing("merged_organisation", one)
    async with first(request, visit, deed), postgres.connection(desk_of(request).pool) as connection:
        found = await _by_itself(connection, one, visit)
        known = await choosing.offered(connection, visit.form)
    asked = _others(found, known)
    answers = forms.read(asked, visit.form)
    problems = {} if forms.is_search(visit.form) else forms.problems(asked, answers)
    if problems or forms.is_search(visit.form):
        return _merging(request, visit, found, known, answers, problems)
    into = UUID(answers["into"])
    async with acting(request, visit, deed) as connection:
        if not await store.merge(connection, one, into):
            await _by_itself(connection, one, visit)
            raise TroubleError(Trouble.FORM_REFUSED)
    return back_to(into)


async def _by_itself(connection: Connection, organisation_id: UUID, visit: Visit) -> KnownOrganisation:
    """The organisation of this id, which is part of no other yet: whoever would merge it means it alone."""
    found = or_missing(await store.find(connection, organisation_id))
    if found.organisation_id != organisation_id:
        as_wanted = visit.form.get("into") == str(found.organisation_id)
        raise OvertakenError(address(found.organisation_id), by=("merged_organisation",), as_wanted=as_wanted)
    return found


def _others(found: KnownOrganisation, known: OfferedOrganisations) -> tuple[FormField, ...]:
    names = {each: called for each, called in known.names.items() if each != str(found.organisation_id)}
    label = N_("What it became part of")
    return (FormField("into", label, FieldShape.LISTED, names, named=True, search=known.search),)


def _merging(
    request: Request,
    visit: Visit,
    found: KnownOrganisation,
    known: OfferedOrganisations,
    answers: forms.Answers,
    problems: forms.Answers,
) -> Response:
    asked = _others(found, known)
    back = address(found.organisation_id)
    more = {
        "action": f"{back}/merge",
        "button": N_("Note that it became part of it"),
        "back": back,
        "back_name": found.name,
        "about": N_("Its contacts, agreements and activities are then shown with the other's. This cannot be undone here."),
    }
    return filled(request, visit, N_("It became part of another organisation"), asked, answers, problems, **more)
