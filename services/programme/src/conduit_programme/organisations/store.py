"""All SQL of organisations, what they bring, contacts and agreements. Words go through `content`.

What became part of another keeps its rows: whatever asks about an organisation asks about all that it is made of.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from conduit_chassis.postgres import Connection, Row, affected
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_programme.organisations.rules import KeptAgreement, OrganisationKind, OrganisationOffer
from conduit_programme.organisations.said import AgreementWords, ContactWords, OfferWords
from conduit_programme.rules import LastChange
from conduit_web.keys import FIRST_ID, identity
from conduit_web.lists import FETCH, ListPage, list_page, read_key

_FOLLOW = """
INSERT INTO organisations (organisation_id, kind, name, partner_id, begun_at) VALUES ($1, 'partner', $2, $3, $4)
ON CONFLICT (partner_id) DO UPDATE SET name = excluded.name
"""
COLUMNS = "organisation_id, kind, name, partner_id, owner"
_FIND = """
SELECT standing.organisation_id, standing.kind, standing.name, standing.partner_id, standing.owner
FROM organisations AS asked
JOIN organisations AS standing ON standing.organisation_id = coalesce(asked.merged_into, asked.organisation_id)
WHERE asked.{which} = $1
"""
_FIND_BY = {name: _FIND.format(which=name) for name in ("organisation_id", "partner_id")}
_HOLD = "SELECT FROM organisations WHERE organisation_id = $1 FOR NO KEY UPDATE"
_MEMBERS = "SELECT organisation_id, name FROM organisations WHERE organisation_id = $1 OR merged_into = $1"
_LIST = f"""
SELECT {COLUMNS}, lower(name) AS by_name FROM organisations
WHERE {{which}} merged_into IS NULL AND (lower(name), organisation_id) > ($1, $2)
ORDER BY lower(name), organisation_id LIMIT {FETCH}
"""  # noqa: S608 - constants
_ALL, _OF_KIND = _LIST.format(which=""), _LIST.format(which="kind = $3 AND")
_NAMES_OF = "SELECT organisation_id, name FROM organisations WHERE organisation_id = ANY($1::uuid[])"
_NAMES_OF_PARTNERS = """
SELECT asked.partner_id, standing.name FROM organisations AS asked
JOIN organisations AS standing ON standing.organisation_id = coalesce(asked.merged_into, asked.organisation_id)
WHERE asked.partner_id = ANY($1::text[])
"""
_ADD = "INSERT INTO organisations (organisation_id, kind, name, begun_at) VALUES ($1, $2, $3, $4)"
_RENAME = "UPDATE organisations SET name = $2 WHERE organisation_id = $1 AND partner_id IS NULL"
_TAKE = "UPDATE organisations SET owner = $2 WHERE organisation_id = $1"
_LOCK = (
    "SELECT organisation_id, merged_into FROM organisations WHERE organisation_id = ANY($1::uuid[]) ORDER BY 1 FOR UPDATE"
)
_MERGE = "UPDATE organisations SET merged_into = $2 WHERE organisation_id = $1 OR merged_into = $1"
_OFFERS = """
SELECT organisation_id, services, expertise, force_ids, everywhere, youngest, oldest, languages, words_id
FROM offers WHERE organisation_id = ANY($1::uuid[]) ORDER BY organisation_id
"""
_OFFERS_BY_STANDING = """
SELECT offers.organisation_id, coalesce(merged_into, offers.organisation_id) AS standing, services, expertise, force_ids,
       everywhere, youngest, oldest, languages, words_id
