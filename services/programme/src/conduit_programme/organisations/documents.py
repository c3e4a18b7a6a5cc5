"""Signed documents of agreements: which file, whether a scanner has seen it, and what it took the place of.

All SQL of them; the file itself goes through `content`. Each step names the state that it starts from, so that two processes
cannot decide one twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from conduit_chassis import media
from conduit_chassis.postgres import Connection, Row, affected
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_web.sent_files import SentFile
from conduit_web.words import N_

MOST_BYTES = content.MOST_FILE_BYTES
MEDIA_TYPES = (media.PDF, media.PNG, media.JPEG)
NO_FILE, TOO_LARGE = N_("Choose a file."), N_("This is larger than 10 MB. Make it smaller, for example in black and white.")
WRONG_KIND = N_("Choose a PDF, a PNG or a JPEG.")
DISGUISED = N_("This file is not what its name says it is. Save it again as a PDF, a PNG or a JPEG.")
ANOTHER = N_("This is not the document whose SHA-256 is noted. Choose that one, or change first what is noted.")
_DOCUMENT = """
SELECT document_id, agreement_documents.agreement_id, media_type, size, sha256, content_id, state, attached_by, attached_at,
       attempts, decided_at, replaced_at, erased_at, erased_by, erased_why
FROM agreement_documents
"""
_OF_AGREEMENTS = f"""
{_DOCUMENT} WHERE agreement_id = ANY($1::uuid[]) ORDER BY replaced_at DESC NULLS FIRST, attached_at DESC, document_id DESC
"""
_FIND = (
    _DOCUMENT
    + "JOIN agreements USING (agreement_id) WHERE document_id = $1 AND agreements.organisation_id = ANY($2::uuid[])"
)
_LAST = _DOCUMENT + "WHERE agreement_id = $1 AND replaced_at IS NULL"
_REPLACE = "UPDATE agreement_documents SET replaced_at = $2 WHERE agreement_id = $1 AND replaced_at IS NULL"
_ATTACH = """
INSERT INTO agreement_documents (document_id, agreement_id, media_type, size, sha256, content_id, state, attached_by,
                                 attached_at, attempts, next_attempt_at)
VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, 0, $8)
"""
_CLAIM = """
UPDATE agreement_documents
SET attempts = attempts + 1, next_attempt_at = $1::timestamptz + $2::interval * least(attempts + 1, 5)
WHERE document_id = (
    SELECT document_id FROM agreement_documents WHERE state = 'waiting' AND next_attempt_at <= $1
    ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING document_id, media_type, content_id
"""
_DECIDE = """
UPDATE agreement_documents
SET state = $2, decided_at = $3, next_attempt_at = NULL, content_id = CASE WHEN $2 = 'clean' THEN content_id END
WHERE document_id = $1 AND state = 'waiting' AND erased_at IS NULL
"""
_ERASE = """
UPDATE agreement_documents SET content_id = NULL, next_attempt_at = NULL, erased_at = $2, erased_by = $3, erased_why = $4
WHERE document_id = $1 AND content_id IS NOT NULL
"""


class DocumentState(StrEnum):
    """Whether a document may be opened."""

    WAITING = "waiting"
    """No scanner has seen it."""
    CLEAN = "clean"
    REFUSED = "refused"
    """A scanner found something in it, and the file is gone."""


class ErasedBecause(StrEnum):
    """Why a document should not have been attached."""

    WRONG_AGREEMENT = "wrong_agreement"
    WRONG_FILE = "wrong_file"
    """It is not the signed document."""
    TOO_MUCH = "too_much"
    """It has what should not be here."""


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """A signed document, without its content."""

    document_id: UUID
    agreement_id: UUID
    media_type: str
    size: int
    sha256: str
    content_id: UUID | None
    state: DocumentState
    attached_by: str
    attached_at: datetime
    attempts: int
    decided_at: datetime | None
    replaced_at: datetime | None
    erased_at: datetime | None
    erased_by: str | None
    erased_why: str | None

    @property
    def opens(self) -> bool:
        """Whether it may be opened."""
        return self.state is DocumentState.CLEAN and self.erased_at is None

    @property
    def is_there(self) -> bool:
        """Whether its file is kept."""
        return self.content_id is not None


@dataclass(frozen=True, slots=True)
class ClaimedDocument:
    """A document whose turn it is to be scanned."""

    document_id: UUID
    media_type: str
    content_id: UUID
    content: bytes | None
    """None where somebody erased it."""


def file_problem(sent: SentFile | None, noted_sha256: str | None) -> str | None:
    """What is wrong with a file that is to be attached, if anything. Pure."""
    if sent is None or not sent.content:
        return NO_FILE
    if sent.media_type not in MEDIA_TYPES:
        return WRONG_KIND
    if len(sent.content) > MOST_BYTES:
        return TOO_LARGE
    if not media.is_what_it_says(sent.media_type, sent.content):
        return DISGUISED
    return ANOTHER if noted_sha256 and noted_sha256 != digest_of(sent) else None


def digest_of(sent: SentFile) -> str:
    """As sha256sum prints it."""
    return sha256(sent.content).hexdigest()


async def of_agreements(
    connection: Connection, agreement_ids: Iterable[UUID | None]
) -> Mapping[UUID, Sequence[KeptDocument]]:
    """All that these ever had, the one that holds before all."""
    found: defaultdict[UUID, list[KeptDocument]] = defaultdict(list)
    for row in await connection.fetch(_OF_AGREEMENTS, [each for each in agreement_ids if each]):
        found[row["agreement_id"]].append(_document(row))
    return found


async def find(connection: Connection, document_id: UUID, organisation_ids: Sequence[UUID]) -> KeptDocument | None:
    """The document of this id, where one of these organisations has its agreement."""
    row = await connection.fetchrow(_FIND, document_id, list(organisation_ids))
    return _document(row) if row else None


async def attach(connection: Connection, agreement_id: UUID, sent: SentFile, by: str, now: datetime) -> bool:
    """It takes the place of what was attached before; False where that is the same file. Nobody opens it unscanned.

    Hold the agreement's organisation first.
    """
    row, digest = await connection.fetchrow(_LAST, agreement_id), digest_of(sent)
    last = _document(row) if row else None
    if last is not None and last.sha256 == digest and last.is_there:
        return False
    await connection.execute(_REPLACE, agreement_id, now)
    content_id = await content.write_file(connection, sent.content, now)
    about = (sent.media_type, len(sent.content), digest, content_id)
    await connection.execute(_ATTACH, uuid7(now), agreement_id, *about, by, now)
    return True


async def content_of(connection: Connection, document: KeptDocument) -> bytes | None:
    """The file; None unless a scanner found nothing in it."""
    return await content.read_file(connection, document.content_id) if document.opens else None


async def claim(connection: Connection, now: datetime, lease: timedelta) -> ClaimedDocument | None:
    """The one that has waited longest. A process that dies gives it back by doing nothing."""
    row = await connection.fetchrow(_CLAIM, now, lease)
    return ClaimedDocument(**row, content=await content.read_file(connection, row["content_id"])) if row else None


async def decide(connection: Connection, claimed: ClaimedDocument, *, clean: bool, now: datetime) -> bool:
    """It may be opened from now on, or its content is gone; False where another process was first."""
    state = DocumentState.CLEAN if clean else DocumentState.REFUSED
    decided = affected(await connection.execute(_DECIDE, claimed.document_id, state.value, now)) > 0
    if decided and not clean:
        await content.erase(connection, [claimed.content_id])
    return decided


async def erase(connection: Connection, document: KeptDocument, why: ErasedBecause, by: str, now: datetime) -> bool:
    """Its file is gone for good, and its line stays; False where there is no file any more. Hold its organisation first."""
    erased = affected(await connection.execute(_ERASE, document.document_id, now, by, why.value)) > 0
    if erased:
        await content.erase(connection, [document.content_id])
    return erased


def _document(row: Row) -> KeptDocument:
    return KeptDocument(**{**row, "state": DocumentState(row["state"])})
