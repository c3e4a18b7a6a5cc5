"""Taking a force out of a practice question again: it reads nothing of it from then on, and what it wrote stays.

Any officer can, whoever has the question and whether or not it ended, because a force reads an ended one as well.
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis.postgres import Connection
from conduit_programme import forms
from conduit_programme.pages.at_desk import acting, desk_of, filled, or_missing
from conduit_programme.practice import conversation, fields, store
from conduit_programme.practice.at_question import QUESTION, question_of
from conduit_programme.practice.pages import HERE, AnswererOfOne
from conduit_programme.practice.rules import TakenOutReason
from conduit_programme.trail import Deed, OvertakenError
from conduit_web.acts import ActKind
from conduit_web.html import force_name
from conduit_web.visits import Visit
from conduit_web.words import N_

router = APIRouter()


def _here(request: Request) -> str:
    return f"{HERE}/{question_of(request)}"


@router.get(f"{HERE}/{{question_id}}/forces/{{force_id}}/take-out")
async def taking_out(request: Request, visit: AnswererOfOne, force_id: str) -> Response:
    """Say why."""
    async with acting(request, visit, QUESTION.looking("viewed_practice_question", question_of(request))) as connection:
        is_part = await _is_part(connection, request, force_id)
    return _taking_out(request, visit, force_id, {}, {}) if is_part else _back(request)


@router.post(f"{HERE}/{{question_id}}/forces/{{force_id}}/take-out")
async def take_out(request: Request, visit: AnswererOfOne, force_id: str) -> Response:
    """From the next read on, its people are answered as if there were no such question."""
    answers = forms.read(fields.TAKE_OUT, visit.form)
    problems = forms.problems(fields.TAKE_OUT, answers)
    if problems:
        return _taking_out(request, visit, force_id, answers, problems)
    deed = Deed(ActKind.ALTERATION, "took_force_out", QUESTION.about, question_of(request), answers["why"])
    async with acting(request, visit, deed) as connection:
        found = or_missing(await store.hold(connection, question_of(request)))
        by, now = visit.person.person_id, desk_of(request).clock.now()
        why = TakenOutReason(answers["why"])
        if not await conversation.take_out(connection, found.question_id, force_id, why, by, now):
            raise OvertakenError(_here(request), by=(deed.what,))
    return _back(request)


async def _is_part(connection: Connection, request: Request, force_id: str) -> bool:
    return force_id in {each.force_id for each in await conversation.forces(connection, question_of(request))}


def _back(request: Request) -> Response:
    return RedirectResponse(_here(request), status_code=303)


def _taking_out(request: Request, visit: Visit, force_id: str, answers: forms.Answers, problems: forms.Answers) -> Response:
    more = {
        "action": f"{_here(request)}/forces/{force_id}/take-out",
        "button": N_("Take them out"),
        "back": _here(request),
        "back_name": force_name(force_id),
        "about": N_(
            "Nobody there can open this question any more. They may have read it already: if that does harm, call them. What"
            " they wrote stays, as written by their role."
        ),
    }
    return filled(request, visit, N_("Take a force out again"), fields.TAKE_OUT, answers, problems, **more)
