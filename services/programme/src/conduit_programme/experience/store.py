"""SQL of contributors, their consents and what they said. Words, names and contacts go through `content`.

Whoever changes a consent, keeps words or publishes them holds the contributor's row, so that no withdrawal is overtaken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID, uuid4

from conduit_chassis.postgres import Connection, Row
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_programme.experience.rules import ConsentLine, ConsentPurpose, falls_with, standing
from conduit_programme.experience.said import ContributorContact, ContributorName, QuoteWords
from conduit_programme.rules import HowMany
from conduit_web.keys import FIRST_ID, day_numbered, identity, microseconds, newest_first
from conduit_web.lists import FETCH, ListPage, list_page, read_key

HUB, PARTNER, CONTRIBUTOR = "hub", "partner", "contributor"
_COLUMNS = "contributor_id, organisation_id, name_id, contact_id, limits_on, limits_by, reviewed_on, begun_at"
_BEGIN = f"""
INSERT INTO contributors ({_COLUMNS}, begun_by) VALUES ($1, $2, $3, NULL, $4, $5, $6, $7, $8)
"""  # noqa: S608 - constants
_FIND = f"SELECT {_COLUMNS} FROM contributors WHERE contributor_id = $1 AND forgotten_at IS NULL"  # noqa: S608 - constants
_HOLD = f"{_FIND} FOR UPDATE"
_WAS_BEGUN = "SELECT true FROM contributors WHERE contributor_id = $1"
_NEWEST = f"""
SELECT {_COLUMNS} FROM contributors
WHERE forgotten_at IS NULL AND (begun_at, contributor_id) < ($1, $2)
ORDER BY begun_at DESC, contributor_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_TO_REVIEW = f"""
SELECT {_COLUMNS} FROM contributors
WHERE forgotten_at IS NULL AND reviewed_on <= $1 AND (reviewed_on, contributor_id) > ($2, $3)
ORDER BY reviewed_on, contributor_id LIMIT {FETCH}
"""  # noqa: S608 - constants
_HOW_MANY_TO_REVIEW = "SELECT count(*) FROM contributors WHERE forgotten_at IS NULL AND reviewed_on <= $1"
_REVIEWED = "UPDATE contributors SET reviewed_on = $2 WHERE contributor_id = $1"
_CONTACT = "UPDATE contributors SET contact_id = $2 WHERE contributor_id = $1"
_FORGET = "UPDATE contributors SET name_id = NULL, contact_id = NULL, forgotten_at = $2 WHERE contributor_id = $1"
_FORGET_CHECKS = """
DELETE FROM wellbeing_checks WHERE conversation_id IN (SELECT conversation_id FROM conversations WHERE contributor_id = $1)
"""
_LAST_CONSENTS = """
SELECT DISTINCT ON (contributor_id, purpose) contributor_id, purpose, given, on_day, said_by FROM consents
WHERE contributor_id = ANY($1::uuid[]) ORDER BY contributor_id, purpose, consent_id DESC
"""
_CONSENTS = """
SELECT purpose, given, on_day, said_by FROM consents WHERE contributor_id = $1 ORDER BY consent_id
"""
_NOTE_CONSENT = """
INSERT INTO consents (contributor_id, purpose, given, on_day, said_by, told_of_print, noted_by, noted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_KEEP = """
INSERT INTO quotes (quote_id, contributor_id, conversation_id, words_id, kept_at) VALUES ($1, $2, $3, $4, $5)
"""
_QUOTES_OF = """
SELECT quote_id, contributor_id, conversation_id, words_id, kept_at FROM quotes
WHERE contributor_id = $1 AND gone_at IS NULL ORDER BY kept_at, quote_id
"""
_NEWEST_QUOTES = f"""
SELECT quote_id, contributor_id, conversation_id, words_id, kept_at FROM quotes
WHERE gone_at IS NULL AND (kept_at, quote_id) < ($1, $2) ORDER BY kept_at DESC, quote_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_QUOTES = """
SELECT quote_id, contributor_id, conversation_id, words_id, kept_at FROM quotes
WHERE gone_at IS NULL AND quote_id = ANY($1::uuid[])
"""
_IS_LOST = "SELECT true FROM quotes WHERE quote_id = $1 AND contributor_id = $2 AND gone_at IS NOT NULL"
# The words' ids are needed after they are gone from the rows: what is erased is named by the row before it.
_LOSE = """
UPDATE quotes AS after SET words_id = NULL, gone_at = $2 FROM quotes AS before
WHERE after.quote_id = before.quote_id AND after.gone_at IS NULL AND after.quote_id = ANY($1::uuid[])
RETURNING before.words_id
"""
_WITHDRAW_FROM_RELEASES = """
WITH holding AS (
    UPDATE releases SET revision = revision + 1 WHERE release_id IN (
        SELECT release_id FROM release_quotes WHERE gone_in IS NULL AND quote_id = ANY($1::uuid[])
    ) RETURNING release_id, revision
), revised AS (
    INSERT INTO release_revisions (release_id, revision, revised_at) SELECT release_id, revision, $2 FROM holding
)
UPDATE release_quotes SET gone_in = holding.revision FROM holding
WHERE release_quotes.release_id = holding.release_id AND gone_in IS NULL AND quote_id = ANY($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class KnownContributor:
    """Somebody who tells what they lived through. `organisation_id` is their partner, through which they are reached."""

    contributor_id: UUID
    organisation_id: UUID
    name_id: UUID
    contact_id: UUID | None
    limits_on: date
    limits_by: str
    reviewed_on: date
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class KeptQuote:
    """Words of a contributor, by id."""

    quote_id: UUID
    contributor_id: UUID
    conversation_id: UUID
    words_id: UUID
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class BegunContributor:
    """What is written down of somebody first. That the limits were explained is part of it: before that there is nothing."""

    organisation_id: UUID
    pseudonym: str
    limits_on: date
    limits_by: str
    contributor_id: UUID = field(default_factory=uuid4)
    """By chance: it says nothing of anybody."""


async def begin(connection: Connection, begun: BegunContributor, by: str, now: datetime) -> UUID:
    """Keep somebody by their id and the pseudonym that the partner chose."""
    name_id = await content.write(connection, ContributorName(pseudonym=begun.pseudonym), now)
    about = (begun.limits_on, begun.limits_by, begun.limits_on, now, by)
    await connection.execute(_BEGIN, begun.contributor_id, begun.organisation_id, name_id, *about)
    return begun.contributor_id


async def find(connection: Connection, contributor_id: UUID) -> KnownContributor | None:
    """Who is kept under this id; None also once they are forgotten."""
    row = await connection.fetchrow(_FIND, contributor_id)
    return KnownContributor(**row) if row else None


async def hold(connection: Connection, contributor_id: UUID) -> KnownContributor | None:
    """The same, and nobody else changes anything of them until the transaction ends."""
    row = await connection.fetchrow(_HOLD, contributor_id)
    return KnownContributor(**row) if row else None


async def was_begun(connection: Connection, contributor_id: UUID) -> bool:
    """Whether somebody was ever kept under this id, forgotten by now or not."""
    return bool(await connection.fetchval(_WAS_BEGUN, contributor_id))


async def newest(connection: Connection, after: str | None) -> ListPage[KnownContributor]:
    """All of them, the newest first."""
    rows = await connection.fetch(_NEWEST, *newest_first(after))
    found = [KnownContributor(**row) for row in rows]
    return list_page(found, lambda each: (microseconds(each.begun_at), str(each.contributor_id)))


async def to_review(connection: Connection, last_reviewed: date, after: str | None) -> ListPage[KnownContributor]:
    """Whose consents nobody has looked at since that day, the longest first."""
    ordinal, last = read_key(after, int, str) or (1, str(FIRST_ID))
    since = day_numbered(int(ordinal))
    rows = await connection.fetch(_TO_REVIEW, last_reviewed, since, identity(str(last)))
    found = [KnownContributor(**row) for row in rows]
    return list_page(found, lambda each: (each.reviewed_on.toordinal(), str(each.contributor_id)))


async def how_many_to_review(connection: Connection, last_reviewed: date) -> HowMany:
    """Whose consents nobody has looked at since that day: all of them are late."""
    found = await connection.fetchval(_HOW_MANY_TO_REVIEW, last_reviewed)
    return HowMany(found, found)


async def pseudonyms(connection: Connection, known: Iterable[KnownContributor]) -> dict[UUID, str]:
    """What the partners call them, by their ids."""
    people = list(known)
    said = await content.read(connection, ContributorName, [each.name_id for each in people])
    return {each.contributor_id: said[each.name_id].pseudonym for each in people if each.name_id in said}


async def contact_words(connection: Connection, known: KnownContributor) -> str:
    """How to reach them, where it is not through the partner."""
    said = await content.read(connection, ContributorContact, [known.contact_id])
    return "".join(each.words for each in said.values())


async def put_contact(connection: Connection, known: KnownContributor, words: str, now: datetime) -> None:
    """Reach them so from now on; without words, through the partner."""
    said = ContributorContact(words=words) if words else None
    contact_id = await content.replace(connection, [known.contact_id], said, now)
    await connection.execute(_CONTACT, known.contributor_id, contact_id)


async def reviewed(connection: Connection, contributor_id: UUID, on_day: date) -> None:
    """Somebody asked them again, and what stands was meant to."""
    await connection.execute(_REVIEWED, contributor_id, on_day)


async def consents(connection: Connection, contributor_id: UUID) -> list[ConsentLine]:
    """All that was ever given or withdrawn, the first first."""
    return [_line(row) for row in await connection.fetch(_CONSENTS, contributor_id)]


async def standing_of(connection: Connection, contributor_ids: Iterable[UUID]) -> dict[UUID, frozenset[ConsentPurpose]]:
    """What each of them agrees to now."""
    found: dict[UUID, list[ConsentLine]] = {each: [] for each in contributor_ids}
    for row in await connection.fetch(_LAST_CONSENTS, list(found)):
        found[row["contributor_id"]].append(_line(row))
    return {contributor_id: standing(lines) for contributor_id, lines in found.items()}


@dataclass(frozen=True, slots=True)
class ConsentNote:
    """Who said when, and who noted it."""

    on_day: date
    said_by: str
    noted_by: str
    noted_at: datetime


async def give(
    connection: Connection, contributor_id: UUID, purpose: ConsentPurpose, note: ConsentNote, *, told_of_print: bool
) -> None:
    """They agree to this from now on."""
    about = (True, note.on_day, note.said_by, told_of_print, note.noted_by, note.noted_at)
    await connection.execute(_NOTE_CONSENT, contributor_id, purpose.value, *about)


async def withdraw(connection: Connection, known: KnownContributor, purpose: ConsentPurpose, note: ConsentNote) -> bool:
    """They no longer agree to this, nor to what needs it. Hold them first. What rested on it goes with it.

    False where they agreed to none of it.
    """
    stand = (await standing_of(connection, [known.contributor_id]))[known.contributor_id]
    ends = {each for each in falls_with(purpose) if each in stand}
    for each in sorted(ends):
        about = (False, note.on_day, note.said_by, False, note.noted_by, note.noted_at)
        await connection.execute(_NOTE_CONSENT, known.contributor_id, each.value, *about)
    held = [quote.quote_id for quote in await quotes_of(connection, known.contributor_id)]
    if ConsentPurpose.PUBLISH in ends:
        await connection.execute(_WITHDRAW_FROM_RELEASES, held, note.noted_at)
    if ConsentPurpose.RECORD in ends:
        await lose(connection, held, note.noted_at)
    if ConsentPurpose.CONTACT in ends:
        await put_contact(connection, known, "", note.noted_at)
    return bool(ends)


async def forget(connection: Connection, known: KnownContributor, note: ConsentNote) -> None:
    """Withdraw all, and delete the pseudonym, what they said and how they were. Hold them first. What stays has no name."""
    for purpose in ConsentPurpose:
        await withdraw(connection, known, purpose, note)
    await lose(connection, [each.quote_id for each in await quotes_of(connection, known.contributor_id)], note.noted_at)
    await content.erase(connection, [known.name_id, known.contact_id])
    await connection.execute(_FORGET_CHECKS, known.contributor_id)
    await connection.execute(_FORGET, known.contributor_id, note.noted_at)


async def keep(connection: Connection, contributor_id: UUID, conversation_id: UUID, words: str, now: datetime) -> UUID:
    """Write down what they said. Hold them first, and see that they agree."""
    quote_id = uuid7(now)
    words_id = await content.write(connection, QuoteWords(words=words), now)
    await connection.execute(_KEEP, quote_id, contributor_id, conversation_id, words_id, now)
    return quote_id


async def quotes_of(connection: Connection, contributor_id: UUID) -> list[KeptQuote]:
    """Of one contributor, in the order in which they were written down."""
    return [KeptQuote(**row) for row in await connection.fetch(_QUOTES_OF, contributor_id)]


async def newest_quotes(connection: Connection, after: str | None) -> ListPage[KeptQuote]:
    """Of everybody, the newest first, whatever they agree to: `reading` shows what may be shown."""
    rows = await connection.fetch(_NEWEST_QUOTES, *newest_first(after))
    return list_page([KeptQuote(**row) for row in rows], lambda each: (microseconds(each.kept_at), str(each.quote_id)))


async def quotes(connection: Connection, quote_ids: Sequence[UUID]) -> dict[UUID, KeptQuote]:
    """Those of these that are kept, by id."""
    return {row["quote_id"]: KeptQuote(**row) for row in await connection.fetch(_QUOTES, list(quote_ids))}


async def is_lost(connection: Connection, quote_id: UUID, contributor_id: UUID) -> bool:
    """Whether they said this, and it was deleted."""
    return bool(await connection.fetchval(_IS_LOST, quote_id, contributor_id))


async def lose(connection: Connection, quote_ids: Sequence[UUID], now: datetime) -> None:
    """Delete these words for good. A release that had them names the gap."""
    await connection.execute(_WITHDRAW_FROM_RELEASES, list(quote_ids), now)
    gone = await connection.fetch(_LOSE, list(quote_ids), now)
    await content.erase(connection, [row["words_id"] for row in gone])


def _line(row: Row) -> ConsentLine:
    return ConsentLine(ConsentPurpose(row["purpose"]), row["given"], row["on_day"], row["said_by"])
