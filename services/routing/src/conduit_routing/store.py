"""All SQL of routing. The row of a case is the lock on all that hangs on it.

Every statement handles a whole batch. Cases are locked in the order of their ids, so that two batches wait for each
other instead of deadlocking.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from conduit_chassis.postgres import insert, insert_new
from conduit_contracts.referral import Urgency
from conduit_contracts.routing import HandoffState, HomeForceBasis, RoutingReviewReason
from conduit_routing.case import Case, CaseState, Entry, Handoff, Review, Stored
from conduit_routing.content import Content, StoredBody, StoredSupplement, merge

_LOCK = """
SELECT referral_id, partner_id, partner_reference, urgency, immediate_danger, provisional, opened_at, policy_version,
       state, home_force, basis, interim_owner, named_home, version
FROM cases WHERE referral_id = ANY($1::uuid[]) ORDER BY referral_id FOR UPDATE
"""
_HANDOFFS = """
SELECT referral_id, force_id, areas, disseminated_at, receipt_due_at, acknowledgement_due_at, next_action_at, state,
       received_at, acknowledged_at, declined_at, stood_down_at, chases, level, force_reference, part, first_acknowledged_at
FROM handoffs WHERE referral_id = ANY($1::uuid[])
"""
_REVIEWS = """
SELECT referral_id, number, reason, about, candidates, opened_at
FROM routing_reviews WHERE referral_id = ANY($1::uuid[]) AND closed_at IS NULL ORDER BY referral_id, number
"""
_BODIES = "SELECT referral_id, body FROM cases WHERE referral_id = ANY($1::uuid[])"
_SUPPLEMENTS = "SELECT referral_id, body FROM supplements WHERE referral_id = ANY($1::uuid[]) ORDER BY referral_id, number"
_DUE = """
SELECT referral_id FROM cases
WHERE referral_id IN (SELECT referral_id FROM handoffs WHERE next_action_at <= $1 ORDER BY next_action_at LIMIT $2)
ORDER BY referral_id FOR UPDATE SKIP LOCKED
"""

_CASE_COLUMNS = (
    *("referral_id", "partner_id", "partner_reference", "urgency", "immediate_danger", "provisional", "opened_at"),
    *("policy_version", "state", "home_force", "basis", "interim_owner", "named_home", "version", "body"),
)
_AS_NEW = attrgetter(*_CASE_COLUMNS[:-1], "new_body")
_HANDOFF_COLUMNS = ("referral_id", *Handoff._fields, "priority")
_UPDATE_CASES = """
UPDATE cases SET urgency = new.urgency, immediate_danger = new.immediate_danger, provisional = new.provisional,
                 state = new.state, home_force = new.home_force, basis = new.basis, interim_owner = new.interim_owner,
                 named_home = new.named_home, version = new.version, body = coalesce(new.body, cases.body)
FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::integer[], $11::bytea[])
     AS new (referral_id, urgency, immediate_danger, provisional, state, home_force, basis, interim_owner, named_home,
             version, body)
WHERE cases.referral_id = new.referral_id
"""
_UPDATE_HANDOFFS = """
UPDATE handoffs SET
    areas = string_to_array(new.areas, ' '), disseminated_at = new.disseminated_at, receipt_due_at = new.receipt_due_at,
    acknowledgement_due_at = new.acknowledgement_due_at, next_action_at = new.next_action_at, state = new.state,
    received_at = new.received_at, acknowledged_at = new.acknowledged_at, declined_at = new.declined_at,
    stood_down_at = new.stood_down_at, chases = new.chases, level = new.level, force_reference = new.force_reference,
    part = new.part, first_acknowledged_at = new.first_acknowledged_at, priority = new.priority
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
            $7::timestamptz[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[],
            $13::integer[], $14::integer[], $15::text[], $16::integer[], $17::timestamptz[], $18::text[])
     AS new (referral_id, force_id, areas, disseminated_at, receipt_due_at, acknowledgement_due_at, next_action_at,
             state, received_at, acknowledged_at, declined_at, stood_down_at, chases, level, force_reference, part,
             first_acknowledged_at, priority)
WHERE handoffs.referral_id = new.referral_id AND handoffs.force_id = new.force_id
"""
_PUT_REVIEWS = """
INSERT INTO routing_reviews (referral_id, number, reason, about, candidates, opened_at, closed_at)
SELECT referral_id, number, reason, about, string_to_array(candidates, ' '), opened_at, closed_at
FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
     AS new (referral_id, number, reason, about, candidates, opened_at, closed_at)
