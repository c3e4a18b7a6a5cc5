"""All SQL of following. `load` locks the batch's cases in the order of their ids; `save` writes what changed, in bulk.

A case that is new is inserted at the end. If another process inserted it meanwhile, the batch is tried again, and finds it.
What people wrote goes through `content`, and what officers do at the console through `desk`; both lock the case's row first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from conduit_chassis.columns import IDS, Columns
from conduit_chassis.postgres import Connection, Row, insert_new
from conduit_console import claims, content, duties, numbers, partners
from conduit_console.cases import (
    AskedBy,
    FollowedCase,
    FollowedHandoff,
    OpenQuestion,
    RoutingWord,
    TriageWord,
    held_assessment,
)
from conduit_console.work import ConsoleWork
from conduit_contracts.ids import moment_of
from conduit_contracts.referral import Urgency
from conduit_contracts.routing import HandoffState

_CASES = Columns(
    referral_id="uuid",
    partner_id="text",
    partner_reference="text",
    begun_at="timestamptz",
    received_at="timestamptz",
    urgency="text",
    rank="smallint",
    mou_lapsed="boolean",
    state="text",
    triage="text",
    triage_at="timestamptz",
    asked_at="timestamptz",
    supplied_at="timestamptz",
    routing="text",
    routing_at="timestamptz",
    withdrawn="boolean",
    for_forces="boolean",
    without_force="boolean",
    home_force="text",
    interim_owner="text",
    kept_from="text",
    policy_version="text",
    assessment="text",
    version="integer",
)
_HANDOFFS = Columns(
    referral_id="uuid",
    force_id="text",
    state="text",
    disseminated_at="timestamptz",
    received_at="timestamptz",
    acknowledged_at="timestamptz",
    first_acknowledged_at="timestamptz",
    ended_at="timestamptz",
    receipt_due_at="timestamptz",
    acknowledgement_due_at="timestamptz",
    due_at="timestamptz",
    chases="integer",
    level="integer",
    reminded_at="timestamptz",
    part="integer",
    force_reference="text",
    by_telephone="boolean",
    rank="smallint",
    case_state="text",
)
_QUESTIONS = Columns(
    referral_id="uuid",
    asked_by="text",
    reasons=IDS,
    about=IDS,
    urgency="text",
    rank="smallint",
    opened_at="timestamptz",
    due_at="timestamptz",
    waits_for_partner="boolean",
    claimed_by="text",
)
_LOCKED = f"""
SELECT {_CASES.names} FROM cases WHERE referral_id = ANY($1::uuid[]) ORDER BY referral_id FOR UPDATE
"""  # noqa: S608 - constants
_CASE_AS_IT_STANDS = f"SELECT {_CASES.names} FROM cases WHERE referral_id = $1"  # noqa: S608 - constants
_PARTS = f"SELECT {_HANDOFFS.names} FROM handoffs WHERE referral_id = ANY($1::uuid[])"  # noqa: S608 - constants
_ASKED = f"SELECT {_QUESTIONS.names} FROM questions WHERE referral_id = ANY($1::uuid[])"  # noqa: S608 - constants
_MOVE = f"""
UPDATE cases AS stored SET {_CASES.changes("now", "referral_id")}
FROM {_CASES.rows("now")} WHERE stored.referral_id = now.referral_id
"""  # noqa: S608 - constants
_PUT_HANDOFFS = f"""
INSERT INTO handoffs ({_HANDOFFS.names}) SELECT {_HANDOFFS.values("now")} FROM {_HANDOFFS.rows("now")}
ON CONFLICT (referral_id, force_id) DO UPDATE SET {_HANDOFFS.changes("excluded", "referral_id", "force_id")}
"""  # noqa: S608 - constants
_PUT_QUESTIONS = f"""
INSERT INTO questions ({_QUESTIONS.names}) SELECT {_QUESTIONS.values("now")} FROM {_QUESTIONS.rows("now")}
ON CONFLICT (referral_id, asked_by) DO UPDATE SET {_QUESTIONS.changes("excluded", "referral_id", "asked_by")}
"""  # noqa: S608 - constants
_KEYS = Columns(referral_id="uuid", asked_by="text")
_SETTLE = f"""
DELETE FROM questions AS stored USING {_KEYS.rows("gone")}
WHERE stored.referral_id = gone.referral_id AND stored.asked_by = gone.asked_by
"""  # noqa: S608 - constants
_LINES = Columns(
    referral_id="uuid",
    event_id="text",
    ordered_at="timestamptz",
    stage="smallint",
    place="bigint",
    happened_at="timestamptz",
    actor="text",
    what="text",
    why=IDS,
    force_ids=IDS,
    policy_version="text",
    command_id="text",
    version="integer",
)
_WRITE = f"""
INSERT INTO timeline ({_LINES.names}) SELECT {_LINES.values("now")} FROM {_LINES.rows("now")} ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_FOLLOWED = Columns(topic="text", partition="integer", complete_to="timestamptz")
_FOLLOW = f"""
INSERT INTO followed AS stored (topic, partition, complete_to, measured_at)
SELECT topic, partition, complete_to, clock_timestamp() FROM {_FOLLOWED.rows("now")} ORDER BY topic, partition
ON CONFLICT (topic, partition) DO UPDATE
SET complete_to = greatest(stored.complete_to, excluded.complete_to), measured_at = excluded.measured_at
"""  # noqa: S608 - constants


