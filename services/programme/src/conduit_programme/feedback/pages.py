"""After a hand-over, on the partner's own page: three questions, answered once, at hand-over and 30 days later.

What another partner is asked is answered as what does not exist. What is said in words is an insight, and no row joins it to
a case.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms
from conduit_programme.feedback import fields, store
from conduit_programme.feedback.rules import FeedbackAnswer, HandoverQuestions
from conduit_programme.forms import TypedAnswers
from conduit_programme.insight import rules as insight_rules
from conduit_programme.insight import store as insights
from conduit_programme.insight.own_pages import own_organisation
from conduit_programme.insight.rules import InsightSource, SpeakerRole
from conduit_programme.insight.store import HeardInsight
from conduit_programme.pages.at_desk import acting, desk_of, id_of, or_missing, with_form
from conduit_programme.trail import DeedsAbout, OvertakenError
from conduit_web.access import Action, Target
from conduit_web.people import Person, Role
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
QUESTIONS = DeedsAbout("handover_questions")
HERE = "/after-hand-over"


async def find_own(request: Request, person: Person) -> Target | None:
    """The questions of the address, where the person's own partner is asked them and can answer now."""
    found = await _own(request, person)
    return Target(partner_id=person.partner_id) if found and found.is_open(desk_of(request).today) else None


async def find_asked(request: Request, person: Person) -> Target | None:
    """The same, even if somebody has answered them meanwhile, or they lapsed: what was typed is not to be lost."""
    found = await _own(request, person)
    return Target(partner_id=person.partner_id) if found and found.asked_on <= desk_of(request).today else None


async def _own(request: Request, person: Person) -> HandoverQuestions | None:
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "question_id"))
    return found if found and found.partner_id == person.partner_id else None


Asked = Annotated[Visit, may(Action.SAY_HOW_HAND_OVER_WENT)]
AskedThis = Annotated[Visit, may(Action.SAY_HOW_HAND_OVER_WENT, find_own)]
AskedOnce = Annotated[Visit, may(Action.SAY_HOW_HAND_OVER_WENT, find_asked)]


@router.get(HERE)
async def listed(request: Request, visit: Asked) -> Response:
    """What can be answered now, those first that lapse first."""
    desk = desk_of(request)
    async with acting(request, visit, QUESTIONS.looking("listed_handover_questions")) as connection:
        rows = await store.waiting(connection, or_missing(visit.person.partner_id), desk.today)
    return desk.shown.page(request, "feedback/list.html", N_("After hand-over"), visit=visit, rows=rows)


@router.get(f"{HERE}/{{question_id}}")
async def asking(request: Request, visit: AskedThis) -> Response:
    """The three questions."""
    deed = QUESTIONS.looking("viewed_handover_questions", id_of(request, "question_id"))
    async with acting(request, visit, deed) as connection:
        known = or_missing(await store.find(connection, id_of(request, "question_id")))
    return _asking(request, visit, known, {}, {})


@router.post(f"{HERE}/{{question_id}}")
async def answer(request: Request, visit: AskedOnce) -> Response:
    """Keep what was answered, once; what was said in words goes to the hub as an insight."""
    answers = forms.read(fields.QUESTIONS, visit.form)
    problems = fields.problems(answers)
    question_id = id_of(request, "question_id")
    deed = QUESTIONS.trying("answered_handover_questions", question_id, problems)
    async with acting(request, visit, deed, HERE, typed=TypedAnswers(fields.QUESTIONS, answers)) as connection:
        known = or_missing(await store.find(connection, question_id))
        if not known.is_open(desk_of(request).today):
            raise OvertakenError(HERE)
        if not problems:
            await _keep(connection, request, visit, question_id, answers)
    return _asking(request, visit, known, answers, problems) if problems else RedirectResponse(HERE, status_code=303)


async def _keep(connection: Connection, request: Request, visit: Visit, question_id: UUID, answers: forms.Answers) -> None:
    desk, by = desk_of(request), visit.person.person_id
    heard_back, was_clear = FeedbackAnswer(answers["heard_back"]), FeedbackAnswer(answers["was_clear"])
    if not await store.answer(connection, question_id, heard_back, was_clear, by, desk.today):
        raise OvertakenError(HERE)
    if not answers["words"]:
        return
    is_manager = Role.PARTNER_MANAGER in visit.person.roles
    own = await own_organisation(connection, visit.person)
    heard = HeardInsight(
        own.organisation_id,
        InsightSource.FEEDBACK,
        SpeakerRole.MANAGER if is_manager else SpeakerRole.PRACTITIONER,
        desk.today,
        insight_rules.due_on(desk.today, desk.insight_answer_days),
        answers["words"],
    )
    await insights.hear(connection, heard, by, desk.clock.now())


def _asking(
    request: Request, visit: Visit, known: HandoverQuestions, answers: forms.Answers, problems: forms.Answers
) -> Response:
    template, heading = "feedback/questions.html", N_("How the hand-over went")
    return with_form(request, visit, template, heading, fields.QUESTIONS, answers, problems, known=known)
