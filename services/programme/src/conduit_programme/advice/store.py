"""All SQL of notes of national advice, and of what they rest on. Words go through `content`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row
from conduit_programme import content
from conduit_programme.advice.rules import AdviceNote, AdviceState
from conduit_programme.advice.said import AdviceEndWords, AdviceWords
from conduit_programme.four_ps import FourPs
from conduit_web.keys import microseconds, newest_first
from conduit_web.lists import FETCH, ListPage, list_page

_NOTE = """
SELECT note_id, words_id, four_p, confirm_by, replaces, state, written_by, written_at, published_by, published_at, ended_at,
       replaced_by, why_id
FROM advice_notes
"""
_FIND = _NOTE + "WHERE note_id = $1"
_HOLD = _NOTE + "WHERE note_id = ANY($1::uuid[]) ORDER BY note_id FOR UPDATE"
_LIST = f"""
{_NOTE} WHERE {{which}} (coalesce(published_at, written_at), note_id) < ($1, $2)
ORDER BY coalesce(published_at, written_at) DESC, note_id DESC LIMIT {FETCH}
"""
_EVERY, _SENT = _LIST.format(which=""), _LIST.format(which="state <> 'draft' AND")
_HOLDING = _NOTE + "WHERE state = 'published' ORDER BY published_at DESC, note_id"
_BETWEEN = f"""
{_NOTE} WHERE four_p = $1 AND published_at < $3 AND (ended_at IS NULL OR ended_at >= $2) ORDER BY published_at, note_id
"""
_WRITE = """
INSERT INTO advice_notes (note_id, words_id, four_p, confirm_by, replaces, state, written_by, written_at)
VALUES ($1, $2, $3, $4, $5, 'draft', $6, $7)
"""
_REWRITE = """
UPDATE advice_notes SET words_id = $2, four_p = $3, confirm_by = $4, replaces = $5, written_by = $6, written_at = $7
WHERE note_id = $1
"""
_CITE = {
    "insight": "INSERT INTO advice_insights (note_id, insight_id) SELECT $1, unnest($2::uuid[])",
    "quote": "INSERT INTO advice_quotes (note_id, quote_id) SELECT $1, unnest($2::uuid[])",
}
_CITE_NOTHING = ("DELETE FROM advice_insights WHERE note_id = $1", "DELETE FROM advice_quotes WHERE note_id = $1")
_CITED_INSIGHTS = "SELECT insight_id FROM advice_insights WHERE note_id = $1 ORDER BY 1"
_CITED_QUOTES = "SELECT quote_id FROM advice_quotes WHERE note_id = $1 ORDER BY 1"
_CITING = "SELECT insight_id, note_id FROM advice_insights WHERE insight_id = ANY($1::uuid[])"
_THOSE = _NOTE + "WHERE note_id = ANY($1::uuid[]) ORDER BY coalesce(published_at, written_at), note_id"
_TO_CITE = """
SELECT insight_id FROM insights
WHERE considered_at IS NOT NULL ORDER BY heard_at DESC, insight_id DESC LIMIT $1
"""
_PUBLISH = "UPDATE advice_notes SET state = 'published', published_by = $2, published_at = $3 WHERE note_id = $1"
_REPLACE = "UPDATE advice_notes SET state = 'replaced', replaced_by = $2, ended_at = $3 WHERE note_id = $1"
_WITHDRAW = "UPDATE advice_notes SET state = 'withdrawn', why_id = $2, ended_at = $3 WHERE note_id = $1"


@dataclass(frozen=True, slots=True)
class AdviceDraft:
    """What somebody writes, before it is published."""

    title: str
    words: str
    four_p: FourPs
    confirm_by: date
    insight_ids: tuple[UUID, ...]
    quote_ids: tuple[UUID, ...] = ()
    replaces: UUID | None = None

    @property
    def said(self) -> AdviceWords:
        """What of it is content."""
        return AdviceWords(title=self.title, words=self.words)


async def write(connection: Connection, note_id: UUID, draft: AdviceDraft, by: str, now: datetime) -> None:
    """Keep a draft under this id."""
    words_id = await content.write(connection, draft.said, now)
    about = (draft.four_p.value, draft.confirm_by, draft.replaces)
    await connection.execute(_WRITE, note_id, words_id, *about, by, now)
    await _cite(connection, note_id, draft)


async def rewrite(connection: Connection, note: AdviceNote, draft: AdviceDraft, by: str, now: datetime) -> None:
    """Keep this in the place of a draft. Hold it first."""
    words_id = await content.replace(connection, [note.words_id], draft.said, now)
    about = (draft.four_p.value, draft.confirm_by, draft.replaces)
    await connection.execute(_REWRITE, note.note_id, words_id, *about, by, now)
    for statement in _CITE_NOTHING:
        await connection.execute(statement, note.note_id)
    await _cite(connection, note.note_id, draft)


async def _cite(connection: Connection, note_id: UUID, draft: AdviceDraft) -> None:
    await connection.execute(_CITE["insight"], note_id, list(draft.insight_ids))
    await connection.execute(_CITE["quote"], note_id, list(draft.quote_ids))


async def find(connection: Connection, note_id: UUID) -> AdviceNote | None:
    """The note of this id."""
    row = await connection.fetchrow(_FIND, note_id)
    return _note(row) if row else None


async def hold(connection: Connection, *note_ids: UUID | None) -> dict[UUID, AdviceNote]:
    """These, which nobody else changes until the transaction ends."""
    rows = await connection.fetch(_HOLD, [each for each in note_ids if each])
    return {row["note_id"]: _note(row) for row in rows}


async def newest(connection: Connection, after: str | None, *, drafts: bool) -> ListPage[AdviceNote]:
    """All of them, the newest first; without drafts for forces."""
    rows = await connection.fetch(_EVERY if drafts else _SENT, *newest_first(after))
    return list_page(
        [_note(row) for row in rows],
        lambda each: (microseconds(each.published_at or each.written_at), str(each.note_id)),
    )


async def holding(connection: Connection) -> list[AdviceNote]:
    """Those that forces are advised to follow now, the newest first."""
    return [_note(row) for row in await connection.fetch(_HOLDING)]


async def between(connection: Connection, four_p: FourPs, first: datetime, end: datetime) -> list[AdviceNote]:
    """Those of this P that held at any moment from `first` to just before `end`."""
    return [_note(row) for row in await connection.fetch(_BETWEEN, four_p.value, first, end)]


async def words(connection: Connection, notes: Iterable[AdviceNote]) -> dict[UUID, AdviceWords]:
    """What they say, by their ids."""
    asked = list(notes)
    said = await content.read(connection, AdviceWords, [each.words_id for each in asked])
    return {each.note_id: said[each.words_id] for each in asked if each.words_id in said}


async def end_words(connection: Connection, note: AdviceNote) -> str:
    """Why it was withdrawn."""
    said = await content.read(connection, AdviceEndWords, [note.why_id])
    return said[note.why_id].words if note.why_id in said else ""


async def cited_insights(connection: Connection, note_id: UUID) -> list[UUID]:
    """What it rests on of what organisations told the hub."""
    return [row["insight_id"] for row in await connection.fetch(_CITED_INSIGHTS, note_id)]


async def cited_quotes(connection: Connection, note_id: UUID) -> list[UUID]:
    """What it rests on of what contributors said."""
    return [row["quote_id"] for row in await connection.fetch(_CITED_QUOTES, note_id)]


async def citing(connection: Connection, insight_ids: Iterable[UUID]) -> dict[UUID, list[AdviceNote]]:
    """The notes that rest on these insights, by insight, the oldest first."""
    pairs = {(row["insight_id"], row["note_id"]) for row in await connection.fetch(_CITING, list(insight_ids))}
    rows = await connection.fetch(_THOSE, list({note_id for _, note_id in pairs})) if pairs else []
    notes = [_note(row) for row in rows]
    cited = {insight_id for insight_id, _ in pairs}
    return {each: [note for note in notes if (each, note.note_id) in pairs] for each in cited}


async def to_cite(connection: Connection, most: int) -> list[UUID]:
    """The newest insights that somebody has considered."""
    return [row["insight_id"] for row in await connection.fetch(_TO_CITE, most)]


async def publish(connection: Connection, note: AdviceNote, replaced: AdviceNote | None, by: str, now: datetime) -> None:
    """It holds from now on, and what it replaces no longer does. Hold both first."""
    await connection.execute(_PUBLISH, note.note_id, by, now)
    if replaced is not None:
        await connection.execute(_REPLACE, replaced.note_id, note.note_id, now)


async def withdraw(connection: Connection, note: AdviceNote, why: str, now: datetime) -> None:
    """It holds no longer, and says why. Hold it first."""
    why_id = await content.write(connection, AdviceEndWords(words=why), now)
    await connection.execute(_WITHDRAW, note.note_id, why_id, now)


def _note(row: Row) -> AdviceNote:
    return AdviceNote(**{**row, "four_p": FourPs(row["four_p"]), "state": AdviceState(row["state"])})
