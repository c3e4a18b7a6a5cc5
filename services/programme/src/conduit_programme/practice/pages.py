"""Practice questions at the hub: what waits, taking and answering one, bringing a force in, striking what identifies."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms, sent
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, or_missing, with_form
from conduit_programme.practice import conversation, fields, reading, rules, store, turns
from conduit_programme.practice.at_question import QUESTION, held_open, question_of, say, the_question
from conduit_programme.practice.rules import PracticeOutcome, PracticeQuestion, StrikeReason
from conduit_programme.trail import Deed, OvertakenError, UnchangedError
from conduit_web.access import Action, Target
from conduit_web.acts import ActKind
from conduit_web.people import Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
HERE = "/practice-questions"
_LISTS = {"answered": store.answered, "ended": store.ended}
_ENDS = frozenset({PracticeOutcome.ANSWERED, PracticeOutcome.REFERRAL})


async def find_question(request: Request, _person: Person) -> Target | None:
    """The question of the address, if there is one."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "question_id"))
    return Target() if found else None


Answerer = Annotated[Visit, may(Action.ANSWER_PRACTICE_QUESTION)]
AnswererOfOne = Annotated[Visit, may(Action.ANSWER_PRACTICE_QUESTION, find_question)]


def _here(request: Request) -> str:
    return f"{HERE}/{question_of(request)}"


def _back(request: Request) -> Response:
    return RedirectResponse(_here(request), status_code=303)


@router.get(HERE)
async def listed(request: Request, visit: Answerer) -> Response:
    """Those that wait for the hub, the most pressing first; those that were answered; or those that ended."""
    desk, query = desk_of(request), request.query_params
    which = query.get("which", "")
    asked_for = _LISTS.get(which, store.waiting)
    async with acting(request, visit, QUESTION.looking("listed_practice_questions")) as connection:
        found = await asked_for(connection, query.get("after"))
        rows = await reading.listed(connection, found.rows, desk.zone)
        waits = await turns.waiting_for(connection, visit.person, desk.today)
    kept = f"which={which}&" if which in _LISTS else ""
    values: dict[str, Any] = {"rows": rows, "which": which, "more": f"{kept}after={found.after}" if found.after else ""}
    heading = N_("Practice questions")
    return desk.shown.page(request, "practice/list.html", heading, visit=visit, waits=waits, **values)


@router.get(f"{HERE}/{{question_id}}")
async def question(request: Request, visit: AnswererOfOne) -> Response:
    """What was asked, all that was said to it, and what can be done."""
    return await _question(request, visit, {}, {})


