"""All SQL of agreements and their reviews. Words go through `content`.

The register's days are the register's. What the programme notes of an agreement is here.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_programme.organisations.rules import KeptAgreement
from conduit_programme.organisations.said import AgreementWords

_AGREEMENTS = """
SELECT agreement_id, agreements.organisation_id, reference, valid_from, valid_to, review_on, document_sha256, assessed_on,
       words_id, (SELECT max(reviewed_on) FROM agreement_reviews AS done WHERE done.agreement_id = agreements.agreement_id)
           AS reviewed_on,
       (SELECT next_on FROM agreement_reviews AS done WHERE done.agreement_id = agreements.agreement_id
           ORDER BY reviewed_on DESC LIMIT 1) AS next_on
FROM agreements
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
ON CONFLICT (agreement_id, reviewed_on) DO UPDATE SET next_on = excluded.next_on
"""


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


def _registered(row: Row, mou: Mapping[str, str], note: Row | None) -> KeptAgreement:
    return KeptAgreement(
        organisation_id=row["organisation_id"],
        reference=mou["reference"],
        agreement_id=note["agreement_id"] if note else None,
        from_register=True,
        valid_from=date.fromisoformat(mou["valid_from"]),
        valid_to=date.fromisoformat(mou["valid_to"]),
        scope=mou["scope"],
        signed_on=date.fromisoformat(mou["signed_on"]),
        suspended=bool(mou.get("suspended", False)),
        partner_suspended=row["suspended"],
        review_on=date.fromisoformat(mou["review_on"]),
        reviewed_on=note["reviewed_on"] if note else None,
        next_on=note["next_on"] if note else None,
        assessed_on=note["assessed_on"] if note else None,
        document_sha256=note["document_sha256"] if note else None,
        words_id=note["words_id"] if note else None,
    )


def _noted(row: Row) -> KeptAgreement:
    return KeptAgreement(
        organisation_id=row["organisation_id"],
        reference=row["reference"],
        agreement_id=row["agreement_id"],
        from_register=False,
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        review_on=row["review_on"],
        reviewed_on=row["reviewed_on"],
        next_on=row["next_on"],
        assessed_on=row["assessed_on"],
        document_sha256=row["document_sha256"],
        words_id=row["words_id"],
    )
