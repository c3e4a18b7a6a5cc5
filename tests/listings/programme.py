"""The programme's lists: what its store holds, and each statement with what it is asked for at its last page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from conduit_programme import trail
from conduit_programme.advice import store as advice
from conduit_programme.engagement import open_steps
from conduit_programme.engagement import store as engagement
from conduit_programme.experience import owed, released, talks
from conduit_programme.experience import store as contributors
from conduit_programme.insight import store as insights
from conduit_programme.organisations import found as directory
from conduit_programme.organisations import store as organisations
from conduit_programme.practice import store as practice

STORED = 20_000
ONE, THREE, FIRST, LAST = UUID(int=1), UUID(int=3), UUID(int=0), UUID(int=2**128 - 1)
_FIRST_DAY = date(2026, 1, 1)
_ID = "lpad(to_hex(number), 32, '0')::uuid"
_ALL = f"FROM generate_series(1, {STORED}) AS number"
_DAY = "date '2026-01-01' + (number / 10)::integer"
_AT = "timestamptz '2026-01-01' + number * interval '1 second'"
_EARLY, _NEVER, _BEFORE = date(2026, 1, 6), "2999-01-01 00:00:00+00", "2026-01-01 00:01:00+00"
"""Before the first day, and before the first minute, lies the last page of what is newest first."""
_LATE = date.fromordinal(_FIRST_DAY.toordinal() + STORED // 10 - 6)
"""After it lies the last page of what is soonest first."""
_BEHIND = f"Organisation {STORED - 60:06}".lower()

FILLED: Sequence[str] = (
    f"""INSERT INTO organisations (organisation_id, kind, name, begun_at)
    SELECT {_ID}, CASE WHEN number % 1000 = 1 THEN 'education' ELSE 'health' END,
        'Organisation ' || lpad(number::text, 6, '0'), now() {_ALL}""",
    f"""INSERT INTO offers (organisation_id, services, expertise, force_ids, everywhere, languages, said_by, said_at)
    SELECT {_ID}, '{{helpline}}', '{{}}', '{{}}', true, '{{en}}', 'a', now() {_ALL}""",
    f"""INSERT INTO activities (activity_id, kind, held_on, state, ps, themes, force_ids, proposed_by, logged_by, logged_at)
    SELECT {_ID}, 'visit', {_DAY}, CASE WHEN number % 2 = 0 THEN 'agreed' ELSE 'proposed' END, '{{}}', '{{}}', '{{kent}}',
        'force.kent', 'a', now() {_ALL}""",
    f"INSERT INTO activity_organisations (activity_id, organisation_id) SELECT {_ID}, {_ID} {_ALL}",
    f"""INSERT INTO steps (step_id, activity_id, words_id, owner_account, owner_organisation, owner_force, joint, due_on,
        state, ended_on, begun_at)
    SELECT {_ID}, {_ID}, {_ID}, CASE number % 4 WHEN 0 THEN 'mine' WHEN 1 THEN 'others' END,
        CASE number % 4 WHEN 2 THEN '{ONE}'::uuid END, CASE number % 4 WHEN 3 THEN 'kent' END, number % 3 = 0, {_DAY},
        CASE WHEN number % 9 = 0 THEN 'done' ELSE 'open' END, CASE WHEN number % 9 = 0 THEN {_DAY} END, now() {_ALL}""",
    f"""INSERT INTO insights (insight_id, organisation_id, source, speaker, heard_on, heard_by, heard_at, due_on, words_id,
        four_p, considered_by, considered_at, answered_at)
    SELECT {_ID}, CASE WHEN number % 2 = 0 THEN '{ONE}'::uuid ELSE {_ID} END, 'noted', 'manager', {_DAY}, 'a', {_AT}, {_DAY},
        {_ID}, 'protect', 'a', {_AT}, CASE WHEN number % 3 = 0 THEN {_AT} END {_ALL}""",
    f"""INSERT INTO insight_answers (insight_id, number, outcome, words_id, answered_by, answered_at)
    SELECT {_ID}, 1, 'not_changed', {_ID}, 'a', {_AT} {_ALL} WHERE number % 3 = 0""",
    f"""INSERT INTO contributors (contributor_id, organisation_id, name_id, limits_on, limits_by, reviewed_on, begun_by,
        begun_at)
    SELECT {_ID}, {_ID}, {_ID}, {_DAY}, 'hub', {_DAY}, 'a', {_AT} {_ALL}""",
    f"""INSERT INTO conversations (conversation_id, contributor_id, reference, planned_on, held_on, planned_by, planned_at)
    SELECT {_ID}, {_ID}, 'LE-' || number, {_DAY}, {_DAY}, 'a', now() {_ALL}""",
    f"""INSERT INTO wellbeing_checks (conversation_id, moment, owner, due_on)
    SELECT {_ID}, 'after', CASE WHEN number % 2 = 0 THEN 'mine' ELSE 'others' END, {_DAY} {_ALL}""",
    f"""INSERT INTO quotes (quote_id, contributor_id, conversation_id, words_id, kept_at)
    SELECT {_ID}, {_ID}, {_ID}, {_ID}, {_AT} {_ALL}""",
    f"""INSERT INTO releases (release_id, title_id, revision, published_by, published_at)
    SELECT {_ID}, {_ID}, 1, 'a', {_AT} {_ALL}""",
    f"""INSERT INTO payments (payment_id, conversation_id, state, pence, since)
    SELECT {_ID}, {_ID}, CASE WHEN number % 1000 = 1 THEN 'paid' ELSE 'offered' END, 2500, {_AT} {_ALL}""",
    f"""INSERT INTO advice_notes (note_id, words_id, four_p, confirm_by, state, written_by, written_at, published_by,
        published_at)
    SELECT {_ID}, {_ID}, 'protect', {_DAY}, CASE WHEN number % 9 = 0 THEN 'draft' ELSE 'published' END, 'a', {_AT},
        CASE WHEN number % 9 <> 0 THEN 'a' END, CASE WHEN number % 9 <> 0 THEN {_AT} END {_ALL}""",
    f"""INSERT INTO practice_questions (question_id, partner_id, kind, force_ids, force_may, asked_by, asked_at, due_on,
        waits_until, answered_at, outcome, ended_at)
    SELECT {_ID}, CASE WHEN number % 2 = 0 THEN 'abc' ELSE 'other-' || number % 100 END, 'other', '{{}}', true, 'a', {_AT},
        {_DAY}, CASE WHEN number % 3 = 0 THEN {_DAY} END, CASE WHEN number % 3 <> 0 THEN {_AT} END,
        CASE WHEN number % 3 = 2 THEN 'answered' END, CASE WHEN number % 3 = 2 THEN {_AT} END {_ALL}""",
    f"""INSERT INTO practice_messages (question_id, number, side, words_id, answers, written_by, written_at)
    SELECT {_ID}, 1, 'partner.abc', {_ID}, false, 'a', {_AT} {_ALL}""",
    f"""INSERT INTO practice_forces (question_id, force_id, from_number, brought_by, brought_at)
    SELECT {_ID}, 'kent', 1, 'a', {_AT} {_ALL}""",
    f"""INSERT INTO acts (at, account, belongs_to, kind, what, about, about_id)
    SELECT {_AT}, CASE WHEN number % 1000 = 1 THEN 'rare' ELSE 'a' END, 'hub',
        CASE WHEN number % 1000 = 2 THEN 'disclosure' ELSE 'consultation' END, 'viewed_activity', 'activity',
        CASE WHEN number % 2 = 0 THEN '{ONE}'::uuid ELSE {_ID} END {_ALL}""",
)
LISTED: Sequence[tuple[str, str, Sequence[object], int]] = (
    ("activities", engagement._NEWEST, (_EARLY, FIRST), 3),
    ("proposals", engagement._PROPOSED, (_LATE, LAST), 3),
    *(
        (f"next steps of {whose}", open_steps._BY_KEY[whose], (_LATE, LAST, *who), 4)
        for whose, who in (
            ("account", ("mine",)),
            ("others_at_hub", ("mine",)),
            ("outside_the_hub", ()),
            ("organisations", ([ONE],)),
            ("force", ("kent",)),
            ("force_joins", ("kent",)),
        )
    ),
    (
        "joint actions that an organisation may join",
        open_steps._BY_KEY["organisations_join"],
        (_FIRST_DAY, FIRST, [THREE]),
        4,
    ),
    ("organisations", organisations._ALL, (_BEHIND, FIRST), 2),
    ("those of a kind that is rare", organisations._OF_KIND, ("", FIRST, "education"), 2),
    ("the directory", directory._FOUND, (_BEHIND, FIRST, "", "", "", None), 3),
    ("what most offer, in the directory", directory._FOUND, (_BEHIND, FIRST, "helpline", "kent", "en", 12), 3),
    ("insights that wait", insights._OPEN, (_LATE, LAST), 4),
    ("insights with an answer", insights._ANSWERED, (_BEFORE, FIRST), 4),
    ("insights of an organisation", insights._OF_ORGANISATION, (ONE, _BEFORE, FIRST), 4),
    ("contributors", contributors._NEWEST, (_BEFORE, FIRST), 2),
    ("consents to be looked at", contributors._TO_REVIEW, (date.max, _LATE, LAST), 2),
    ("wellbeing checks", talks._ALL_DUE, (_LATE, LAST, "before"), 4),
    ("wellbeing checks of one person", talks._MY_DUE, (_LATE, LAST, "before", "mine"), 6),
    ("what was said", contributors._NEWEST_QUOTES, (_BEFORE, FIRST), 2),
    ("releases", released._NEWEST, (_BEFORE, FIRST), 2),
    ("national advice and its drafts", advice._EVERY, (_BEFORE, FIRST), 2),
    ("national advice", advice._SENT, (_BEFORE, FIRST), 2),
    ("practice questions that wait", practice._WAITING, (_LATE, LAST), 2),
    ("practice questions with an answer", practice._ANSWERED, (_BEFORE, FIRST), 2),
    ("practice questions that ended", practice._ENDED, (_BEFORE, FIRST), 2),
    ("practice questions of a partner", practice._OF_PARTNER, ("abc", _BEFORE, FIRST), 2),
    ("practice questions of a force", practice._OF_FORCE, ("kent", _BEFORE, FIRST), 3),
    ("payments", owed._ALL, (_BEFORE, FIRST), 6),
    ("payments in a state that few are in", owed._IN_STATE, (_NEVER, LAST, "paid"), 6),
    ("acts", trail._ACTS[()], (_BEFORE, 0), 2),
    ("acts of somebody who did little", trail._ACTS["account",], (_NEVER, 0, "rare"), 2),
    ("acts of a kind that is rare", trail._ACTS["kind",], (_NEVER, 0, "disclosure"), 2),
    ("acts about one thing", trail._ACTS["about_id",], (_BEFORE, 0, ONE), 2),
)
"""What each is called, its statement, what it is asked for, and from how many tables it has each row."""