FROM offers JOIN organisations USING (organisation_id)
WHERE organisations.organisation_id = ANY($1::uuid[]) OR merged_into = ANY($1::uuid[])
"""
_PUT_OFFER = """
INSERT INTO offers (organisation_id, services, expertise, force_ids, everywhere, youngest, oldest, languages, words_id,
                    said_by, said_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (organisation_id) DO UPDATE
SET services = excluded.services, expertise = excluded.expertise, force_ids = excluded.force_ids,
    everywhere = excluded.everywhere, youngest = excluded.youngest, oldest = excluded.oldest,
    languages = excluded.languages, words_id = excluded.words_id, said_by = excluded.said_by, said_at = excluded.said_at
"""
_CONTACTS = """
SELECT contact_id, words_id FROM contacts
WHERE organisation_id = ANY($1::uuid[]) AND left_at IS NULL ORDER BY since, contact_id
"""
_ADD_CONTACT = "INSERT INTO contacts (contact_id, organisation_id, words_id, since) VALUES ($1, $2, $3, $4)"
_LEAVE = """
UPDATE contacts SET left_at = $3
WHERE contact_id = $1 AND organisation_id = ANY($2::uuid[]) AND left_at IS NULL RETURNING words_id
"""
_HAS_LEFT = """
SELECT true FROM contacts WHERE contact_id = $1 AND organisation_id = ANY($2::uuid[]) AND left_at IS NOT NULL
"""
_AGREEMENTS = """
SELECT agreement_id, agreements.organisation_id, reference, valid_from, valid_to, review_on, document_sha256, assessed_on,
       words_id, written_by, written_at, reviewed_on, next_on, reviewed_by, noted_at
FROM agreements LEFT JOIN LATERAL (
    SELECT reviewed_on, next_on, reviewed_by, noted_at FROM agreement_reviews AS done
    WHERE done.agreement_id = agreements.agreement_id ORDER BY reviewed_on DESC LIMIT 1
) AS last ON true
"""
_REGISTERED = """
SELECT organisations.organisation_id, suspended, mous
FROM organisations JOIN partners USING (partner_id)
"""
_PUT_AGREEMENT = """
INSERT INTO agreements (agreement_id, organisation_id, reference, valid_from, valid_to, review_on, document_sha256,
                        assessed_on, words_id, written_by, written_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (organisation_id, reference) DO UPDATE
SET valid_from = excluded.valid_from, valid_to = excluded.valid_to, review_on = excluded.review_on,
    document_sha256 = excluded.document_sha256, assessed_on = excluded.assessed_on, words_id = excluded.words_id,
    written_by = excluded.written_by, written_at = excluded.written_at
RETURNING agreement_id
"""
_REVIEW = """
INSERT INTO agreement_reviews (agreement_id, reviewed_on, next_on, reviewed_by, noted_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (agreement_id, reviewed_on) DO UPDATE
SET next_on = excluded.next_on, reviewed_by = excluded.reviewed_by, noted_at = excluded.noted_at
"""
_STANDING = "SELECT organisation_id, coalesce(merged_into, organisation_id) AS standing FROM organisations"


@dataclass(frozen=True, slots=True)
class KnownOrganisation:
    """With whom the programme works."""

    organisation_id: UUID
    kind: OrganisationKind
    name: str
    partner_id: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """One of those that an organisation is made of."""

    organisation_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class WrittenOffer:
    """What one organisation brings, as somebody there or at the hub wrote it."""

    organisation_id: UUID
    offer: OrganisationOffer
    words_id: UUID | None


@dataclass(frozen=True, slots=True)
class KnownContact:
    """Somebody to ask, by their role."""

    contact_id: UUID
    said: ContactWords


async def follow(connection: Connection, names: Mapping[str, str], now: datetime) -> None:
    """The register has these partners under these names."""
    rows = [(uuid7(now), name, partner_id, now) for partner_id, name in sorted(names.items())]
    await connection.executemany(_FOLLOW, rows)


async def find(connection: Connection, organisation_id: UUID) -> KnownOrganisation | None:
    """The organisation of this id, or what it became part of."""
    return organisation_of(await connection.fetchrow(_FIND_BY["organisation_id"], organisation_id))


async def hold(connection: Connection, organisation_id: UUID) -> KnownOrganisation | None:
    """The same, and nobody else changes it, or what is kept of it and its parts, until the transaction ends."""
    found = await find(connection, organisation_id)
    while found is not None:
        await connection.execute(_HOLD, found.organisation_id)
        now = await find(connection, organisation_id)
        if now is None or now.organisation_id == found.organisation_id:
            return now
        found = now  # it became part of another meanwhile
    return None


async def of_partner(connection: Connection, partner_id: str) -> KnownOrganisation | None:
    """The organisation that the register has as this partner, or what it became part of."""
    return organisation_of(await connection.fetchrow(_FIND_BY["partner_id"], partner_id))


async def members(connection: Connection, organisation_id: UUID) -> list[Member]:
    """What it is made of, itself among them."""
    return [Member(**row) for row in await connection.fetch(_MEMBERS, organisation_id)]


async def listed(
    connection: Connection, kind: OrganisationKind | None = None, after: str | None = None
) -> ListPage[KnownOrganisation]:
    """By name."""
    name, last = read_key(after, str, str) or ("", str(FIRST_ID))
    place = (name, identity(str(last)))
    rows = await (connection.fetch(_ALL, *place) if kind is None else connection.fetch(_OF_KIND, *place, kind.value))
    # The database says what follows what, also where its small letters are not those of this language.
    page = list_page(rows, lambda row: (row["by_name"], str(row["organisation_id"])))
    return ListPage([found for row in page.rows if (found := organisation_of(row))], page.after)


async def names(connection: Connection, organisation_ids: Iterable[UUID]) -> dict[UUID, str]:
    """What these are called."""
    return {row["organisation_id"]: row["name"] for row in await connection.fetch(_NAMES_OF, list(organisation_ids))}


async def names_of_partners(connection: Connection, partner_ids: Iterable[str]) -> dict[str, str]:
    """What those are called now that the register has as these partners."""
    rows = await connection.fetch(_NAMES_OF_PARTNERS, list(partner_ids))
    return {row["partner_id"]: row["name"] for row in rows}


async def standing(connection: Connection) -> dict[UUID, UUID]:
    """What each organisation is part of now: itself, where it is part of none."""
    return {row["organisation_id"]: row["standing"] for row in await connection.fetch(_STANDING)}


async def add(
    connection: Connection, kind: OrganisationKind, name: str, now: datetime, organisation_id: UUID | None = None
) -> UUID:
    """A new one, which no register has, under this id or a new one."""
    organisation_id = organisation_id or uuid7(now)
    await connection.execute(_ADD, organisation_id, kind.value, name, now)
    return organisation_id


async def rename(connection: Connection, organisation_id: UUID, name: str) -> bool:
    """False where the register names it, or there is none."""
    return affected(await connection.execute(_RENAME, organisation_id, name)) > 0


async def take(connection: Connection, organisation_id: UUID, account: str) -> bool:
    """From now on this person looks after the relationship; False where there is no such organisation."""
    return affected(await connection.execute(_TAKE, organisation_id, account)) > 0


async def merge(connection: Connection, organisation_id: UUID, into: UUID) -> bool:
    """Let one be part of another, with all that became part of it before; False where that cannot be."""
    rows = await connection.fetch(_LOCK, [organisation_id, into])
    merged = {row["organisation_id"]: row["merged_into"] for row in rows}
    if organisation_id == into or merged.keys() != {organisation_id, into} or any(merged.values()):
        return False
    await connection.execute(_MERGE, organisation_id, into)
    return True


async def offers(connection: Connection, organisation_ids: Sequence[UUID]) -> list[WrittenOffer]:
    """What these bring."""
    return [_offer(row) for row in await connection.fetch(_OFFERS, list(organisation_ids))]


async def offers_by_standing(
    connection: Connection, organisation_ids: Sequence[UUID]
) -> dict[UUID, list[OrganisationOffer]]:
    """What these bring, with all that became part of each."""
    found: dict[UUID, list[OrganisationOffer]] = {each: [] for each in organisation_ids}
    for row in await connection.fetch(_OFFERS_BY_STANDING, list(organisation_ids)):
        found[row["standing"]].append(_offer(row).offer)
    return found


async def put_offer(
    connection: Connection, organisation_id: UUID, offer: OrganisationOffer, words: str, by: str, now: datetime
) -> None:
    """This is what it brings from now on."""
    before = await offers(connection, [organisation_id])
    said = OfferWords(words=words) if words else None
    words_id = await content.replace(connection, [each.words_id for each in before], said, now)
    lists = (list(offer.services), list(offer.expertise), list(offer.force_ids), offer.everywhere)
    ages = (offer.youngest, offer.oldest, list(offer.languages))
    await connection.execute(_PUT_OFFER, organisation_id, *lists, *ages, words_id, by, now)


async def put_whole_offer(
    connection: Connection,
    organisation_id: UUID,
    made_of: Sequence[UUID],
    offer: OrganisationOffer,
    words: str,
    *,
    by: str,
    now: datetime,
) -> None:
    """This is all that it brings: what became part of it brings nothing of its own any more."""
    for each in made_of:
        mine = each == organisation_id
        await put_offer(connection, each, offer if mine else OrganisationOffer(), words if mine else "", by, now)


async def contacts(connection: Connection, organisation_ids: Sequence[UUID]) -> list[KnownContact]:
    """Who to ask there. Nobody who left, and nobody whose words were erased."""
    rows = await connection.fetch(_CONTACTS, list(organisation_ids))
    said = await content.read(connection, ContactWords, [row["words_id"] for row in rows])
    return [KnownContact(row["contact_id"], said[row["words_id"]]) for row in rows if row["words_id"] in said]


async def add_contact(connection: Connection, organisation_id: UUID, said: ContactWords, now: datetime) -> UUID:
    """Somebody to ask there."""
    contact_id, words_id = uuid7(now), await content.write(connection, said, now)
    await connection.execute(_ADD_CONTACT, contact_id, organisation_id, words_id, now)
    return contact_id


async def contact_left(connection: Connection, contact_id: UUID, organisation_ids: Sequence[UUID], now: datetime) -> bool:
    """Their words are gone from then on; False where there is nobody of this id at these organisations."""
    words_id = await connection.fetchval(_LEAVE, contact_id, list(organisation_ids), now)
    await content.erase(connection, [words_id])
    return words_id is not None


async def has_left(connection: Connection, contact_id: UUID, organisation_ids: Sequence[UUID]) -> bool:
    """Whether somebody of this id was at these organisations once."""
    return bool(await connection.fetchval(_HAS_LEFT, contact_id, list(organisation_ids)))


async def agreements(connection: Connection, organisation_ids: Sequence[UUID] | None = None) -> list[KeptAgreement]:
    """Those of the register with what was noted of them, and those that the register does not have.

    Of these organisations and no other; of all without any. `organisation_id` is the one that each was made with.
    """
    only = "" if organisation_ids is None else " WHERE {}.organisation_id = ANY($1::uuid[])"
    given = [] if organisation_ids is None else [list(organisation_ids)]
    noted = {
        (row["organisation_id"], row["reference"]): row
        for row in await connection.fetch(_AGREEMENTS + only.format("agreements"), *given)
    }
    found = []
    for row in await connection.fetch(_REGISTERED + only.format("organisations"), *given):
        for mou in json.loads(row["mous"]):
            note = noted.pop((row["organisation_id"], mou["reference"]), None)
            found.append(_registered(row, mou, note))
    return found + [_noted(row) for row in noted.values()]


async def agreement_words(connection: Connection, kept: Sequence[KeptAgreement]) -> dict[UUID, AgreementWords]:
    """What was written of these, by the id of the words."""
    return await content.read(connection, AgreementWords, [each.words_id for each in kept])


async def put_agreement(connection: Connection, kept: KeptAgreement, said: AgreementWords, by: str, now: datetime) -> UUID:
    """Note this of an agreement. Days of one that the register has are not kept here."""
    words_id = await content.replace(connection, [kept.words_id], said, now)
    days = (None, None, None) if kept.from_register else (kept.valid_from, kept.valid_to, kept.review_on)
    about = (kept.document_sha256, kept.assessed_on, words_id, by, now)
    found: UUID = await connection.fetchval(
        _PUT_AGREEMENT, kept.agreement_id or uuid7(now), kept.organisation_id, kept.reference, *days, *about
    )
    return found


async def note_review(
    connection: Connection, agreement_id: UUID, on: date, next_on: date | None, by: str, now: datetime
) -> None:
    """Both looked at it again."""
    await connection.execute(_REVIEW, agreement_id, on, next_on, by, now)


def organisation_of(row: Row | None) -> KnownOrganisation | None:
    """What a row of `COLUMNS` says."""
    if row is None:
        return None
    return KnownOrganisation(
        row["organisation_id"], OrganisationKind(row["kind"]), row["name"], row["partner_id"], row["owner"]
    )


def _offer(row: Row) -> WrittenOffer:
    lists = {name: tuple(row[name]) for name in ("services", "expertise", "force_ids", "languages")}
    offer = OrganisationOffer(everywhere=row["everywhere"], youngest=row["youngest"], oldest=row["oldest"], **lists)
    return WrittenOffer(row["organisation_id"], offer, row["words_id"])


def _registered(row: Row, mou: Mapping[str, str], note: Row | None) -> KeptAgreement:
    known: dict[str, Any] = {
        name: date.fromisoformat(mou[name]) for name in ("valid_from", "valid_to", "signed_on", "review_on")
    }
    known |= {"scope": mou["scope"], "suspended": bool(mou.get("suspended", False)), "partner_suspended": row["suspended"]}
    return _agreement((row["organisation_id"], mou["reference"]), note, known | {"from_register": True})


def _noted(row: Row) -> KeptAgreement:
    known = {name: row[name] for name in ("valid_from", "valid_to", "review_on")}
    return _agreement((row["organisation_id"], row["reference"]), row, known | {"from_register": False})


def _agreement(which: tuple[UUID, str], note: Row | None, known: dict[str, Any]) -> KeptAgreement:
    """With what is noted of it, where anything is."""
    if note is None:
        return KeptAgreement(*which, None, **known)
    known |= {name: note[name] for name in ("reviewed_on", "next_on", "assessed_on", "document_sha256", "words_id")}
    known["written"] = LastChange(note["written_by"], "wrote_agreement", note["written_at"])
    if note["reviewed_by"]:
        known["reviewed"] = LastChange(note["reviewed_by"], "reviewed_agreement", note["noted_at"])
    return KeptAgreement(*which, note["agreement_id"], **known)
