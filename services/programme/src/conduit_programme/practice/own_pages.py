"""A partner's own practice questions: danger asked first, then a question that identifies nobody, and what was said to it.

What another partner asked is answered exactly as what does not exist. Who says that a child is in danger is told what to do,
and nothing is kept of it but that somebody said so.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_contracts.ids import uuid7
from conduit_programme import forms
from conduit_programme.pages.at_desk import acting, desk_of, id_of, or_missing, with_form
from conduit_programme.practice import fields, reading, rules, store, turns
from conduit_programme.practice.at_question import QUESTION, held_open, question_of, say, the_question
from conduit_programme.practice.rules import PracticeKind, PracticeOutcome
from conduit_programme.practice.store import AskedQuestion
from conduit_programme.trail import Deed, UnchangedError
from conduit_web.access import Action, Target
from conduit_web.acts import ActKind
from conduit_web.people import Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
HERE = "/our-questions"
_DANGER, _IN_DANGER, _NEW = f"{HERE}/danger", f"{HERE}/in-danger", f"{HERE}/new?danger=no"
_SAID = Deed(ActKind.ALTERATION, "said_whether_in_danger")
ASK = N_("Ask for advice")
_ENDS = frozenset({PracticeOutcome.ANSWERED, PracticeOutcome.REFERRAL, PracticeOutcome.WITHDRAWN})


async def find_own(request: Request, person: Person) -> Target | None:
    """The question of the address, where somebody of the person's own partner asked it."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "question_id"))
    return Target(partner_id=found.partner_id) if found and found.partner_id == person.partner_id else None


Asker = Annotated[Visit, may(Action.ASK_PRACTICE_QUESTION)]
AskerOfOne = Annotated[Visit, may(Action.ASK_PRACTICE_QUESTION, find_own)]


def _here(request: Request) -> str:
    return f"{HERE}/{question_of(request)}"


def _back(request: Request) -> Response:
    return RedirectResponse(_here(request), status_code=303)


@router.get(HERE)
async def listed(request: Request, visit: Asker) -> Response:
    """All that one's own partner asked, the newest first."""
    desk, after = desk_of(request), request.query_params.get("after")
    async with acting(request, visit, QUESTION.looking("listed_practice_questions")) as connection:
        found = await store.of_partner(connection, or_missing(visit.person.partner_id), after)
        rows = await reading.listed(connection, found.rows, desk.zone)
        waits = await turns.waiting_for(connection, visit.person, desk.today)
    values: dict[str, Any] = {"rows": rows, "waits": waits, "more": f"after={found.after}" if found.after else ""}
    values["days"] = desk.practice_answer_days
    return desk.shown.page(request, "practice/own_list.html", ASK, visit=visit, **values)


@router.get(_DANGER)
async def danger(request: Request, visit: Asker) -> Response:
    """The first question of all."""
    return _danger(request, visit, {})


@router.post(_DANGER)
async def say_danger(request: Request, visit: Asker) -> Response:
    """Whoever says yes is told what to do, and is counted; whoever says no can ask."""
    desk, answers = desk_of(request), forms.read(fields.DANGER, visit.form)
    problems = forms.problems(fields.DANGER, answers)
    if problems:
        return _danger(request, visit, problems)
    in_danger = fields.is_yes(answers, "danger")
    # Of a form that said no nothing is remembered: whoever goes back and says yes is told what to do.
    async with acting(request, visit, _SAID, _IN_DANGER if in_danger else None) as connection:
        if in_danger:
            await store.count_danger(connection, desk.today)
    return RedirectResponse(_IN_DANGER if in_danger else _NEW, status_code=303)


def _danger(request: Request, visit: Visit, problems: forms.Answers) -> Response:
    return with_form(request, visit, "practice/danger.html", ASK, fields.DANGER, {}, problems)


@router.get(_IN_DANGER)
async def what_to_do_now(request: Request, visit: Asker) -> Response:
    """What to do now."""
    return desk_of(request).shown.page(request, "practice/in_danger.html", N_("Call 999 now"), visit=visit)


@router.get(f"{HERE}/new")
async def new(request: Request, visit: Asker) -> Response:
    """Ask something, once it is said that no child is in danger."""
    return _said_first(request) or _new(request, visit, {}, {})


