"""Identifiers: opaque, sortable by time, and never derived from a person.

A UUIDv7 (RFC 9562, section 5.7) keeps the database's indexes local, because ids made together stand together.
"""

import os
import random
import secrets
import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import UUID7

from conduit_contracts.forms import formed

_SLUG = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_SLUG_WORDS = "lower-case letters, digits and single hyphens, for example west-midlands"
REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
REFERENCE_WORDS = "letters, digits and . _ / -, beginning with a letter or a digit, for example EX-2026/0147"
_PERSON_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VERSION_7 = 0x7 << 76 | 0x2 << 62
_FREE = ~(0xF << 76 | 0x3 << 62)
_random = random.Random(os.urandom(32))  # noqa: S311 - events' ids need to be distinct, not secret

ReferralId = UUID7
"""The hub's id of the referral. Every message about the referral has it."""
EventId = UUID7
AttachmentId = UUID7
"""The hub's id of the attachment."""
PartnerId = Annotated[str, formed(_SLUG, _SLUG_WORDS, max_length=40)]
"""A partner's name in topics and ACLs: lower-case letters, digits and single hyphens."""
ForceId = Annotated[str, formed(_SLUG, _SLUG_WORDS, max_length=40)]
"""A police force's name in topics and ACLs, as in `reference/forces.csv`."""
PartnerReference = Annotated[str, formed(REFERENCE, REFERENCE_WORDS, max_length=64)]
"""The partner's own reference. It is shown in notices, so it must not be a person's name."""
OfficerId = Annotated[str, formed(r"^[a-z][a-z0-9.-]*$", "lower-case letters, digits, . and -", max_length=64)]
"""A named officer's account, as the hub's directory spells it."""
PersonId = Annotated[
    str,
    formed(
        r"^p-[0-9a-hjkmnp-tv-z]{16}$", "p- and 16 digits or letters without i, l, o and u, for example p-0k3v9x2m7qpw4r8t"
    ),
]
"""The hub's id of a person in a register. It is made by chance and says nothing of anybody: not a name, not an address."""
DistrictCode = Annotated[str, formed(r"^[A-Z][0-9]{8}$", "a capital letter and eight digits, for example E08000025")]
"""An ONS local authority district code, current or former, for example E08000025."""


def new_person_id() -> str:
    """A new `PersonId`: 80 random bits."""
    return "p-" + "".join(secrets.choice(_PERSON_ALPHABET) for _ in range(16))


def uuid7(at: datetime | None = None) -> UUID:
    """A new UUIDv7: 48 bits of Unix time in milliseconds, the rest random. Its time is `at`, or now."""
    milliseconds = time.time_ns() // 1_000_000 if at is None else round(at.timestamp() * 1000)
    return UUID(int=_uuid7(milliseconds))


def uuid7_text() -> str:
    """A new UUIDv7 of now as text, for an event: made without a system call, distinct but not beyond guessing."""
    made = (time.time_ns() // 1_000_000) << 80 | _random.getrandbits(80)
    digits = f"{made & _FREE | _VERSION_7:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _uuid7(milliseconds: int) -> int:
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    return value & _FREE | _VERSION_7


def moment_of(identity: UUID) -> datetime:
    """The time in a UUIDv7. A referral's is when the hub took it: its 202, or the broker's time of the partner's record."""
    return datetime.fromtimestamp((identity.int >> 80) / 1000, UTC)


def first_of(moment: datetime) -> UUID:
    """The smallest UUID that can have this time, for finding all that were made since."""
    return UUID(int=round(moment.timestamp() * 1000) << 80)