ON CONFLICT (referral_id, number) DO UPDATE SET closed_at = excluded.closed_at
"""
_SUPPLEMENT_COLUMNS = ("referral_id", "number", "body")
_HISTORY_COLUMNS = ("referral_id", *Entry._fields)


async def due(connection: Any, now: datetime, limit: int) -> list[UUID]:
    """Cases with a hand-off whose clock ran out, locked, without those that somebody else has locked."""
    return [row[0] for row in await connection.fetch(_DUE, now, limit)]


async def load(connection: Any, wanted: Mapping[UUID, bool]) -> dict[UUID, Case]:
    """The cases there are among these, locked; with what was told of them where that is asked for or may be needed."""
    cases = {row["referral_id"]: _case(row) for row in await connection.fetch(_LOCK, list(wanted))} if wanted else {}
    if not cases:
        return {}
    ids = list(cases)
    for row in await connection.fetch(_HANDOFFS, ids):
        cases[row["referral_id"]].put(_handoff(row))
    for row in await connection.fetch(_REVIEWS, ids):
        cases[row["referral_id"]].reviews[row["number"]] = _review(row)
    for case in cases.values():
        case.stored = Stored(case.version, case.priority, dict(case.handoffs), dict(case.reviews))
    await _load_content(connection, cases, [each for each in ids if wanted[each] or may_pass_on(cases[each])])
    return cases


def may_pass_on(case: Case) -> bool:
    """Whether an acknowledgement may send the case: to one that takes it back, or takes the interim duty."""
    return any(handoff.state is HandoffState.DECLINED for handoff in case.handoffs.values())


async def _load_content(connection: Any, cases: Mapping[UUID, Case], ids: Sequence[UUID]) -> None:
    if not ids:
        return
    supplements: dict[UUID, list[bytes]] = {}
    for row in await connection.fetch(_SUPPLEMENTS, ids):
        supplements.setdefault(row["referral_id"], []).append(row["body"])
    for row in await connection.fetch(_BODIES, ids):
        case = cases[row["referral_id"]]
        case.content = content_of(row["body"], supplements.get(case.referral_id, ()))
        case.supplements_stored = len(supplements.get(case.referral_id, ()))


def content_of(body: bytes, supplements: Sequence[bytes]) -> Content:
    """What was told of a case, read from the records that told it."""
    told = StoredBody.model_validate_json(body, extra="ignore")
    added = [StoredSupplement.model_validate_json(raw, extra="ignore").supplement for raw in supplements]
    size = len(body) + sum(map(len, supplements))
    return Content(told.referral, merge(told.supplements, added), size=size)


async def save(connection: Any, cases: Sequence[Case]) -> None:
    """Write what differs from what is stored.

    Raises:
        InsertedMeanwhileError: another transaction made one of the cases. The batch must be tried again.
    """
    await insert_new(connection, "cases", _CASE_COLUMNS, [_AS_NEW(case) for case in cases if case.stored is None])
    await _put(connection, _UPDATE_CASES, [_update(case) for case in cases if case.stored is not None])
    await insert(connection, "handoffs", _HANDOFF_COLUMNS, [row for case in cases for row in _new_handoffs(case)])
    await _put(connection, _UPDATE_HANDOFFS, [row for case in cases for row in _changed_handoffs(case)])
    await _put(connection, _PUT_REVIEWS, [row for case in cases for row in _review_rows(case)])
    added = [row for case in cases for row in _supplement_rows(case)]
    await insert(connection, "supplements", _SUPPLEMENT_COLUMNS, added)
    history = [(case.referral_id, *entry) for case in cases for entry in case.new_history]
    await insert(connection, "history", _HISTORY_COLUMNS, history)


async def _put(connection: Any, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        await connection.execute(statement, *map(list, zip(*rows, strict=True)))


def _update(case: Case) -> tuple[Any, ...]:
    return (
        case.referral_id,
        case.urgency,
        case.immediate_danger,
        case.provisional,
        case.state,
        case.home_force,
        case.basis,
        case.interim_owner,
        case.named_home,
        case.version,
        case.new_body,
    )


def _new_handoffs(case: Case) -> list[tuple[Any, ...]]:
    stored, priority = case.stored.handoffs if case.stored else {}, case.priority
    return [(case.referral_id, *handoff, priority) for force_id, handoff in case.handoffs.items() if force_id not in stored]


def _changed_handoffs(case: Case) -> Iterable[tuple[Any, ...]]:
    if case.stored is None:
        return
    priority = case.priority
    moved = case.stored.priority != priority
    for force_id, before in case.stored.handoffs.items():
        handoff = case.handoffs[force_id]
        if handoff is not before or (moved and handoff.waiting):
            # An array of arrays must be rectangular, so areas travel as text; they hold no spaces.
            yield (case.referral_id, force_id, " ".join(handoff.areas), *handoff[2:], priority)


def _review_rows(case: Case) -> Iterable[tuple[Any, ...]]:
    stored = case.stored.reviews if case.stored else {}
    for number, review in case.reviews.items():
        if review is not stored.get(number):
            yield (case.referral_id, *review[:3], " ".join(review.candidates), *review[4:])


def _supplement_rows(case: Case) -> Iterable[tuple[Any, ...]]:
    for number, body in enumerate(case.new_supplements, case.supplements_stored + 1):
        yield (case.referral_id, number, body)


def _case(row: Any) -> Case:
    basis = row["basis"]
    values = dict(row) | {
        "urgency": Urgency(row["urgency"]),
        "state": CaseState(row["state"]),
        "basis": HomeForceBasis(basis) if basis else None,
    }
    return Case(**values)


def _handoff(row: Any) -> Handoff:
    (_, force_id, areas, disseminated_at, receipt_due_at, acknowledgement_due_at, next_action_at, state, *rest) = row
    times = (disseminated_at, receipt_due_at, acknowledgement_due_at, next_action_at)
    return Handoff(force_id, tuple(areas), *times, HandoffState(state), *rest)


def _review(row: Any) -> Review:
    _, number, reason, about, candidates, opened_at = row
    return Review(number, RoutingReviewReason(reason), about, tuple(candidates), opened_at)
