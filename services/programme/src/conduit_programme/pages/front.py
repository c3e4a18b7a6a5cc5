"""The pages as one application. Start here.

A part of the programme adds its router to `ROUTERS`, its pages to `NAVIGATION`, its first page to `home.FIRST`, and its
words to `wording.TABLES`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import httpx
from fastapi import APIRouter
from starlette.types import ASGIApp

from conduit_chassis.file_check import scanner_of
from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.runtime import Runtime
from conduit_programme.advice import force_pages, lead_pages
from conduit_programme.advice import pages as advice
from conduit_programme.engagement import calendar_pages, due, ours
from conduit_programme.engagement import pages as engagement
from conduit_programme.experience import consenting, payments, talking, telling
from conduit_programme.experience import pages as contributors
from conduit_programme.feedback import pages as feedback
from conduit_programme.insight import own_pages, quarter_pages
from conduit_programme.insight import pages as insights
from conduit_programme.organisations import directory, document_pages, erasing, keeping, own_documents
from conduit_programme.organisations import pages as organisations
from conduit_programme.pages import home, trail
from conduit_programme.pages.at_desk import ProgrammeDesk, ProgrammePages
from conduit_programme.practice import figures_pages, taking_out
from conduit_programme.practice import force_pages as practice_at_force
from conduit_programme.practice import own_pages as practice_at_partner
from conduit_programme.practice import pages as practice
from conduit_programme.settings import ProgrammeSettings
from conduit_web.access import Action
from conduit_web.desk import create_app
from conduit_web.people import RegisteredPeople
from conduit_web.sessions import Sessions
from conduit_web.settings import DeskSettings
from conduit_web.words import N_

FOLDER = Path(__file__).parents[1]
NAVIGATION = (
    {"text": N_("Due"), "href": "/due", "action": Action.MANAGE_ENGAGEMENT},
    {"text": N_("Activities"), "href": "/activities", "action": Action.MANAGE_ENGAGEMENT},
    {"text": N_("Organisations"), "href": "/organisations", "action": Action.MANAGE_ENGAGEMENT},
    {"text": N_("Our partnership"), "href": "/ours", "action": Action.TAKE_PART},
    {"text": N_("Insights"), "href": "/insights", "action": Action.CONSIDER_INSIGHT},
    {"text": N_("National advice"), "href": "/advice", "action": Action.WRITE_ADVICE},
    {"text": N_("National advice"), "href": "/national-advice", "action": Action.READ_ADVICE},
    {"text": N_("Four Ps"), "href": "/four-ps", "action": Action.VIEW_FOUR_PS},
    {"text": N_("You said, we did"), "href": "/our-insights", "action": Action.OFFER_INSIGHT},
    {"text": N_("After hand-over"), "href": "/after-hand-over", "action": Action.SAY_HOW_HAND_OVER_WENT},
    {"text": N_("Ask for advice"), "href": "/our-questions", "action": Action.ASK_PRACTICE_QUESTION},
    {"text": N_("Practice questions"), "href": "/practice-questions", "action": Action.ANSWER_PRACTICE_QUESTION},
    {"text": N_("Practice questions"), "href": "/questions-to-us", "action": Action.JOIN_PRACTICE_QUESTION},
    {"text": N_("Questions in numbers"), "href": "/practice-figures", "action": Action.VIEW_FIGURES},
    {"text": N_("What they offer"), "href": "/directory", "action": Action.LOOK_UP_OFFERS},
    {"text": N_("Contributors"), "href": "/contributors", "action": Action.KEEP_EXPERIENCE},
    {"text": N_("Lived experience"), "href": "/lived-experience", "action": Action.READ_EXPERIENCE},
    {"text": N_("Payments"), "href": "/payments", "action": Action.MANAGE_PAYMENTS},
    {"text": N_("Trail"), "href": "/trail", "action": Action.READ_TRAIL},
)
ROUTERS: Sequence[APIRouter] = (
    home.router,
    organisations.router,
    keeping.router,
    document_pages.router,
    erasing.router,
    own_documents.router,
    directory.router,
    due.router,
    engagement.router,
    ours.router,
    calendar_pages.router,
    insights.router,
    own_pages.router,
    quarter_pages.router,
    feedback.router,
    practice_at_partner.router,
    practice.router,
    taking_out.router,
    practice_at_force.router,
    figures_pages.router,
    advice.router,
    lead_pages.router,
    force_pages.router,
    contributors.router,
    consenting.router,
    talking.router,
    telling.router,
    payments.router,
    trail.router,
)


def create_pages(runtime: Runtime, settings: DeskSettings, people: PeopleFollower) -> ASGIApp:
    """The application of a running service."""
    return create_app(create_desk(runtime, settings, people), *ROUTERS)


def create_desk(runtime: Runtime, settings: DeskSettings, people: PeopleFollower) -> ProgrammeDesk:
    """What its requests are answered by, as the service's own settings say."""
    own, shown = cast("ProgrammeSettings", runtime.settings), programme_pages()
    desk = ProgrammeDesk(
        settings,
        register=RegisteredPeople(people),
        sessions=Sessions(runtime.pool, runtime.clock, idle=settings.session_idle, longest=settings.session_longest),
        clock=runtime.clock,
        http=httpx.AsyncClient(trust_env=False, verify=settings.vouching()),
        pages=shown,
    ).with_store(runtime.pool, own.mou_time_zone, people, shown)
    desk.transactions = runtime.transaction
    desk.scans = scanner_of(own) is not None
    desk.insight_answer_days = own.insight_answer_days
    desk.practice_answer_days = own.practice_answer_days
    desk.practice_force_days = own.practice_force_days
    desk.practice_kept_days = own.practice_kept_days
    return desk


def programme_pages() -> ProgrammePages:
    """The programme's templates and words."""
    templates, locale = FOLDER / "templates", FOLDER / "locale"
    return ProgrammePages(N_("Referral conduit: programme"), navigation=NAVIGATION, templates=templates, locale=locale)
