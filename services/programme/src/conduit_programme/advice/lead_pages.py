"""What the lead alone does with national advice: publish it to every force, and withdraw it."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from conduit_programme import forms, seen
from conduit_programme.advice import fields, publishing, reading, store
from conduit_programme.advice.pages import ADVICE, HERE, back_to, ended, find_note, last_written, the_note
from conduit_programme.advice.rules import AdviceNote, AdviceState
from conduit_programme.experience import released
from conduit_programme.forms import TypedAnswers
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of
from conduit_programme.trail import Deed, OvertakenError
from conduit_web.access import Action
from conduit_web.acts import ActKind
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
Lead = Annotated[Visit, may(Action.PUBLISH_ADVICE, find_note)]


@router.post(f"{HERE}/{{note_id}}/publish")
async def publish(request: Request, visit: Lead) -> Response:
    """Every force is advised from now on, of what the lead read; what the note replaces says so."""
    desk, note_id = desk_of(request), id_of(request, "note_id")
    deed = Deed(ActKind.DISCLOSURE, "published_advice", ADVICE.about, note_id)
    async with publishing.telling(request, visit, deed) as (connection, outbox):
        known = await the_note(connection, request)
        await released.hold_contributors(connection, await store.cited_quotes(connection, note_id))
        held = await store.hold(connection, note_id, known.replaces)
        note, replaced = held[note_id], held.get(known.replaces) if known.replaces else None
        shown = await reading.shown(connection, note)
        if note.state is not AdviceState.DRAFT:
            raise await ended(connection, note, f"{HERE}/{note_id}", as_wanted=note.holds)
        overtaken = OvertakenError(f"{HERE}/{note_id}", last=last_written(note))
        seen.must_stand(visit, fields.draft_answers(shown.draft), None, overtaken)
        if note.confirm_by < desk.today or not _may_be_published(note, known, replaced) or None in shown.quotes.values():
            raise TroubleError(Trouble.FORM_REFUSED)
        by, now = visit.person.person_id, desk.clock.now()
        await store.publish(connection, note, replaced, by, now)
        sent = replace(note, published_at=now)
        publishing.tell(outbox, note_id, publishing.published(shown, sent))
        if replaced is not None:
            gone = replace(replaced, ended_at=now, replaced_by=note_id)
            publishing.tell(outbox, replaced.note_id, publishing.withdrawn(gone))
    return back_to(note_id)


def _may_be_published(note: AdviceNote, known: AdviceNote, replaced: AdviceNote | None) -> bool:
    """Whether it still replaces what was held with it, and that still holds."""
    return note.replaces == known.replaces and (note.replaces is None or (replaced is not None and replaced.holds))


@router.get(f"{HERE}/{{note_id}}/withdraw")
async def withdrawing(request: Request, visit: Lead) -> Response:
    """Say why it holds no longer."""
    async with acting(request, visit, ADVICE.looking("viewed_advice", id_of(request, "note_id"))) as connection:
        found = await the_note(connection, request)
    return _withdrawing(request, visit, found.note_id, {}, {}) if found.holds else back_to(found.note_id)


@router.post(f"{HERE}/{{note_id}}/withdraw")
async def withdraw(request: Request, visit: Lead) -> Response:
    """It holds no longer from this moment."""
    note_id, answers = id_of(request, "note_id"), forms.read(fields.WITHDRAWAL, visit.form)
    problems = forms.problems(fields.WITHDRAWAL, answers)
    if problems:
        return _withdrawing(request, visit, note_id, answers, problems)
    now = desk_of(request).clock.now()
    deed, typed = ADVICE.changing("withdrew_advice", note_id), TypedAnswers(fields.WITHDRAWAL, answers)
    async with publishing.telling(request, visit, deed, typed) as (connection, outbox):
        note = (await store.hold(connection, note_id))[note_id]
        if not note.holds:
            as_wanted = await store.end_words(connection, note) == answers["words"]
            raise await ended(connection, note, f"{HERE}/{note_id}", as_wanted=as_wanted)
        await store.withdraw(connection, note, answers["words"], now)
        publishing.tell(outbox, note_id, publishing.withdrawn(replace(note, ended_at=now), answers["words"]))
    return back_to(note_id)


def _withdrawing(request: Request, visit: Visit, note_id: UUID, answers: forms.Answers, problems: forms.Answers) -> Response:
    back = f"{HERE}/{note_id}"
    more = {"action": f"{back}/withdraw", "button": N_("Withdraw it"), "back": back}
    return filled(request, visit, N_("Withdraw this note"), fields.WITHDRAWAL, answers, problems, **more)
