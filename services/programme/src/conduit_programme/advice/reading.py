"""Notes of national advice as pages show them: with words, with what they rest on, and with what forces make of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_programme.advice import standings, store
from conduit_programme.advice.rules import AdviceCounts, AdviceNote, AdviceState, ForceStanding, counted
from conduit_programme.advice.said import AdviceWords
from conduit_programme.advice.store import AdviceDraft
from conduit_programme.experience import reading as telling
from conduit_programme.experience import store as experience
from conduit_programme.experience.rules import ConsentPurpose
from conduit_programme.insight import store as insight
from conduit_programme.insight.rules import KnownInsight, SpeakerRole

DELETED = AdviceWords(title="", words="")


@dataclass(frozen=True, slots=True)
class ListedNote:
    """A line of a list."""

    note: AdviceNote
    title: str
    standings: Sequence[ForceStanding]

    @property
    def counts(self) -> AdviceCounts:
        """How forces stand to it."""
        return counted(self.standings)


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A note with all that it rests on."""

    note: AdviceNote
    said: AdviceWords
    insights: Sequence[KnownInsight]
    cited_words: Mapping[UUID, str]
    """What was heard, by insight. The hub's pages alone show it."""
    quotes: Mapping[UUID, str | None]
    """What contributors said, by quote; None where they do not agree to be published now."""
    why: str
    """Why it was withdrawn."""
    successor: str
    """What the note that took its place is about."""

    @property
    def speakers(self) -> list[tuple[SpeakerRole, int]]:
        """Who told the hub what it rests on, by role, most often first."""
        return Counter(each.speaker for each in self.insights).most_common()

    @property
    def draft(self) -> AdviceDraft:
        """What was written, to be changed."""
        note = self.note
        cited = tuple(each.insight_id for each in self.insights)
        return AdviceDraft(
            self.said.title, self.said.words, note.four_p, note.confirm_by, cited, tuple(self.quotes), note.replaces
        )


async def listed(connection: Connection, notes: Sequence[AdviceNote], until: datetime) -> list[ListedNote]:
    """These as a list shows them, with how forces stood to them at a moment."""
    said = await store.words(connection, notes)
    stood = await standings.of_notes(connection, notes, until)
    return [ListedNote(each, said.get(each.note_id, DELETED).title, stood.get(each.note_id, ())) for each in notes]


async def shown(connection: Connection, note: AdviceNote) -> ShownNote:
    """One whole. Note the view before it is shown."""
    insights = await insight.those(connection, await store.cited_insights(connection, note.note_id))
    successor = await store.find(connection, note.replaced_by) if note.replaced_by else None
    said = await store.words(connection, [note, successor] if successor else [note])
    return ShownNote(
        note,
        said.get(note.note_id, DELETED),
        insights,
        await insight.heard_words(connection, insights),
        await quotes(connection, await store.cited_quotes(connection, note.note_id)),
        await store.end_words(connection, note),
        said.get(successor.note_id, DELETED).title if successor else "",
    )


@dataclass(frozen=True, slots=True)
class CitingNote:
    """A note that rests on an insight."""

    note: AdviceNote
    title: str


async def citing(connection: Connection, insights: Sequence[KnownInsight], *, drafts: bool) -> dict[UUID, list[CitingNote]]:
    """What rests on these, by insight, the oldest first; drafts are the hub's alone."""
    found = await store.citing(connection, [each.insight_id for each in insights])
    said = await store.words(connection, {note.note_id: note for notes in found.values() for note in notes}.values())
    return {
        insight_id: [
            CitingNote(note, said.get(note.note_id, DELETED).title)
            for note in notes
            if drafts or note.state is not AdviceState.DRAFT
        ]
        for insight_id, notes in found.items()
    }


async def quotes(connection: Connection, quote_ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """What these say, as far as who said it agrees to be published now."""
    kept = await experience.quotes(connection, quote_ids)
    said = await telling.words(connection, kept.values(), ConsentPurpose.PUBLISH)
    return {each: said.get(each) for each in quote_ids}


def by_force(notes: Sequence[ListedNote], today: date) -> dict[str, tuple[AdviceCounts, int]]:
    """How each force stands to these, and how often the day has passed by which it said that it would adopt one. Pure."""
    found: dict[str, list[ForceStanding]] = {}
    for note in notes:
        for each in note.standings:
            found.setdefault(each.force_id, []).append(each)
    return {force: (counted(stood), sum(each.is_late(today) for each in stood)) for force, stood in found.items()}
