"""A person's calendar: its address, which they can revoke, and the file at that address."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme.engagement import calendar, calendar_store, open_steps, reading, store, wording
from conduit_programme.engagement.calendar import CalendarEntry
from conduit_programme.engagement.calendar_store import CalendarAddress
from conduit_programme.engagement.ours import own_side
from conduit_programme.engagement.pages import Keeper
from conduit_programme.engagement.reading import ShownActivity
from conduit_programme.pages.at_desk import ProgrammeDesk, acting, desk_of
from conduit_programme.trail import Deed, UnchangedError
from conduit_web.access import Action, reaches_of
from conduit_web.acts import ActKind
from conduit_web.html import force_name
from conduit_web.keys import FIRST_ID
from conduit_web.opaque import new_secret
from conduit_web.people import Identity, Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, anybody_may, may
from conduit_web.words import N_

router = APIRouter()
MOST = 500
_PAGES = (Action.MANAGE_ENGAGEMENT, Action.TAKE_PART)
"""Who may do one of these may open what a calendar is about."""
NEXT_STEP, CALENDAR = N_("A next step is due"), N_("Partnership work")
MORE = N_("There is more than this calendar shows")
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
        if making:
            await calendar_store.make(connection, me, secret, now)
        elif not await calendar_store.revoke(connection, me, now):
            raise UnchangedError
    given = f"{desk.settings.public_url}/calendars/{secret}.ics" if making else ""
    values: dict[str, Any] = {"since": now if making else None, "address": given, "action": request.url.path}
    return desk.shown.page(request, "engagement/calendar.html", N_("Your calendar"), visit=visit, **values)


@router.get("/calendars/{secret}.ics", dependencies=[anybody_may(Action.FETCH_CALENDAR)])
async def fetch(request: Request, secret: str) -> Response:
    """The calendar, for whoever has its address; nothing once it is revoked, or its person may not see that."""
    desk = desk_of(request)
    now, today = desk.clock.now(), desk.today
    async with postgres.connection(desk.pool) as connection:
        found = await calendar_store.find(connection, secret)
        person = await _whose(desk, found) if found else None
        if person is None:
            raise TroubleError(Trouble.MISSING)
        entries = await _entries(connection, request, person, today)
    look_up, host = desk.shown.look_up(request), urlsplit(desk.settings.public_url).hostname or "conduit"
    body = calendar.written(entries, look_up(CALENDAR), now, host)
    headers = {"Content-Disposition": 'inline; filename="partnership.ics"'}
    return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)


async def _whose(desk: ProgrammeDesk, address: CalendarAddress) -> Person | None:
    """Its person, where they could open the calendar's pages now. When all their sessions are ended, so is the address."""
    registered = desk.accounts().known.get(address.account)
    person = await desk.register.find(Identity(registered.issuer, registered.subject)) if registered else None
    if person is None or person.person_id != address.account:
        return None
    ended = person.sessions_from is not None and address.made_at < person.sessions_from
    return person if not ended and any(reaches_of(action, person) for action in _PAGES) else None


async def _entries(connection: Connection, request: Request, person: Person, today: date) -> list[CalendarEntry]:
    desk, look_up = desk_of(request), desk_of(request).shown.look_up(request)
    first, last = today - calendar.BACK, today + calendar.AHEAD
    outside = bool(person.partner_id or person.force_id)
    side = await own_side(connection, person) if outside else None
    whose = open_steps.by_side(side) if side else open_steps.by_account(person.person_id)
    activities = await store.agreed(connection, first, last, MOST + 1, side)
    steps = await open_steps.due_from(connection, whose, first)
    hub = desk.settings.public_url
    place, page = (f"{hub}/ours/activities", f"{hub}/ours") if side else (f"{hub}/activities", f"{hub}/due")
    found = [
        CalendarEntry(
            each.activity.activity_id,
            each.activity.held_on,
            calendar.summary(wording.KINDS[each.activity.kind], _with_whom(each), look_up),
            f"{place}/{each.activity.activity_id}",
        )
        for each in await reading.shown(connection, activities[:MOST])
    ]
    found += [
        CalendarEntry(each.step_id, each.due_on, look_up(NEXT_STEP), f"{place}/{each.activity_id}")
        for each in steps[: open_steps.MOST_AT_ONCE]
    ]
    if len(activities) > MOST or len(steps) > open_steps.MOST_AT_ONCE:
        found.append(CalendarEntry(FIRST_ID, today, look_up(MORE), page))
    return found


def _with_whom(shown: ShownActivity) -> list[str]:
    return [*(name for _, name in shown.organisations), *(force_name(each) for each in shown.activity.force_ids)]
