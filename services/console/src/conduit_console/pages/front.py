"""The pages as one application. Start here."""

from collections.abc import Sequence
from pathlib import Path

import httpx
from fastapi import APIRouter
from starlette.types import ASGIApp

from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.runtime import Runtime
from conduit_console.commanding import Commanding
from conduit_console.files import IntakeFiles
from conduit_console.grounds import ShownPolicy
from conduit_console.pages import case, decide, duties, files, glass, home, lists, officers, opinions, passkeys, trail
from conduit_console.pages.at_desk import ConsoleDesk, ConsolePages
from conduit_console.queries.news import Newest, newest
from conduit_web.access import Action
from conduit_web.desk import create_app
from conduit_web.people import RegisteredPeople
from conduit_web.sessions import Sessions
from conduit_web.settings import DeskSettings
from conduit_web.streams import Streams
from conduit_web.words import N_

FOLDER = Path(__file__).parents[1]
NAVIGATION = (
    {"text": N_("Asked of you"), "href": "/asked", "action": Action.LIST_CASES},
    {"text": N_("Duty tasks"), "href": "/duties", "action": Action.TAKE_DUTY_TASK},
    {"text": N_("Cases"), "href": "/cases", "action": Action.LIST_CASES},
    {"text": N_("Who has what"), "href": "/officers", "action": Action.REASSIGN},
    {"text": N_("Trail"), "href": "/trail", "action": Action.READ_TRAIL},
)
FOOTER = ({"text": N_("Your passkeys"), "href": "/passkeys", "action": Action.MANAGE_OWN_PASSKEYS},)
ROUTERS: Sequence[APIRouter] = (
    home.router,
    lists.router,
    case.router,
    decide.router,
    opinions.router,
    duties.router,
    files.router,
    glass.router,
    officers.router,
    passkeys.router,
    trail.router,
)


def create_console(
    runtime: Runtime,
    settings: DeskSettings,
    policy: ShownPolicy,
    people: PeopleFollower,
    commands: Commanding,
    news: Streams[Newest],
    files_of: IntakeFiles | None,
) -> ASGIApp:
    """The application of a running console."""
    pages = console_pages()
    desk = ConsoleDesk(
        settings,
        register=RegisteredPeople(people),
        sessions=sessions_of(runtime, settings),
        clock=runtime.clock,
        http=httpx.AsyncClient(trust_env=False, verify=settings.vouching()),
        pages=pages,
    ).with_cases(runtime.pool, policy, people, pages, commands)
    desk.files = files_of
    return create_app(desk.with_streams(news), *ROUTERS)


def create_streams(runtime: Runtime, settings: DeskSettings, people: PeopleFollower) -> Streams[Newest]:
    """What tells pages that there is something new."""
    return Streams(runtime.pool, sessions_of(runtime, settings), RegisteredPeople(people), newest)


def sessions_of(runtime: Runtime, settings: DeskSettings) -> Sessions:
    """Who is signed in here."""
    return Sessions(runtime.pool, runtime.clock, idle=settings.session_idle, longest=settings.session_longest)


def console_pages() -> ConsolePages:
    """The console's templates and words."""
    templates, locale = FOLDER / "templates", FOLDER / "locale"
    return ConsolePages(
        N_("Referral conduit: console"), navigation=NAVIGATION, footer=FOOTER, templates=templates, locale=locale
    )
