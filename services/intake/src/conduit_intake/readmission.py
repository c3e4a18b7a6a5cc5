"""What intake took and its database has lost, taken in again from intake's own record of it on `intake.referrals.v1`.

The referral keeps its id, so that nobody after intake takes it for another. Nothing is published: it is published already.
What a partner sent and was answered is claimed, so that it is not answered again where intake reads its topic once more: a
referral that was withdrawn since would be refused.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from conduit_chassis import inbox
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Reader, Record
from conduit_contracts import intake, partner
from conduit_contracts.envelope import dump
from conduit_contracts.meaning import content_hash
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.topics import PARTNER_REFERRALS
from conduit_intake import rules, store
from conduit_intake.handlers import submission_of
from conduit_intake.submissions import Held, Key, Outcome, SubmissionContext, SubmissionKind
from conduit_intake.work import IntakeWork, NewSupplement, ReferralEntry

WHY = "readmitted"
_KNOWN = "SELECT event_id FROM history WHERE at >= $1 AND event_id IS NOT NULL"
_KEYS = "SELECT referral_id, partner_id, partner_reference FROM referrals WHERE referral_id = ANY($1::uuid[])"

TakenMessage = (
    intake.ReferralReceived | intake.InformationSupplied | intake.ReferralWithdrawn | intake.ReconsiderationRequested
)
TAKEN: dict[str, type[TakenMessage]] = {
    each.type: each
    for each in (
        intake.ReferralReceived,
        intake.InformationSupplied,
        intake.ReferralWithdrawn,
        intake.ReconsiderationRequested,
    )
}
"""The events by which intake says that it took something. Its refusals changed nothing that could be lost."""
_KINDS = {
    intake.ReferralReceived: SubmissionKind.REFERRAL,
    intake.InformationSupplied: SubmissionKind.INFORMATION,
    intake.ReferralWithdrawn: SubmissionKind.WITHDRAWAL,
    intake.ReconsiderationRequested: SubmissionKind.RECONSIDERATION,
}


class TakenEvent(NamedTuple):
    """One event of intake's, as its topic has it."""

    event_id: str
    at: datetime
    message: TakenMessage


Said: TypeAlias = tuple[SubmissionKind, Key, bytes | None]
"""What a submission is, by whom and about what, and a hash of what it says."""


class SentRecord(NamedTuple):
    """A record of a partner's that intake will read once more."""

    topic: str
    inbox_id: str
    submission_id: str


@dataclass(slots=True)
class SentAgain:
    """Those records, to be found by what they say, in the order in which the broker took them, and by their place."""

    by_content: dict[Said, deque[SentRecord]] = field(default_factory=lambda: defaultdict(deque))
    by_place: dict[str, SentRecord] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """The next of its topic."""
        item = _READER.read(record)
        place = f"{record.topic}/{record.partition}/{record.offset}"
        sent = self.by_place[place] = SentRecord(record.topic, item.inbox_id, place)
        if isinstance(item.content, Delivery):
            submission = submission_of(item.content)
            kind = submission.docket.kind
            self.by_content[kind, submission.key, _digest_of_message(submission.message)].append(sent)

    def answered_by(self, said: Said) -> SentRecord | None:
        """The first that says this and was not asked for before; None where it came by HTTP."""
        found = self.by_content.get(said)
        return found.popleft() if found else None


_READER = Reader("intake", (PARTNER_REFERRALS,), {})


def _digest_of_message(message: Any) -> bytes | None:
    if isinstance(message, partner.ReferralSubmitted):
        return content_hash(message.referral)
    return content_hash(message.supplement) if isinstance(message, partner.InformationSupplied) else None


def _digest(message: TakenMessage) -> bytes | None:
    if isinstance(message, intake.ReferralReceived):
        return content_hash(message.referral)
    return content_hash(message.supplement) if isinstance(message, intake.InformationSupplied) else None


class Readmitted(NamedTuple):
    """What became of them, by their events' ids."""

    done: Sequence[str]
    clashing: Sequence[str]
    """Those whose referral stands under another id by now, or is not there: a person must look."""


async def known_since(connection: Connection, at: datetime) -> set[str]:
    """The ids of all that intake published and has in its history, since then."""
    return {row["event_id"] for row in await connection.fetch(_KNOWN, at)}


