"""National advice at the hub: drafts, what was published, and what each force makes of it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_contracts.ids import uuid7
from conduit_programme import forms, seen
from conduit_programme.advice import fields, reading, standings, store
from conduit_programme.advice.rules import MOST_CITED, AdviceNote, AdviceState
from conduit_programme.advice.store import AdviceDraft
from conduit_programme.experience import reading as telling
from conduit_programme.forms import FormField, TypedAnswers
from conduit_programme.insight import store as insights
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, or_missing
from conduit_programme.rules import LastChange
from conduit_programme.trail import DeedsAbout, OvertakenError
from conduit_programme.wording import day
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
ADVICE = DeedsAbout("advice")
HERE = "/advice"
_SHORT = 160


async def find_note(request: Request, _person: Person) -> Target | None:
    """The note of the address, if there is one."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await store.find(connection, id_of(request, "note_id"))
    return Target() if found else None


Writer = Annotated[Visit, may(Action.WRITE_ADVICE)]
WriterOfOne = Annotated[Visit, may(Action.WRITE_ADVICE, find_note)]


async def the_note(connection: Connection, request: Request) -> AdviceNote:
    """The note of the address."""
    return or_missing(await store.find(connection, id_of(request, "note_id")))


async def held(connection: Connection, note_id: UUID, leads_to: str) -> AdviceNote:
    """The note, which nobody withdraws before the transaction ends.

    Raises:
        OvertakenError: it holds no longer, or never did; the page at `leads_to` says how it stands.
    """
    found = (await store.hold(connection, note_id))[note_id]
    if not found.holds:
        raise await ended(connection, found, leads_to)
    return found


async def ended(connection: Connection, note: AdviceNote, leads_to: str, *, as_wanted: bool = False) -> OvertakenError:
    """Who published or withdrew it, or published what took its place."""
    by, last = ("published_advice", "withdrew_advice"), None
    successor = await store.find(connection, note.replaced_by) if note.replaced_by else None
    if successor is not None and successor.published_by and note.ended_at:
        last = LastChange(successor.published_by, "published_advice", note.ended_at)
    return OvertakenError(leads_to, by=by, last=last, as_wanted=as_wanted)


def back_to(note_id: UUID) -> Response:
    """To its page, after a change."""
    return RedirectResponse(f"{HERE}/{note_id}", status_code=303)


@router.get(HERE)
async def listed(request: Request, visit: Writer) -> Response:
    """All notes, the newest first, and how each force stands to those that hold."""
    desk = desk_of(request)
    async with acting(request, visit, ADVICE.looking("listed_advice")) as connection:
        found = await store.newest(connection, request.query_params.get("after"), drafts=True)
        rows = await reading.listed(connection, found.rows, desk.clock.now())
        holding = await reading.listed(connection, await store.holding(connection), desk.clock.now())
    forces = reading.by_force(holding, desk.today)
    values: dict[str, Any] = {"rows": rows, "more": f"after={found.after}" if found.after else "", "forces": forces}
    return desk.shown.page(request, "advice/list.html", N_("National advice"), visit=visit, **values)


@router.get(f"{HERE}/new")
async def new(request: Request, visit: Writer) -> Response:
    """Begin a draft."""
    async with acting(request, visit, ADVICE.looking("listed_advice")) as connection:
        asked = await _asked(connection)
    return _draft(request, visit, asked, {}, {})


@router.post(f"{HERE}/new")
async def write(request: Request, visit: Writer) -> Response:
    """Keep a draft, and go to its page."""
    desk = desk_of(request)
    async with acting(request, visit, ADVICE.looking("listed_advice")) as connection:
        asked = await _asked(connection)
    answers = forms.read(asked, visit.form)
    problems, confirm_by = fields.draft_problems(asked, answers, desk.today), forms.day(answers, "confirm_by")
    if problems or confirm_by is None:
        return _draft(request, visit, asked, answers, problems)
    note_id, written = uuid7(desk.clock.now()), fields.read_draft(answers, confirm_by)
    async with acting(request, visit, ADVICE.changing("wrote_advice", note_id), f"{HERE}/{note_id}") as connection:
        await store.write(connection, note_id, written, visit.person.person_id, desk.clock.now())
    return back_to(note_id)