@router.post(f"{HERE}/new")
async def ask(request: Request, visit: Asker) -> Response:
    """Keep it, and show by when there will be an answer. What could identify somebody is to be struck first."""
    if instead := _said_first(request):
        return instead
    desk, answers = desk_of(request), forms.read(fields.ASK, visit.form)
    problems = fields.asked_problems(answers, desk.today)
    if problems:
        return _new(request, visit, answers, problems)
    question_id = uuid7(desk.clock.now())
    leads_to = f"{HERE}/{question_id}"
    async with acting(request, visit, QUESTION.changing("asked_practice_question", question_id), leads_to) as connection:
        asked = AskedQuestion(
            or_missing(visit.person.partner_id),
            PracticeKind(answers["kind"]),
            answers["words"],
            rules.due_on(desk.today, desk.practice_answer_days, forms.day(answers, "needed_by")),
            fields.areas(answers),
            fields.is_yes(answers, "force_may"),
            question_id,
        )
        await store.ask(connection, asked, visit.person.person_id, desk.clock.now())
    return RedirectResponse(leads_to, status_code=303)


def _said_first(request: Request) -> Response | None:
    """Back to the first question, where it was not answered yet."""
    return None if request.query_params.get("danger") == fields.NO else RedirectResponse(_DANGER, status_code=303)


def _new(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    days = desk_of(request).practice_answer_days
    return with_form(request, visit, "practice/ask.html", ASK, fields.ASK, answers, problems, days=days, action=_NEW)


@router.get(f"{HERE}/{{question_id}}")
async def question(request: Request, visit: AskerOfOne) -> Response:
    """What was asked, what was said to it, and what happens next."""
    return await _question(request, visit, {}, {})


async def _question(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    desk = desk_of(request)
    async with acting(request, visit, QUESTION.looking("viewed_practice_question", question_of(request))) as connection:
        known = await reading.shown(connection, await the_question(connection, request), desk.zone)
    template, heading = "practice/own.html", N_("Your question")
    return with_form(request, visit, template, heading, fields.MESSAGE, answers, problems, known=known)


@router.post(f"{HERE}/{{question_id}}/write")
async def write(request: Request, visit: AskerOfOne) -> Response:
    """Say something more. It is the hub's turn from then on."""
    desk, answers = desk_of(request), forms.read(fields.MESSAGE, visit.form)
    problems = fields.said_problems(fields.MESSAGE, answers, fields.PARTNERS)
    if problems:
        return await _question(request, visit, answers, problems)
    here = _here(request)
    deed = QUESTION.changing("wrote_about_practice_question", question_of(request))
    typed = forms.TypedAnswers(fields.MESSAGE, answers)
    async with acting(request, visit, deed, here, typed=typed) as connection:
        found = await held_open(connection, request, here)
        await say(connection, request, visit, answers["words"])
        await store.wait_again(connection, found.question_id, rules.due_on(desk.today, desk.practice_answer_days))
    return _back(request)


@router.post(f"{HERE}/{{question_id}}/allow")
async def allow(request: Request, visit: AskerOfOne) -> Response:
    """Agree that a force's people are brought in."""
    async with acting(request, visit, QUESTION.changing("let_force_be_asked", question_of(request))) as connection:
        found = await held_open(connection, request, _here(request))
        if not await store.allow(connection, found.question_id):
            raise UnchangedError
    return _back(request)


@router.post(f"{HERE}/{{question_id}}/end")
async def end(request: Request, visit: AskerOfOne) -> Response:
    """It is answered, becomes a referral, or is taken back. Which referral is asked of nobody."""
    how = visit.form.get("how", "")
    if how not in _ENDS:
        raise TroubleError(Trouble.FORM_REFUSED)
    outcome, now = PracticeOutcome(how), desk_of(request).clock.now()
    taken_back = outcome is PracticeOutcome.WITHDRAWN
    what = "withdrew_practice_question" if taken_back else "ended_practice_question"
    async with acting(request, visit, QUESTION.changing(what, question_of(request))) as connection:
        found = await held_open(connection, request, _here(request))
        if taken_back:
            await store.withdraw(connection, found.question_id, now)
        elif outcome is PracticeOutcome.ANSWERED and found.answered_at is None:
            raise TroubleError(Trouble.FORM_REFUSED)
        else:
            await store.end(connection, found.question_id, outcome, now)
    return _back(request)
