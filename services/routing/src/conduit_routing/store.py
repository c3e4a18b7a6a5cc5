"""All SQL of routing. The row of a case is the lock on all that hangs on it.

Every statement handles a whole batch. Cases are locked in the order of their ids, so that two batches wait for each
other instead of deadlocking.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from conduit_chassis.columns import IDS, Columns, listed
from conduit_chassis.postgres import Connection, Row, insert, insert_new
from conduit_chassis.seen import PastLine
from conduit_contracts.concerned.content import Content, mark
from conduit_contracts.concerned.proposal import is_territorial
from conduit_contracts.referral import Referral, Supplement, Urgency
from conduit_contracts.routing import HandoffState, HomeForceBasis, RoutingReviewReason
from conduit_routing.case import Case, CaseEntry, CaseState, ForceMark, Review, Stored
from conduit_routing.handoffs import Handoff

_KEPT = (
    *("referral_id", "partner_id", "partner_reference", "urgency", "immediate_danger", "provisional", "opened_at"),
    *("policy_version", "state", "home_force", "basis", "interim_owner", "named_home", "named_interim"),
    *("version", "marks"),
)
"""Of a case, without the body, which is read only where it is needed."""
_CASE_COLUMNS = (*_KEPT, "body")
_HANDOFF_KEPT = ("referral_id", *Handoff._fields)
_REVIEW_KEPT = ("referral_id", *Review._fields)
_OF_THESE = "WHERE referral_id = ANY($1::uuid[])"
_LOCK = f"SELECT {listed(_KEPT)} FROM cases {_OF_THESE} ORDER BY referral_id FOR UPDATE"  # noqa: S608 - constants
_HANDOFFS = f"SELECT {listed(_HANDOFF_KEPT)} FROM handoffs {_OF_THESE}"  # noqa: S608 - constants
_REVIEWS = f"""
SELECT {listed(_REVIEW_KEPT)} FROM routing_reviews {_OF_THESE} AND closed_at IS NULL ORDER BY referral_id, number
"""  # noqa: S608 - constants
_BODIES = "SELECT referral_id, body FROM cases WHERE referral_id = ANY($1::uuid[])"
_SUPPLEMENTS = "SELECT referral_id, body FROM supplements WHERE referral_id = ANY($1::uuid[]) ORDER BY referral_id, number"
_LINES = """
SELECT referral_id, actor, what, at FROM history WHERE referral_id = ANY($1::uuid[]) ORDER BY referral_id, version
"""
_DUE = """
SELECT referral_id FROM cases
WHERE referral_id IN (
    SELECT referral_id FROM (
        (SELECT referral_id, true AS danger, next_action_at FROM handoffs
         WHERE next_action_at <= $1 AND priority = 'immediate_danger' ORDER BY next_action_at LIMIT $2)
        UNION ALL
        (SELECT referral_id, false, next_action_at FROM handoffs
         WHERE next_action_at <= $1 AND priority IS DISTINCT FROM 'immediate_danger' ORDER BY next_action_at LIMIT $2)
    ) AS due ORDER BY danger DESC, next_action_at LIMIT $2
)
ORDER BY referral_id FOR UPDATE SKIP LOCKED
"""
_PUT_OFF = "UPDATE handoffs SET next_action_at = $3 WHERE referral_id = $1 AND next_action_at <= $2"

PREFETCH = 32
"""Rows of added information that are in memory at a time."""

_AS_NEW = attrgetter(*_CASE_COLUMNS[:-2])
_HANDOFF_COLUMNS = (*_HANDOFF_KEPT, "priority")
_CASE_CHANGES = Columns(
    referral_id="uuid",
    urgency="text",
    immediate_danger="boolean",
    provisional="boolean",
    state="text",
    home_force="text",
    basis="text",
    interim_owner="text",
    named_home="text",
    named_interim="text",
    version="integer",
    marks="text",
    body="bytea",
)
_CHANGED = tuple(name for name in _CASE_CHANGES if name not in ("marks", "body"))
_UPDATE_CASES = f"""
UPDATE cases SET {_CASE_CHANGES.changes("new", "referral_id", "body")}, body = coalesce(new.body, cases.body)
FROM {_CASE_CHANGES.rows("new")} WHERE cases.referral_id = new.referral_id
"""  # noqa: S608 - constants
_HANDOFF_CHANGES = Columns(
    referral_id="uuid",
    force_id="text",
    areas=IDS,
    disseminated_at="timestamptz",
    receipt_due_at="timestamptz",
    acknowledgement_due_at="timestamptz",
    next_action_at="timestamptz",
    state="text",
    received_at="timestamptz",
    acknowledged_at="timestamptz",
    declined_at="timestamptz",
    stood_down_at="timestamptz",
    chases="integer",
    level="integer",
    force_reference="text",
    part="integer",
    first_acknowledged_at="timestamptz",
    part_sent_at="timestamptz",
    by_telephone="boolean",
    contact_mark="text",
    priority="text",
)
_UPDATE_HANDOFFS = f"""
UPDATE handoffs SET {_HANDOFF_CHANGES.changes("new", "referral_id", "force_id")} FROM {_HANDOFF_CHANGES.rows("new")}
WHERE handoffs.referral_id = new.referral_id AND handoffs.force_id = new.force_id
"""  # noqa: S608 - constants
_REVIEW_ROWS = Columns(
    referral_id="uuid",
    number="integer",
    reason="text",
    about="text",
    candidates=IDS,
    opened_at="timestamptz",
    closed_at="timestamptz",
)
_PUT_REVIEWS = f"""
INSERT INTO routing_reviews ({_REVIEW_ROWS.names}) SELECT {_REVIEW_ROWS.values("new")} FROM {_REVIEW_ROWS.rows("new")}
ON CONFLICT (referral_id, number) DO UPDATE SET closed_at = excluded.closed_at
"""  # noqa: S608 - constants
_SUPPLEMENT_COLUMNS = ("referral_id", "number", "body")
_HISTORY_COLUMNS = ("referral_id", *CaseEntry._fields)


class StoredBody(BaseModel):
    """The part of a stored triage record that holds the case."""

    referral: Referral
    supplements: tuple[Supplement, ...] = ()


class StoredSupplement(BaseModel):
    """The part of a stored InformationForwarded that holds what was added."""

    supplement: Supplement


async def due(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """The cases of so many hand-offs whose clocks ran out, danger first, locked, without those that somebody else locked."""
    return [row["referral_id"] for row in await connection.fetch(_DUE, now, limit)]


async def put_off(connection: Connection, referral_id: UUID, now: datetime, until: datetime) -> None:
    """Let the due steps of a case be due later, so that what fails does not stand before all others again at once."""
    await connection.execute(_PUT_OFF, referral_id, now, until)


async def load(connection: Connection, referral_ids: Collection[UUID]) -> dict[UUID, Case]:
    """The cases there are among these, locked, without what was told of them."""
    cases = (
        {row["referral_id"]: _case(row) for row in await connection.fetch(_LOCK, list(referral_ids))} if referral_ids else {}
    )
    if not cases:
        return {}
    ids = list(cases)
    for row in await connection.fetch(_HANDOFFS, ids):
        cases[row["referral_id"]].put(_handoff(row))
    for row in await connection.fetch(_REVIEWS, ids):
        cases[row["referral_id"]].reviews[row["number"]] = _review(row)
    for case in cases.values():
        case.stored = Stored(case.version, case.priority, dict(case.handoffs), dict(case.reviews))
    return cases


async def load_lines(connection: Connection, cases: Mapping[UUID, Case], referral_ids: Collection[UUID]) -> None:
    """Let these cases know who did what in them."""
    ids = [each for each in referral_ids if each in cases]
    for row in await connection.fetch(_LINES, ids) if ids else ():
        cases[row["referral_id"]].lines.append(PastLine(row["actor"], row["what"], row["at"]))


def may_pass_on(case: Case) -> bool:
    """Whether an answer may send the case: to one that takes it back, or takes the interim duty, even from a special force
    that the previous release gave it to, or because an officer named it for that."""
    special = case.interim_owner is not None and not is_territorial(case.interim_owner)
    named = case.named_interim is not None and case.home_force is None
    return named or special or any(handoff.state is HandoffState.DECLINED for handoff in case.handoffs.values())


async def load_content(connection: Connection, cases: Mapping[UUID, Case]) -> None:
    """Let these cases know what was told of them. What was added is read a little at a time."""
    ids = list(cases)
    if not ids:
        return
    for row in await connection.fetch(_BODIES, ids):
        case, body = cases[row["referral_id"]], row["body"]
        told = StoredBody.model_validate_json(body, extra="ignore")
        case.content, case.supplements_stored = Content(told.referral, told.supplements, size=len(body)), 0
    async for row in connection.cursor(_SUPPLEMENTS, ids, prefetch=PREFETCH):
        case, body = cases[row["referral_id"]], row["body"]
        case.told.add(_supplement(body), len(body))
        case.supplements_stored += 1


async def supplements_of(connection: Connection, case: Case) -> AsyncIterator[Supplement]:
    """All that was added to a case, as it arrived and each once, what is not stored yet last."""
    seen: set[bytes] = set()
    async for supplement in _all_supplements(connection, case):
        marked = mark(supplement)
        if marked not in seen:
            seen.add(marked)
            yield supplement


async def _all_supplements(connection: Connection, case: Case) -> AsyncIterator[Supplement]:
    body = case.new_body
    if body is None:
        body = (await connection.fetch(_BODIES, [case.referral_id]))[0]["body"]
    for supplement in StoredBody.model_validate_json(body, extra="ignore").supplements:
        yield supplement
    if case.supplements_stored:
        async for row in connection.cursor(_SUPPLEMENTS, [case.referral_id], prefetch=PREFETCH):
            yield _supplement(row["body"])
    for body in case.new_supplements:
        yield _supplement(body)


def _supplement(body: bytes) -> Supplement:
    return StoredSupplement.model_validate_json(body, extra="ignore").supplement


async def save(connection: Connection, cases: Sequence[Case]) -> None:
    """Write what differs from what is stored.

    Raises:
        InsertedMeanwhileError: another transaction made one of the cases. The batch must be tried again.
    """
    await insert_new(connection, "cases", _CASE_COLUMNS, [_as_new(case) for case in cases if case.stored is None])
    await _put(connection, _UPDATE_CASES, _CASE_CHANGES, [_case_changes(case) for case in cases if case.stored is not None])
    await insert(connection, "handoffs", _HANDOFF_COLUMNS, [row for case in cases for row in _new_handoffs(case)])
    await _put(connection, _UPDATE_HANDOFFS, _HANDOFF_CHANGES, [row for case in cases for row in _changed_handoffs(case)])
    await _put(connection, _PUT_REVIEWS, _REVIEW_ROWS, [row for case in cases for row in _review_rows(case)])
    added = [row for case in cases for row in _supplement_rows(case)]
    await insert(connection, "supplements", _SUPPLEMENT_COLUMNS, added)
    await save_history(connection, cases)


async def save_history(connection: Connection, cases: Sequence[Case]) -> None:
    """Write the lines of history that are new, and keep them in memory no longer."""
    history = [(case.referral_id, *entry) for case in cases for entry in case.new_history]
    await insert(connection, "history", _HISTORY_COLUMNS, history)
    for case in cases:
        case.new_history.clear()


async def _put(connection: Connection, statement: str, columns: Columns, rows: Iterable[Mapping[str, Any]]) -> None:
    found = list(rows)
    if found:
        await connection.execute(statement, *columns.arrays(found))


def _case_changes(case: Case) -> Mapping[str, Any]:
    return {name: getattr(case, name) for name in _CHANGED} | {"marks": _marks(case), "body": case.new_body}


def _new_handoffs(case: Case) -> list[tuple[Any, ...]]:
    stored, priority = case.stored.handoffs if case.stored else {}, case.priority
    return [(case.referral_id, *handoff, priority) for force_id, handoff in case.handoffs.items() if force_id not in stored]


def _changed_handoffs(case: Case) -> Iterable[Mapping[str, Any]]:
    if case.stored is None:
        return
    priority = case.priority
    moved = case.stored.priority != priority
    for force_id, before in case.stored.handoffs.items():
        handoff = case.handoffs[force_id]
        if handoff is not before or (moved and handoff.owes_answer):
            yield {"referral_id": case.referral_id, "priority": priority, **handoff._asdict()}


def _review_rows(case: Case) -> Iterable[Mapping[str, Any]]:
    stored = case.stored.reviews if case.stored else {}
    for number, review in case.reviews.items():
        if review is not stored.get(number):
            yield {"referral_id": case.referral_id, **review._asdict()}


def _supplement_rows(case: Case) -> Iterable[tuple[Any, ...]]:
    for number, body in enumerate(case.new_supplements, case.supplements_stored + 1):
        yield (case.referral_id, number, body)


def _case(row: Row) -> Case:
    basis = row["basis"]
    values = dict(row) | {
        "urgency": Urgency(row["urgency"]),
        "state": CaseState(row["state"]),
        "basis": HomeForceBasis(basis) if basis else None,
        "marks": frozenset(_mark(each) for each in row["marks"].split()),
    }
    return Case(**values)


def _mark(text: str) -> tuple[str, ForceMark]:
    force_id, _, found = text.partition("=")
    return force_id, ForceMark(found)


def _marks(case: Case) -> str:
    """As text: no force id holds a blank or an equals sign."""
    return " ".join(sorted(f"{force_id}={found}" for force_id, found in case.marks)) if case.marks else ""


def _as_new(case: Case) -> tuple[Any, ...]:
    return (*_AS_NEW(case), _marks(case), case.new_body)


def _handoff(row: Row) -> Handoff:
    values = dict(row) | {"areas": tuple(row["areas"]), "state": HandoffState(row["state"])}
    del values["referral_id"]
    return Handoff(**values)


def _review(row: Row) -> Review:
    values = dict(row) | {"reason": RoutingReviewReason(row["reason"]), "candidates": tuple(row["candidates"])}
    del values["referral_id"]
    return Review(**values)
