"""What rules and store speak of. Nothing here knows of Kafka, so that another entrance may take the same path."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_contracts.base import Value
from conduit_contracts.envelope import Event
from conduit_contracts.ids import PartnerId, uuid7
from conduit_contracts.meaning import canonical
from conduit_contracts.partner import (
    InformationSupplied,
    ReconsiderationRequested,
    ReferralSubmitted,
    ReferralWithdrawn,
)

PartnerMessage = ReferralSubmitted | InformationSupplied | ReferralWithdrawn | ReconsiderationRequested
M_co = TypeVar("M_co", bound=PartnerMessage, covariant=True)


class SubmissionKind(StrEnum):
    """What a partner sent."""

    REFERRAL = "referral"
    INFORMATION = "information"
    WITHDRAWAL = "withdrawal"
    RECONSIDERATION = "reconsideration"
    UNREADABLE = "unreadable"


KINDS: dict[str, SubmissionKind] = {
    ReferralSubmitted.type: SubmissionKind.REFERRAL,
    InformationSupplied.type: SubmissionKind.INFORMATION,
    ReferralWithdrawn.type: SubmissionKind.WITHDRAWAL,
    ReconsiderationRequested.type: SubmissionKind.RECONSIDERATION,
}


class Outcome(StrEnum):
    """What became of it. Every submission has exactly one."""

    RECEIVED = "received"
    REPEATED = "repeated"
    FORWARDED = "forwarded"
    REJECTED = "rejected"
    DEAD_LETTERED = "dead_lettered"


class Claims(NamedTuple):
    """What a message says of itself, and where in the message it says so."""

    path: str
    partner_id: str
    partner_reference: str


def claims(message: PartnerMessage) -> Claims:
    """The partner and the reference that the body names. Neither is authenticated."""
    match message:
        case ReferralSubmitted(referral=referral):
            return Claims("referral.", referral.partner_id, referral.partner_reference)
        case InformationSupplied(supplement=supplement):
            return Claims("supplement.", supplement.partner_id, supplement.partner_reference)
        case _:
            return Claims("", message.partner_id, message.partner_reference)


class Key(NamedTuple):
    """What names a referral to its partner. `partner_id` is authenticated."""

    partner_id: str
    partner_reference: str


class Docket(NamedTuple):
    """What stands on the outside of a submission. `partner_id` is authenticated; there may be no reference."""

    submission_id: str
    partner_id: str
    kind: SubmissionKind
    partner_reference: str | None = None

    @property
    def key(self) -> str:
        """Under which an answer travels that is about no referral which the hub holds."""
        return self.submission_id if self.partner_reference is None else f"{self.partner_id}:{self.partner_reference}"


@dataclass(slots=True)
class Submission(Generic[M_co]):
    """A message with its authenticated sender, and the bytes that it came in."""

    submission_id: str
    partner_id: str
    message: M_co
    body: bytes
    sent_at: datetime | None = None
    """When the broker took the partner's record; None where the sender waits for the answer, so that it is sent now."""
    key: Key = field(init=False)
    """The sender's referral that this is about, if the sender is who the body says."""

    def __post_init__(self) -> None:
        """Find the key once: it is asked for at every step."""
        self.key = Key(self.partner_id, claims(self.message).partner_reference)

    @property
    def docket(self) -> Docket:
        """What stands on its outside."""
        return Docket(self.submission_id, self.partner_id, KINDS[self.message.type], self.key.partner_reference)


class Mou(Value):
    """The terms of a Memorandum of Understanding that intake holds referrals to."""

    reference: str
    valid_from: date
    valid_to: date
    suspended: bool = False


class Partner(Value):
    """A partner as the register has it, without its name and contacts, which intake has no need to know."""

    partner_id: PartnerId
    suspended: bool = False
    mous: tuple[Mou, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A referral that the hub holds. Local ids are those of the referral and of everything added to it."""

    referral_id: UUID
    content_hash: bytes
    received_at: datetime
    place_ids: frozenset[str]
    person_ids: frozenset[str]
    supplements: frozenset[bytes] = frozenset()
    """Content hashes."""
    added_bytes: int = 0
    """How long all that was added is, as it came."""
    withdrawn_at: datetime | None = None
    reconsideration_requested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SubmissionContext:
    """What else a rule may know."""

    now: datetime
    max_bytes: int
    zone: ZoneInfo
    latest: datetime | None = None
    """The latest that it may be now, where the hub's clocks differ."""
    new_id: Callable[[datetime | None], UUID] = uuid7

    @property
    def today(self) -> date:
        """The date now."""
        return self.day_of(None)

    def day_of(self, sent_at: datetime | None) -> date:
        """The date on which the hub took a submission: when the broker did, however much later it is judged, or now."""
        return (sent_at or self.now).astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule decided. `held` is the referral as it stands afterwards, None where the hub holds none."""

    outcome: Outcome
    event: Event
    held: Held | None
    codes: tuple[str, ...] = ()


def former_hash(value: Value) -> bytes:
    """The hash in rows of earlier releases, which counts a time's zone and the order of a list as content."""
    return sha256(canonical(value)).digest()
