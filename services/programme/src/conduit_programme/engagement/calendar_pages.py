"""A person's calendar: its address, which they can revoke, and the file at that address."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_contracts.programme import ForcePersonRegistered, PartnerPersonRegistered, PersonRegistered
from conduit_programme.engagement import calendar, calendar_store, reading, store, wording
from conduit_programme.engagement.calendar import CalendarEntry
from conduit_programme.engagement.pages import Keeper
from conduit_programme.engagement.rules import Activity, ActivityState, NextStep, takes_part
from conduit_programme.organisations import store as organisations
from conduit_programme.pages.at_desk import acting, desk_of, force_name
from conduit_programme.trail import Deed
from conduit_web.access import Action
from conduit_web.acts import ActKind
from conduit_web.opaque import new_secret
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, anybody_may, may
from conduit_web.words import N_

router = APIRouter()
MOST = 500
NEXT_STEP, CALENDAR = N_("A next step is due"), N_("Partnership work")
Taker = Annotated[Visit, may(Action.TAKE_PART)]


@router.get("/calendar")
async def address(request: Request, visit: Keeper) -> Response:
    """Whether it has an address."""
    return await _address(request, visit)


@router.post("/calendar")
async def change(request: Request, visit: Keeper) -> Response:
    """Make an address, or revoke it."""
    return await _change(request, visit)


@router.get("/ours/calendar")
async def own_address(request: Request, visit: Taker) -> Response:
    """The same for a partner's and a force's people."""
    return await _address(request, visit)


@router.post("/ours/calendar")
async def own_change(request: Request, visit: Taker) -> Response:
    """The same for a partner's and a force's people."""
    return await _change(request, visit)


async def _address(request: Request, visit: Visit) -> Response:
    async with acting(request, visit, Deed(ActKind.CONSULTATION, "viewed_calendar")) as connection:
        since = await calendar_store.made_at(connection, visit.person.person_id)
    values: dict[str, Any] = {"since": since, "address": "", "action": request.url.path}
    return desk_of(request).shown.page(request, "engagement/calendar.html", N_("Your calendar"), visit=visit, **values)


async def _change(request: Request, visit: Visit) -> Response:
    """The address is shown this once: what is kept of it is a hash."""
    desk, secret = desk_of(request), new_secret()
    now, me, making = desk.clock.now(), visit.person.person_id, visit.form.get("what") == "make"
    async with acting(
        request, visit, Deed(ActKind.ALTERATION, "made_calendar" if making else "revoked_calendar")
    ) as connection:
        await (calendar_store.make(connection, me, secret, now) if making else calendar_store.revoke(connection, me, now))
    given = f"{desk.settings.public_url}/calendars/{secret}.ics" if making else ""
    values: dict[str, Any] = {"since": now if making else None, "address": given, "action": request.url.path}
    return desk.shown.page(request, "engagement/calendar.html", N_("Your calendar"), visit=visit, **values)


@router.get("/calendars/{secret}.ics", dependencies=[anybody_may(Action.FETCH_CALENDAR)])
async def fetch(request: Request, secret: str) -> Response:
    """The calendar, for whoever has its address; nothing once it is revoked, or the person has left."""
    desk = desk_of(request)
    now, today = desk.clock.now(), desk.today
    async with postgres.connection(desk.pool) as connection:
        account = await calendar_store.whose(connection, secret)
        person = desk.accounts().known.get(account) if account else None
        if account is None or person is None or (person.valid_to is not None and person.valid_to <= now):
            raise TroubleError(Trouble.MISSING)
        entries = await _entries(connection, request, person, account, today)
    look_up, host = desk.shown.look_up(request), urlsplit(desk.settings.public_url).hostname or "conduit"
    body = calendar.written(entries, look_up(CALENDAR), now, host)
    headers = {"Content-Disposition": 'inline; filename="partnership.ics"'}
    return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)


async def _entries(
    connection: Connection, request: Request, person: PersonRegistered, account: str, today: date
) -> list[CalendarEntry]:
    desk, look_up = desk_of(request), desk_of(request).shown.look_up(request)
    hub, place = desk.settings.public_url, "/activities"
    activities = await store.between(connection, today - calendar.BACK, today + calendar.AHEAD, MOST)
    steps = await store.open_steps(connection, account)
    if isinstance(person, PartnerPersonRegistered | ForcePersonRegistered):
        place = "/ours/activities"
        activities, steps = await _own(connection, person, activities)
    shown = await reading.shown(connection, [each for each in activities if each.state is ActivityState.AGREED])
    found = []
    for each in shown:
        names = [*(name for _, name in each.organisations), *(force_name(force) for force in each.activity.force_ids)]
        said = calendar.summary(wording.KINDS[each.activity.kind], names, look_up)
        address = f"{hub}{place}/{each.activity.activity_id}"
        found.append(CalendarEntry(each.activity.activity_id, each.activity.held_on, said, address))
    due = [
        CalendarEntry(step.step_id, step.due_on, look_up(NEXT_STEP), f"{hub}{place}/{step.activity_id}") for step in steps
    ]
    return found + due


async def _own(
    connection: Connection, person: PartnerPersonRegistered | ForcePersonRegistered, activities: list[Activity]
) -> tuple[list[Activity], list[NextStep]]:
    """Those in which the person's partner or force takes part, and what is due by it."""
    organisation_id, force_id = None, None
    if isinstance(person, PartnerPersonRegistered):
        found = await organisations.of_partner(connection, person.partner_id)
        organisation_id = found.organisation_id if found else None
    else:
        force_id = person.force_id
    mine = [each for each in activities if takes_part(each, organisation_id=organisation_id, force_id=force_id)]
    steps = [
        each
        for each in await store.open_steps(connection)
        if (each.owner.organisation_id or each.owner.force_id) in {organisation_id, force_id} - {None}
    ]
    return mine, steps