async def load(connection: Connection, work: ConsoleWork, messages: Iterable[Any]) -> None:
    """Let the work have the cases that these are about, locked until the transaction ends."""
    await load_cases(connection, work, {each for message in messages if (each := getattr(message, "referral_id", None))})


async def load_cases(connection: Connection, work: ConsoleWork, referral_ids: Collection[UUID]) -> None:
    """Let the work have these cases."""
    wanted = list(referral_ids)
    if not wanted:
        return
    for row in await connection.fetch(_LOCKED, wanted):
        work.cases[row["referral_id"]] = _case(row)
        work.stored_cases[row["referral_id"]] = tuple(row)
    work.claims |= await claims.holders(connection, wanted)
    for case in work.cases.values():
        case.claimed_by = holder.officer_id if (holder := work.claims.get(case.referral_id)) else None
    known = list(work.cases)
    if known:
        for row in await connection.fetch(_PARTS, known):
            work.cases[row["referral_id"]].handoffs[row["force_id"]] = _handoff(row)
            work.stored_handoffs[row["referral_id"], row["force_id"]] = tuple(row)
        for row in await connection.fetch(_ASKED, known):
            work.cases[row["referral_id"]].questions[AskedBy(row["asked_by"])] = _question(row)
            work.stored_questions[row["referral_id"], row["asked_by"]] = tuple(row)


async def read(connection: Connection, referral_id: UUID) -> FollowedCase | None:
    """One case with its hand-offs and questions, as it stands; None where there is none."""
    row = await connection.fetchrow(_CASE_AS_IT_STANDS, referral_id)
    if row is None:
        return None
    case = _case(row)
    for holder in (await claims.holders(connection, [referral_id])).values():
        case.claimed_by = holder.officer_id
    for part in await connection.fetch(_PARTS, [referral_id]):
        case.handoffs[part["force_id"]] = _handoff(part)
    for question in await connection.fetch(_ASKED, [referral_id]):
        case.questions[AskedBy(question["asked_by"])] = _question(question)
    return case


async def save(connection: Connection, work: ConsoleWork) -> None:
    """Write what the batch changed, with one statement for each table.

    Raises:
        InsertedMeanwhileError: try the batch again.
    """
    changed = [work.cases[each] for each in sorted(work.changed)]
    await claims.end_shut(connection, work.claims, changed)
    await _save_cases(connection, work, changed)
    await _save_handoffs(connection, work, changed)
    await _save_questions(connection, work, changed)
    if work.lines:
        await connection.execute(_WRITE, *_LINES.arrays([line._asdict() for line in work.lines]))
    await content.keep(connection, work.words)
    await _save_others(connection, work)
    await follow(connection, work.followed)


