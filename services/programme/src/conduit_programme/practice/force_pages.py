"""Practice questions as a force's people see them: those into which the hub brought them, and each from then on.

A question into which their force was not brought, and what was written before, are answered as what does not exist.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms
from conduit_programme.pages.at_desk import acting, desk_of, id_of, or_missing, with_form
from conduit_programme.practice import conversation, fields, reading, store, turns
from conduit_programme.practice.at_question import QUESTION, held_open, question_of, say, the_question
from conduit_programme.practice.rules import BroughtForce
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
HERE = "/questions-to-us"


async def find_brought(request: Request, person: Person) -> Target | None:
    """The question of the address, with the forces that are part of it."""
    async with postgres.connection(desk_of(request).pool) as connection:
        part = await conversation.forces(connection, id_of(request, "question_id"))
    force_ids = frozenset(each.force_id for each in part)
    return Target(force_ids=force_ids) if person.force_id in force_ids else None


Contact = Annotated[Visit, may(Action.JOIN_PRACTICE_QUESTION)]
ContactOfOne = Annotated[Visit, may(Action.JOIN_PRACTICE_QUESTION, find_brought)]


def _here(request: Request) -> str:
    return f"{HERE}/{question_of(request)}"


@router.get(HERE)
async def listed(request: Request, visit: Contact) -> Response:
    """Those into which one's own force was brought, the last one first."""
    desk, force_id = desk_of(request), or_missing(visit.person.force_id)
    async with acting(request, visit, QUESTION.looking("listed_practice_questions")) as connection:
        found = await store.of_force(connection, force_id, request.query_params.get("after"))
        waits = await turns.waiting_for(connection, visit.person, desk.today)
    values: dict[str, Any] = {"rows": found.rows, "waits": waits, "more": f"after={found.after}" if found.after else ""}
    return desk.shown.page(request, "practice/force_list.html", N_("Practice questions"), visit=visit, **values)


@router.get(f"{HERE}/{{question_id}}")
async def question(request: Request, visit: ContactOfOne) -> Response:
    """What the hub told one's own force, and what was written from then on."""
    return await _question(request, visit, {}, {})


async def _question(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    desk = desk_of(request)
    async with acting(request, visit, QUESTION.looking("viewed_practice_question", question_of(request))) as connection:
        part = await _part(connection, request, visit)
        known = await reading.shown(connection, await the_question(connection, request), desk.zone, part.from_number)
    template, heading = "practice/force.html", N_("Practice question")
    return with_form(request, visit, template, heading, fields.MESSAGE, answers, problems, known=known, part=part)


async def _part(connection: Connection, request: Request, visit: Visit) -> BroughtForce:
    part = await conversation.forces(connection, question_of(request))
    return or_missing(next((each for each in part if each.force_id == visit.person.force_id), None))


@router.post(f"{HERE}/{{question_id}}/write")
async def write(request: Request, visit: ContactOfOne) -> Response:
    """Say something to the partner and the hub. Whether it answers the question, an officer says."""
    answers = forms.read(fields.MESSAGE, visit.form)
    problems = fields.said_problems(fields.MESSAGE, answers, fields.OFFICIAL)
    if problems:
        return await _question(request, visit, answers, problems)
    deed = QUESTION.changing("wrote_about_practice_question", question_of(request))
    typed = forms.TypedAnswers(fields.MESSAGE, answers)
    async with acting(request, visit, deed, _here(request), typed=typed) as connection:
        await held_open(connection, request, _here(request))
        await say(connection, request, visit, answers["words"])
        await conversation.force_wrote(connection, question_of(request), or_missing(visit.person.force_id))
    return RedirectResponse(_here(request), status_code=303)