async def _asked(connection: Connection, note: AdviceNote | None = None) -> tuple[FormField, ...]:
    """The form, with what may be cited and replaced now, and what the draft cites already."""
    cited = await store.cited_insights(connection, note.note_id) if note else []
    offered = await insights.those(connection, {*cited, *await store.to_cite(connection, MOST_CITED - len(cited))})
    heard = await insights.heard_words(connection, offered)
    said = {
        str(each.insight_id): f"{day(each.heard_on)}, {each.organisation_name}: {_shortened(heard.get(each.insight_id, ''))}"
        for each in offered
    }
    quotes, _ = await telling.publishable(connection, None)
    kept = await reading.quotes(connection, await store.cited_quotes(connection, note.note_id)) if note else {}
    quotes = {each: words for each, words in {**kept, **quotes}.items() if words}
    holding = await store.holding(connection)
    titles = {str(note_id): words.title for note_id, words in (await store.words(connection, holding)).items()}
    return fields.draft(said, {str(each): words for each, words in quotes.items()}, titles)


def _shortened(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _SHORT else f"{line[:_SHORT]}…"


def _draft(
    request: Request,
    visit: Visit,
    asked: tuple[FormField, ...],
    answers: forms.Answers,
    problems: forms.Answers,
    note_id: UUID | None = None,
) -> Response:
    here = f"{HERE}/{note_id}" if note_id else HERE
    more = {
        "action": f"{here}/change" if note_id else f"{HERE}/new",
        "button": N_("Keep the draft"),
        "back": here,
        "about": N_("Nobody but the hub sees a draft. A lead publishes it."),
        "mark": seen.hidden_mark(answers, visit) if note_id else "",
    }
    return filled(request, visit, N_("A note of national advice"), asked, answers, problems, **more)


@router.get(f"{HERE}/{{note_id}}")
async def note(request: Request, visit: WriterOfOne) -> Response:
    """What it says, what it rests on, and what each force makes of it."""
    desk = desk_of(request)
    async with acting(request, visit, ADVICE.looking("viewed_advice", id_of(request, "note_id"))) as connection:
        found = await the_note(connection, request)
        known = await reading.shown(connection, found)
        [row] = await reading.listed(connection, [found], desk.clock.now())
        said = await standings.answer_words(connection, row.standings)
    values: dict[str, Any] = {"known": known, "row": row, "said": said}
    values["mark"] = seen.hidden_mark(fields.draft_answers(known.draft))
    return desk.shown.page(request, "advice/note.html", N_("A note of national advice"), visit=visit, **values)


@router.get(f"{HERE}/{{note_id}}/change")
async def change(request: Request, visit: WriterOfOne) -> Response:
    """A draft, to be changed."""
    async with acting(request, visit, ADVICE.looking("viewed_advice", id_of(request, "note_id"))) as connection:
        found = await the_note(connection, request)
        known = await reading.shown(connection, found)
        asked = await _asked(connection, found)
    if found.state is not AdviceState.DRAFT:
        return back_to(found.note_id)
    return _draft(request, visit, asked, fields.draft_answers(known.draft), {}, found.note_id)


@router.post(f"{HERE}/{{note_id}}/change")
async def rewrite(request: Request, visit: WriterOfOne) -> Response:
    """Keep this in the place of the draft."""
    desk, note_id = desk_of(request), id_of(request, "note_id")
    async with acting(request, visit, ADVICE.looking("viewed_advice", note_id)) as connection:
        asked = await _asked(connection, await the_note(connection, request))
    answers = forms.read(asked, visit.form)
    problems, confirm_by = fields.draft_problems(asked, answers, desk.today), forms.day(answers, "confirm_by")
    if problems or confirm_by is None:
        return _draft(request, visit, asked, answers, problems, note_id)
    deed, typed = ADVICE.changing("wrote_advice", note_id), TypedAnswers(asked, answers)
    async with acting(request, visit, deed, typed=typed) as connection:
        await _rewrite(connection, request, visit, note_id, fields.read_draft(answers, confirm_by))
    return back_to(note_id)


async def _rewrite(connection: Connection, request: Request, visit: Visit, note_id: UUID, written: AdviceDraft) -> None:
    note, here = (await store.hold(connection, note_id))[note_id], f"{HERE}/{note_id}"
    if note.state is not AdviceState.DRAFT:
        raise await ended(connection, note, here)
    known = await reading.shown(connection, note)
    overtaken = OvertakenError(here, again=f"{here}/change", last=last_written(note))
    seen.must_stand(visit, fields.draft_answers(known.draft), fields.draft_answers(written), overtaken)
    await store.rewrite(connection, note, written, visit.person.person_id, desk_of(request).clock.now())


def last_written(note: AdviceNote) -> LastChange:
    """Who wrote the draft, as it stands now."""
    return LastChange(note.written_by, "wrote_advice", note.written_at)