async def follow(connection: Connection, followed: Mapping[tuple[str, int], Any]) -> None:
    """Note up to when everything of these partitions is in the tables."""
    if followed:
        rows = [{"topic": topic, "partition": number, "complete_to": to} for (topic, number), to in followed.items()]
        await connection.execute(_FOLLOW, *_FOLLOWED.arrays(rows))


async def _save_cases(connection: Connection, work: ConsoleWork, changed: Sequence[FollowedCase]) -> None:
    rows = {case.referral_id: _case_row(case) for case in changed}
    new = [row for referral_id, row in rows.items() if referral_id in work.new]
    await insert_new(connection, "cases", _CASES, new)
    moved = [row for key, row in rows.items() if key not in work.new and row != work.stored_cases.get(key)]
    if moved:
        await connection.execute(_MOVE, *_CASES.arrays(_named(_CASES, moved)))


async def _save_handoffs(connection: Connection, work: ConsoleWork, changed: Sequence[FollowedCase]) -> None:
    rows = [
        row
        for case in changed
        for force_id, part in case.handoffs.items()
        if (row := _handoff_row(case, part)) != work.stored_handoffs.get((case.referral_id, force_id))
    ]
    if rows:
        await connection.execute(_PUT_HANDOFFS, *_HANDOFFS.arrays(_named(_HANDOFFS, rows)))


async def _save_questions(connection: Connection, work: ConsoleWork, changed: Sequence[FollowedCase]) -> None:
    now = {
        (case.referral_id, asked_by.value): _question_row(case, question)
        for case in changed
        for asked_by, question in case.questions.items()
    }
    ids = {case.referral_id for case in changed}
    gone = [key for key in work.stored_questions if key[0] in ids and key not in now]
    if gone:
        await connection.execute(_SETTLE, *_KEYS.arrays(_named(_KEYS, gone)))
    rows = [row for key, row in now.items() if row != work.stored_questions.get(key)]
    if rows:
        await connection.execute(_PUT_QUESTIONS, *_QUESTIONS.arrays(_named(_QUESTIONS, rows)))


_DUTIES = Columns(
    task_id="uuid",
    kind="text",
    rank="smallint",
    partner_id="text",
    partner_reference="text",
    referral_id="uuid",
    force_id="text",
    codes=IDS,
    said="integer",
    opened_at="timestamptz",
    unanswered_at="timestamptz",
    taken_at="timestamptz",
    taken_by="text",
    next_call_at="timestamptz",
    said_at="timestamptz",
)
_PUT_DUTIES = f"""
INSERT INTO duty_tasks AS stored ({_DUTIES.names}) SELECT {_DUTIES.values("now")} FROM {_DUTIES.rows("now")} ORDER BY task_id
ON CONFLICT (task_id) DO UPDATE SET {_DUTIES.changes("excluded", "task_id")} WHERE stored.said_at <= excluded.said_at
"""  # noqa: S608 - constants


_CLEARED = Columns(
    referral_id="uuid", attachment_id="uuid", media_type="text", size="bigint", sha256="text", cleared_at="timestamptz"
)
_FAILED = Columns(
    notice_id="uuid",
    audience="text",
    channel="text",
    template="text",
    referral_id="uuid",
    attempts="integer",
    code="text",
    failed_at="timestamptz",
)
_DANGERS = Columns(
    event_id="text",
    partner_id="text",
    partner_reference="text",
    referral_id="uuid",
    codes=IDS,
    waits_until="timestamptz",
    reported_at="timestamptz",
)