async def _question(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    desk = desk_of(request)
    async with acting(request, visit, QUESTION.looking("viewed_practice_question", question_of(request))) as connection:
        known = await reading.shown(connection, await the_question(connection, request), desk.zone)
    more = {"known": known, "mine": known.question.held_by == visit.person.person_id}
    template, heading = "practice/question.html", N_("Practice question")
    return with_form(request, visit, template, heading, fields.ANSWER, answers, problems, **more)


@router.post(f"{HERE}/{{question_id}}/take")
async def take(request: Request, visit: AnswererOfOne) -> Response:
    """Have it from now on, also in another's place. The form says in whose: nobody takes it from whom they did not see."""
    by, seen = visit.person.person_id, visit.form.get("held_by") or None
    async with acting(request, visit, QUESTION.changing("took_practice_question", question_of(request))) as connection:
        found = await held_open(connection, request, _here(request))
        if found.held_by == by:
            raise UnchangedError
        if found.held_by != seen:
            raise OvertakenError(_here(request))
        await store.take(connection, found.question_id, by)
    return _back(request)


async def _held_by_me(connection: Connection, request: Request, visit: Visit) -> PracticeQuestion:
    """The question, while it is open and this officer has it.

    Raises:
        OvertakenError: it ended, or another officer took it.
    """
    found = await held_open(connection, request, _here(request))
    if found.held_by != visit.person.person_id:
        raise OvertakenError(_here(request))
    return found


@router.post(f"{HERE}/{{question_id}}/write")
async def write(request: Request, visit: AnswererOfOne) -> Response:
    """Answer it, or say something first. What the partner wrote in between is still to be answered."""
    answers = forms.read(fields.ANSWER, visit.form)
    problems = fields.said_problems(fields.ANSWER, answers, fields.OFFICIAL)
    if problems:
        return await _question(request, visit, answers, problems)
    is_answer = fields.is_yes(answers, "answers")
    deed = QUESTION.changing(
        "answered_practice_question" if is_answer else "wrote_about_practice_question", question_of(request)
    )
    typed = forms.TypedAnswers(fields.ANSWER, answers)
    async with acting(request, visit, deed, _here(request), typed=typed) as connection:
        found = await _held_by_me(connection, request, visit)
        asked_last = await conversation.last_of(connection, found.question_id, f"partner.{found.partner_id}")
        await say(connection, request, visit, answers["words"], answers=is_answer)
        if is_answer:
            seen = forms.number(visit.form, "seen") or 0
            now = desk_of(request).clock.now()
            await store.note_answer(connection, found.question_id, now, waits_on=asked_last > seen)
    return _back(request)


@router.get(f"{HERE}/{{question_id}}/force")
async def bringing(request: Request, visit: AnswererOfOne) -> Response:
    """Bring a force's people in, where the partner agrees."""
    async with acting(request, visit, QUESTION.looking("viewed_practice_question", question_of(request))) as connection:
        found = await the_question(connection, request)
        asked = fields.bring(await _others(connection, request))
    may_be = found.is_open and found.force_may and found.held_by == visit.person.person_id
    return _bringing(request, visit, asked, {}, {}) if may_be else _back(request)


@router.post(f"{HERE}/{{question_id}}/force")
async def bring(request: Request, visit: AnswererOfOne) -> Response:
    """From now on its people read what is written, beginning with what they are told here."""
    async with postgres.connection(desk_of(request).pool) as connection:
        await sent.not_before(connection, visit)
        asked = fields.bring(await _others(connection, request))
    answers = forms.read(asked, visit.form)
    problems = fields.said_problems(asked, answers, fields.OFFICIAL)
    if problems:
        return _bringing(request, visit, asked, answers, problems)
    deed = Deed(ActKind.DISCLOSURE, "brought_force_in", QUESTION.about, question_of(request))
    typed = forms.TypedAnswers(asked, answers)
    async with acting(request, visit, deed, _here(request), typed=typed) as connection:
        found = await _held_by_me(connection, request, visit)
        if not found.force_may:
            raise TroubleError(Trouble.FORM_REFUSED)
        number = await say(connection, request, visit, answers["words"])
        desk, by = desk_of(request), visit.person.person_id
        until = rules.due_on(desk.today, desk.practice_force_days)
        about = (found.question_id, answers["force"], number, by, desk.clock.now(), until)
        if not await conversation.bring(connection, *about):
            raise OvertakenError(_here(request))
    return _back(request)


async def _others(connection: Connection, request: Request) -> list[str]:
    """Forces that can be brought in and are not yet."""
    part = {each.force_id for each in await conversation.forces(connection, question_of(request))}
    return [each for each in await conversation.registered_forces(connection) if each not in part]


def _bringing(
    request: Request, visit: Visit, asked: tuple[forms.FormField, ...], answers: forms.Answers, problems: forms.Answers
) -> Response:
    more = {"action": f"{_here(request)}/force", "button": N_("Bring them in"), "back": _here(request)}
    return filled(request, visit, N_("Bring a force in"), asked, answers, problems, **more)


@router.post(f"{HERE}/{{question_id}}/end")
async def end(request: Request, visit: AnswererOfOne) -> Response:
    """It is answered, or becomes a referral, which the partner sends and nobody here names."""
    how = visit.form.get("how", "")
    if how not in _ENDS:
        raise TroubleError(Trouble.FORM_REFUSED)
    outcome = PracticeOutcome(how)
    async with acting(request, visit, QUESTION.changing("ended_practice_question", question_of(request))) as connection:
        found = await _held_by_me(connection, request, visit)
        if outcome is PracticeOutcome.ANSWERED and found.waits_until is not None:
            raise OvertakenError(_here(request))
        await store.end(connection, found.question_id, outcome, desk_of(request).clock.now())
    return _back(request)


@router.get(f"{HERE}/{{question_id}}/strike")
async def striking(request: Request, visit: AnswererOfOne) -> Response:
    """Say by what somebody could be known."""
    async with acting(request, visit, QUESTION.looking("viewed_practice_question", question_of(request))) as connection:
        found = await the_question(connection, request)
    return _back(request) if found.struck_why else _striking(request, visit, {}, {})


@router.post(f"{HERE}/{{question_id}}/strike")
async def strike(request: Request, visit: AnswererOfOne) -> Response:
    """End it and delete what everybody wrote, whoever has it and whether or not it ended. The partner is told why."""
    answers = forms.read(fields.STRIKE, visit.form)
    problems = forms.problems(fields.STRIKE, answers)
    if problems:
        return _striking(request, visit, answers, problems)
    async with acting(request, visit, QUESTION.changing("struck_practice_question", question_of(request))) as connection:
        found = or_missing(await store.hold(connection, question_of(request)))
        if found.struck_why is not None:
            raise OvertakenError(_here(request))
        await store.strike(connection, found.question_id, StrikeReason(answers["why"]), desk_of(request).clock.now())
    return _back(request)


def _striking(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    more = {
        "action": f"{_here(request)}/strike",
        "button": N_("Strike and end it"),
        "back": _here(request),
        "about": N_(
            "All words of this conversation are deleted at once, for everybody, and cannot be brought back. The partner"
            " reads why, and can ask again."
        ),
    }
    return filled(request, visit, N_("Strike and end this question"), fields.STRIKE, answers, problems, **more)
