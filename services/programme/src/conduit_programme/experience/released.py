"""SQL of releases: which quotes, by id, and the revisions that name what is gone. No words are here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_programme.experience.said import ReleaseTitle
from conduit_web.keys import microseconds, newest_first
from conduit_web.lists import FETCH, ListPage, list_page

_COLUMNS = "release_id, title_id, revision, published_at"
# Who withdraws holds the contributor's row. Who publishes waits for that, and is waited for.
_HOLD = """
SELECT contributors.contributor_id FROM contributors
WHERE contributor_id IN (SELECT contributor_id FROM quotes WHERE quote_id = ANY($1::uuid[])) ORDER BY 1 FOR SHARE
"""
_PUBLISH = f"INSERT INTO releases ({_COLUMNS}, published_by) VALUES ($1, $2, 1, $3, $4)"  # noqa: S608 - constants
_TAKE_IN = """
INSERT INTO release_quotes (release_id, place, quote_id)
SELECT $1, place, quote_id FROM unnest($2::uuid[]) WITH ORDINALITY AS chosen (quote_id, place)
"""
_REVISE = "INSERT INTO release_revisions (release_id, revision, revised_at) VALUES ($1, 1, $2)"
_FIND = f"SELECT {_COLUMNS} FROM releases WHERE release_id = $1"  # noqa: S608 - constants
_NEWEST = f"""
SELECT {_COLUMNS} FROM releases WHERE (published_at, release_id) < ($1, $2)
ORDER BY published_at DESC, release_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_PLACES = "SELECT place, quote_id, gone_in FROM release_quotes WHERE release_id = $1 ORDER BY place"
_REVISIONS = "SELECT revision, revised_at FROM release_revisions WHERE release_id = $1 ORDER BY revision"


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """Quotes that were published together."""

    release_id: UUID
    title_id: UUID
    revision: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ReleasePlace:
    """One quote of a release, or the gap in its place."""

    place: int
    quote_id: UUID
    gone_in: int | None


@dataclass(frozen=True, slots=True)
class ReleaseRevision:
    """What a release was called when it changed, by number."""

    revision: int
    revised_at: datetime


async def hold_contributors(connection: Connection, quote_ids: Sequence[UUID]) -> None:
    """Nobody who said these withdraws anything until the transaction ends."""
    await connection.fetch(_HOLD, list(quote_ids))


async def publish(
    connection: Connection, title: str, quote_ids: Sequence[UUID], by: str, now: datetime, release_id: UUID | None = None
) -> UUID:
    """Publish these in this order, under this id or a new one. Hold the contributors first, and see that they agree."""
    release_id = release_id or uuid7(now)
    title_id = await content.write(connection, ReleaseTitle(title=title), now)
    await connection.execute(_PUBLISH, release_id, title_id, now, by)
    await connection.execute(_TAKE_IN, release_id, list(quote_ids))
    await connection.execute(_REVISE, release_id, now)
    return release_id


async def find(connection: Connection, release_id: UUID) -> KnownRelease | None:
    """The release of this id."""
    row = await connection.fetchrow(_FIND, release_id)
    return KnownRelease(**row) if row else None


async def newest(connection: Connection, after: str | None) -> ListPage[KnownRelease]:
    """All of them, the newest first."""
    rows = await connection.fetch(_NEWEST, *newest_first(after))
    found = [KnownRelease(**row) for row in rows]
    return list_page(found, lambda each: (microseconds(each.published_at), str(each.release_id)))


async def titles(connection: Connection, known: Sequence[KnownRelease]) -> dict[UUID, str]:
    """What they are called, by their ids."""
    said = await content.read(connection, ReleaseTitle, [each.title_id for each in known])
    return {each.release_id: said[each.title_id].title for each in known if each.title_id in said}


async def places(connection: Connection, release_id: UUID) -> list[ReleasePlace]:
    """In their order."""
    return [ReleasePlace(**row) for row in await connection.fetch(_PLACES, release_id)]


async def revisions(connection: Connection, release_id: UUID) -> list[ReleaseRevision]:
    """The first is the publication; each later one names what went."""
    return [ReleaseRevision(**row) for row in await connection.fetch(_REVISIONS, release_id)]