async def _save_others(connection: Connection, work: ConsoleWork) -> None:
    """What comes seldom. Each has an id of its own, and is written once, also where it is told again."""
    await _put_new(connection, "attachments", _CLEARED, work.attachments)
    await _put_new(connection, "failed_notices", _FAILED, work.failed)
    await _put_new(connection, "dangers", _DANGERS, work.dangers)
    await numbers.register(connection, work.numbers)
    await partners.register(connection, work.partners)
    if work.duties:
        rows = [duty._asdict() for duty in work.duties.values()]
        await connection.execute(_PUT_DUTIES, *_DUTIES.arrays(rows))
    await duties.note_answers(connection, work.takings)
    await content.keep_calls(connection, work.calls)


async def _put_new(connection: Connection, table: str, columns: Columns, rows: Sequence[Any]) -> None:
    if rows:
        wanted = f"INSERT INTO {table} ({columns.names}) SELECT {columns.values('now')} FROM {columns.rows('now')}"  # noqa: S608
        await connection.execute(f"{wanted} ON CONFLICT DO NOTHING", *columns.arrays(row._asdict() for row in rows))


def _named(columns: Columns, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _case_row(case: FollowedCase) -> tuple[Any, ...]:
    return (
        case.referral_id,
        case.partner_id,
        case.partner_reference,
        moment_of(case.referral_id),
        case.received_at,
        case.urgency,
        case.rank,
        case.mou_lapsed,
        case.state.value,
        case.triage,
        case.triage_at,
        case.asked_at,
        case.supplied_at,
        case.routing,
        case.routing_at,
        case.withdrawn,
        case.for_forces,
        case.without_force,
        case.home_force,
        case.interim_owner,
        ",".join(case.kept_from) if case.kept_from else None,
        case.policy_version,
        case.assessment.as_text() if case.assessment else None,
        case.version,
    )


def _case(row: Row) -> FollowedCase:
    kept_from = row["kept_from"]
    return FollowedCase(
        referral_id=row["referral_id"],
        partner_id=row["partner_id"],
        partner_reference=row["partner_reference"],
        received_at=row["received_at"],
        urgency=Urgency(row["urgency"]) if row["urgency"] else None,
        danger=row["rank"] == 0,
        mou_lapsed=row["mou_lapsed"],
        triage=TriageWord(row["triage"]) if row["triage"] else None,
        triage_at=row["triage_at"],
        asked_at=row["asked_at"],
        supplied_at=row["supplied_at"],
        routing=RoutingWord(row["routing"]) if row["routing"] else None,
        routing_at=row["routing_at"],
        withdrawn=row["withdrawn"],
        for_forces=row["for_forces"],
        home_force=row["home_force"],
        interim_owner=row["interim_owner"],
        kept_from=() if kept_from is None else tuple(kept_from.split(",")),
        policy_version=row["policy_version"],
        assessment=held_assessment(row["assessment"]),
        version=row["version"],
    )


def _handoff_row(case: FollowedCase, part: FollowedHandoff) -> tuple[Any, ...]:
    own = (getattr(part, name) for name in _HANDOFFS if name not in {"referral_id", "rank", "case_state"})
    return (case.referral_id, *own, case.rank, case.state.value)


def _handoff(row: Row) -> FollowedHandoff:
    given = {name: row[name] for name in _HANDOFFS if name not in {"referral_id", "rank", "case_state", "state"}}
    return FollowedHandoff(state=HandoffState(row["state"]), **given)


def _question_row(case: FollowedCase, question: OpenQuestion) -> tuple[Any, ...]:
    return (
        case.referral_id,
        question.asked_by.value,
        list(question.reasons),
        list(question.about),
        question.urgency.value,
        0 if question.danger else 1,
        question.opened_at,
        question.due_at,
        question.waits_for_partner,
        question.claimed_by,
    )


def _question(row: Row) -> OpenQuestion:
    same = {name: row[name] for name in ("opened_at", "due_at", "waits_for_partner", "claimed_by")}
    return OpenQuestion(
        asked_by=AskedBy(row["asked_by"]),
        reasons=tuple(row["reasons"]),
        about=tuple(row["about"]),
        urgency=Urgency(row["urgency"]),
        danger=row["rank"] == 0,
        **same,
    )
