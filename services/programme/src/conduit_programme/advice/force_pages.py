"""National advice as a force's people see it: what holds, what they confirmed, and what their force makes of it.

A draft, and what another force said, are answered as what does not exist.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms, seen
from conduit_programme.advice import fields, reading, standings, store
from conduit_programme.advice.pages import ADVICE, held, the_note
from conduit_programme.advice.reading import ListedNote
from conduit_programme.advice.rules import AdviceNote, AdviceOutcome, AdviceRefusal, AdviceState, ForceStanding
from conduit_programme.advice.standings import GivenAnswer
from conduit_programme.forms import TypedAnswers
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of
from conduit_programme.trail import OvertakenError, UnchangedError
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may, ones_own
from conduit_web.words import N_

router = APIRouter()
HERE = "/national-advice"


async def find_sent(request: Request, person: Person) -> Target | None:
    """The note of the address, where it was ever published."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "note_id"))
    return await ones_own(request, person) if found and found.state is not AdviceState.DRAFT else None


Reader = Annotated[Visit, may(Action.READ_ADVICE)]
ReaderOfOne = Annotated[Visit, may(Action.READ_ADVICE, find_sent)]


def _force_of(visit: Visit) -> str:
    if visit.person.force_id is None:
        raise TroubleError(Trouble.MISSING)
    return visit.person.force_id


def _own(row: ListedNote, force_id: str) -> ForceStanding:
    """How one's own force stands to it. One that the register does not have yet has said nothing."""
    return next((each for each in row.standings if each.force_id == force_id), ForceStanding(force_id))


async def _answered(connection: Connection, request: Request, visit: Visit, note: AdviceNote) -> forms.Answers:
    """What one's own force answered last, with its id and its moment."""
    [row] = await reading.listed(connection, [note], desk_of(request).clock.now())
    answer = _own(row, _force_of(visit)).answer
    return {"answer": str(answer)} if answer else {}


@router.get(HERE)
async def listed(request: Request, visit: Reader) -> Response:
    """What was published, the newest first, each with what one's own force makes of it."""
    desk, force_id = desk_of(request), _force_of(visit)
    async with acting(request, visit, ADVICE.looking("listed_advice")) as connection:
        found = await store.newest(connection, request.query_params.get("after"), drafts=False)
        rows = await reading.listed(connection, found.rows, desk.clock.now())
    own = {each.note.note_id: _own(each, force_id) for each in rows}
    values: dict[str, Any] = {"rows": rows, "own": own, "more": f"after={found.after}" if found.after else ""}
    return desk.shown.page(request, "advice/own_list.html", N_("National advice"), visit=visit, **values)


@router.get(f"{HERE}/{{note_id}}")
async def note(request: Request, visit: ReaderOfOne) -> Response:
    """What it says, what it rests on, and what one's own force makes of it."""
    desk, force_id = desk_of(request), _force_of(visit)
    async with acting(request, visit, ADVICE.looking("viewed_advice", id_of(request, "note_id"))) as connection:
        found = await the_note(connection, request)
        known = await reading.shown(connection, found)
        [row] = await reading.listed(connection, [found], desk.clock.now())
        own = _own(row, force_id)
        said = await standings.answer_words(connection, [own])
    values: dict[str, Any] = {"known": known, "own": own, "said": said}
    return desk.shown.page(request, "advice/own.html", N_("A note of national advice"), visit=visit, **values)


@router.post(f"{HERE}/{{note_id}}/confirm")
async def confirm(request: Request, visit: ReaderOfOne) -> Response:
    """One's own force has read it."""
    note_id, force_id = id_of(request, "note_id"), _force_of(visit)
    async with acting(request, visit, ADVICE.changing("confirmed_advice", note_id)) as connection:
        await held(connection, note_id, f"{HERE}/{note_id}")
        by, now = visit.person.person_id, desk_of(request).clock.now()
        if not await standings.confirm(connection, note_id, force_id, by, now):
            raise UnchangedError
    return _back_to(note_id)


@router.get(f"{HERE}/{{note_id}}/answer")
async def answering(request: Request, visit: ReaderOfOne) -> Response:
    """Say what one's own force makes of it."""
    async with acting(request, visit, ADVICE.looking("viewed_advice", id_of(request, "note_id"))) as connection:
        found = await the_note(connection, request)
        stands = await _answered(connection, request, visit, found)
    return _answering(request, visit, found.note_id, {}, {}, stands) if found.holds else _back_to(found.note_id)


@router.post(f"{HERE}/{{note_id}}/answer")
async def answer(request: Request, visit: ReaderOfOne) -> Response:
    """The last answer holds. Nobody takes the place of a colleague's that they have not read."""
    desk, note_id, answers = desk_of(request), id_of(request, "note_id"), forms.read(fields.ANSWER, visit.form)
    problems = fields.answer_problems(answers, desk.today)
    if problems:
        return _answering(request, visit, note_id, answers, problems, {})
    deed, here = ADVICE.changing("answered_advice", note_id), f"{HERE}/{note_id}"
    async with acting(request, visit, deed, here, typed=TypedAnswers(fields.ANSWER, answers)) as connection:
        note = await held(connection, note_id, here)
        overtaken = OvertakenError(here, again=f"{here}/answer", by=("answered_advice",))
        seen.must_stand(visit, await _answered(connection, request, visit, note), None, overtaken)
        if not await _keep(connection, request, visit, note_id, answers):
            raise TroubleError(Trouble.FORM_REFUSED)
    return _back_to(note_id)


async def _keep(connection: Connection, request: Request, visit: Visit, note_id: UUID, answers: forms.Answers) -> bool:
    outcome = AdviceOutcome(answers["outcome"])
    given = GivenAnswer(
        outcome,
        forms.day(answers, "adopt_by") if outcome is AdviceOutcome.WILL_ADOPT else None,
        AdviceRefusal(answers["why"]) if outcome is AdviceOutcome.NOT_ADOPTED else None,
        answers["words"],
    )
    by, now = visit.person.person_id, desk_of(request).clock.now()
    return await standings.answer(connection, note_id, _force_of(visit), given, by, now)


def _answering(
    request: Request,
    visit: Visit,
    note_id: UUID,
    answers: forms.Answers,
    problems: forms.Answers,
    stands: forms.Answers,
) -> Response:
    back = f"{HERE}/{note_id}"
    more = {"action": f"{back}/answer", "button": N_("Tell the hub"), "back": back}
    more["mark"] = seen.hidden_mark(stands, visit)
    return filled(request, visit, N_("What your force makes of it"), fields.ANSWER, answers, problems, **more)


def _back_to(note_id: UUID) -> Response:
    return RedirectResponse(f"{HERE}/{note_id}", status_code=303)