async def claim_refused(connection: Connection, refused: Iterable[intake.SubmissionRejected], sent: SentAgain) -> int:
    """Have intake ignore what it refused already; returns how much that is."""
    found = [sent.by_place[each.submission_id] for each in refused if each.submission_id in sent.by_place]
    return len(await inbox.claim(connection, [(each.topic, each.inbox_id) for each in found]))


async def readmit(
    connection: Connection, events: Sequence[TakenEvent], scene: SubmissionContext, sent: SentAgain, *, actor: str
) -> Readmitted:
    """Take these in again, in this order, all of them or none. They must be lacking in history."""
    async with connection.transaction():
        await connection.execute("SELECT set_config('conduit.replayed_by', $1, true)", actor)
        keys = await _keys(connection, events)
        work = IntakeWork(scene, Outbox("intake", scene.now))
        await store.load(connection, work, (), set(keys.values()), set(keys.values()))
        done, claimed = [], []
        for each in events:
            key = keys.get(each.message.referral_id)
            if key is None or not _take(work, each, key):
                continue
            done.append(each.event_id)
            record = sent.answered_by((_KINDS[type(each.message)], key, _digest(each.message)))
            claimed += [(record.topic, record.inbox_id)] if record else []
            work.history.append(_entry(key, each, record))
        await inbox.claim(connection, claimed)
        await store.save(connection, work)
    return Readmitted(done, sorted({each.event_id for each in events}.difference(done)))


async def _keys(connection: Connection, events: Iterable[TakenEvent]) -> dict[UUID, Key]:
    """Which referral of which partner each is about: the event that it was received by says so, or the store."""
    ids: Collection[UUID] = {each.message.referral_id for each in events}
    rows = await connection.fetch(_KEYS, sorted(ids))
    held = {row["referral_id"]: Key(row["partner_id"], row["partner_reference"]) for row in rows}
    received = (each.message for each in events if isinstance(each.message, intake.ReferralReceived))
    return held | {each.referral_id: Key(each.partner_id, each.partner_reference) for each in received}


def _take(work: IntakeWork, event: TakenEvent, key: Key) -> bool:
    """Returns False where it fits nothing that the hub holds."""
    held = work.referrals.get(key)
    if held is not None and held.referral_id != event.message.referral_id:
        return False
    message = event.message
    if isinstance(message, intake.ReferralReceived):
        if held is None:
            work.referrals[key] = rules.hold(message, content_hash(message.referral))
            work.created[key] = dump(ReferralSubmitted(referral=message.referral))
    elif held is None:
        return False
    else:
        _change(work, key, held, event)
    return True


def _change(work: IntakeWork, key: Key, held: Held, event: TakenEvent) -> None:
    message = event.message
    if isinstance(message, intake.InformationSupplied):
        supplement, digest, body = message.supplement, content_hash(message.supplement), dump(message)
        if digest not in held.supplements:
            work.added.append(NewSupplement(held.referral_id, digest, body, event.at))
        after = replace(
            held,
            supplements=held.supplements | {digest},
            place_ids=held.place_ids.union(place.place_id for place in supplement.places),
            person_ids=held.person_ids.union(person.person_id for person in supplement.persons),
        )
    elif isinstance(message, intake.ReferralWithdrawn):
        after = replace(held, withdrawn_at=held.withdrawn_at or event.at)
    else:
        after = replace(held, reconsideration_requested_at=held.reconsideration_requested_at or event.at)
    work.referrals[key] = after
    if key not in work.created:
        work.changed.add(key)


def _entry(key: Key, event: TakenEvent, record: SentRecord | None) -> ReferralEntry:
    received = isinstance(event.message, intake.ReferralReceived)
    return ReferralEntry(
        at=event.at,
        actor=f"partner:{key.partner_id}",
        what=Outcome.RECEIVED if received else Outcome.FORWARDED,
        why=WHY,
        partner_id=key.partner_id,
        partner_reference=key.partner_reference,
        referral_id=event.message.referral_id,
        submission_id=record.submission_id if record else f"{WHY}/{event.event_id}",
        kind=_KINDS[type(event.message)],
        event_id=event.event_id,
    )
