"""What a listing costs at its last page, where much is stored: what PostgreSQL reads, which no busy machine changes.

Each statement is tried as it is planned for the values at hand and as it is planned for any, since a service's connections
come to use either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

import conduit_intake
import conduit_notification
import conduit_routing
import conduit_triage
from conduit_chassis import commands, replay
from conduit_chassis.migrate import migrate
from conduit_intake import reading
from conduit_notification import duty_store
from conduit_notification import outstanding as notification_outstanding
from conduit_routing import outstanding as routing_outstanding
from conduit_routing import queries
from conduit_triage import outstanding as triage_outstanding
from conduit_triage import store as triage
from tests.support.servers import NewDatabase, TemplateDatabase

STORED, PAGE = 30_000, 50
ONE = UUID(int=1)
"""The referral of which much was told."""
LATE = UUID(int=STORED - PAGE)
"""Behind it lies the last page of all referrals."""
PACKAGES = {
    "intake": conduit_intake,
    "triage": conduit_triage,
    "routing": conduit_routing,
    "notification": conduit_notification,
}
_ID = "lpad(to_hex(number), 32, '0')::uuid"
_PARTNER = "CASE WHEN number % 3 = 0 THEN 'other-' || number % 100 ELSE 'abc' END"
_ENDED = f"CASE WHEN number <= {STORED - 5} THEN now() END"
_ALL = f"FROM generate_series(1, {STORED}) AS number"
# ruff: noqa: S608 - constants alone
FILLED: Mapping[str, Sequence[str]] = {
    "intake": (
        f"""INSERT INTO referrals (referral_id, partner_id, partner_reference, content_hash, received_at, place_ids,
            person_ids, body)
        SELECT {_ID}, {_PARTNER}, number, decode(repeat('00', 32), 'hex'), now(),
            '{{}}', '{{}}', decode(repeat('00', 200), 'hex') {_ALL}""",
        f"""INSERT INTO standings (referral_id, partner_id, state, revision, updated_at)
        SELECT {_ID}, {_PARTNER},
            CASE WHEN number % 1000 = 1 THEN 'declined' ELSE 'handed_over' END, 1, now() {_ALL}""",
        f"INSERT INTO updates (referral_id, revision, body) SELECT {_ID}, 1, 'x' {_ALL}",
        f"INSERT INTO updates (referral_id, revision, body) SELECT '{ONE}', number + 1, 'x' {_ALL}",
        f"""INSERT INTO dead_letters (topic, partition, record_offset, digest, reason, at, resolved_at)
        SELECT 't', 0, number, decode(repeat('00', 32), 'hex'), 'synthetic', now(),
            CASE WHEN number > {STORED - 5} THEN NULL ELSE now() END {_ALL}""",
    ),
    "triage": (
        f"""INSERT INTO assessments (referral_id, partner_id, partner_reference, received_at, body, state, danger_raised,
            rounds, grounds, policy_version)
        SELECT {_ID}, 'abc', number, now(), 'x', 'under_review', false, 1, '{{}}', 'p' {_ALL}""",
        f"""INSERT INTO reviews (referral_id, state, reasons, urgency, immediate_danger, opened_at, due_at,
            waiting_for_partner)
        SELECT {_ID}, 'under_review', ARRAY['below_every_threshold'], 'routine', false, now(), now() + interval '1 day',
            false {_ALL}""",
        *(
            f"""INSERT INTO supplements (referral_id, event_id, body, arrived_at)
            SELECT {referral}, gen_random_uuid(), decode(repeat('00', 200), 'hex'), now() {rows}"""
            for referral, rows in ((f"'{ONE}'", "FROM generate_series(1, 2000) AS number"), (_ID, _ALL))
        ),
        *(
            f"""INSERT INTO history (referral_id, at, actor, what, why, policy_version, event_id)
            SELECT {referral}, now(), 'rules', 'received', 'x', 'p', gen_random_uuid() {_ALL}"""
            for referral in (f"'{ONE}'", _ID)
        ),
        *(
            f"INSERT INTO remarks (referral_id, at, actor, what, text) SELECT {referral}, now(), 'a', 'b', 'c' {_ALL}"
            for referral in (f"'{ONE}'", _ID)
        ),
        f"""INSERT INTO command_answers (at, command_id, officer_id, answer, code, problems, changes)
        SELECT now(), number, CASE WHEN number <= 5 THEN 'rare.officer' WHEN number <= 10 THEN NULL ELSE 'a.officer' END,
            'ignored', 'synthetic', '[]', '{{}}' {_ALL}""",
    ),
    "routing": (
        f"""INSERT INTO cases (referral_id, partner_id, partner_reference, body, urgency, immediate_danger, provisional,
            opened_at, policy_version, state, interim_owner, version)
        SELECT {_ID}, 'abc', number, 'x', 'routine', false, false, now(), 'p', 'open', 'kent', 1 {_ALL}""",
        f"""INSERT INTO routing_reviews (referral_id, number, reason, about, candidates, opened_at, closed_at)
        SELECT {_ID}, 1, 'tie', '', '{{}}', now(), CASE WHEN number > {STORED - 5} THEN NULL ELSE now() END {_ALL}""",
        f"""INSERT INTO routing_reviews (referral_id, number, reason, about, candidates, opened_at, closed_at)
        SELECT '{ONE}', number + 1, 'tie', '', '{{}}', now(), now() {_ALL}""",
        *(
            f"""INSERT INTO history (referral_id, version, at, actor, what, why, policy_version)
            SELECT {referral}, {version}, now(), 'rules', 'x', 'y', 'p' {_ALL}"""
            for referral, version in ((f"'{ONE}'", "number + 1"), (_ID, "1"))
        ),
        f"""INSERT INTO handoffs (referral_id, force_id, areas, state, disseminated_at, receipt_due_at,
            acknowledgement_due_at, acknowledged_at, received_at, chases, level, priority)
        SELECT {_ID}, 'kent', '{{kent}}', CASE WHEN number > {STORED - 5} THEN 'disseminated' ELSE 'acknowledged' END, now(),
            now() + interval '1 day', now() + interval '1 day', {_ENDED}, {_ENDED},
            0, 0, CASE WHEN number > {STORED - 5} THEN 'routine' END {_ALL}""",
    ),
    "notification": (
        f"""INSERT INTO duty_tasks (task_id, kind, subject, danger, taken_at, taken_by, next_call_at)
        SELECT {_ID}, 'no_force', number, false, CASE WHEN number <= {STORED - 5} THEN now() END,
            CASE WHEN number <= {STORED - 5} THEN 'a' END, NULL {_ALL}""",
        f"""INSERT INTO notices (notice_id, audience, channel, template, params, urgent, state, attempts, next_attempt_at,
            created_at, finished_at, code)
        SELECT {_ID}, 'force:kent', 'email', 'force_case_changed', '{{}}', false, found.state, 1,
            CASE WHEN found.state = 'queued' THEN now() END, now(), CASE WHEN found.state <> 'queued' THEN now() END,
            CASE WHEN found.state <> 'queued' THEN 'x' END
        FROM (SELECT number, CASE number % 6000 WHEN 0 THEN 'queued' WHEN 1 THEN 'failed' ELSE 'sent' END AS state {_ALL})
            AS found""",
    ),
}
"""Rows as services leave them, but without the checks that cost most: what a table holds is not the question here."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A statement, with what it is asked for at its last page."""

    service: str
    name: str
    statement: str
    values: Sequence[object]
    rows: int = PAGE
    """How many it gives at most."""


LISTINGS = (
    Listing("intake", "a partner's referrals", reading._PAGE, ("abc", LATE, PAGE)),
    Listing("intake", "those in a state, which most are in", reading._PAGE_IN_STATE, ("abc", "handed_over", LATE, PAGE)),
    Listing("intake", "those in a state, which few are in", reading._PAGE_IN_STATE, ("abc", "declined", UUID(int=1), PAGE)),
    Listing("intake", "a referral's updates", reading._UPDATES, (ONE, 500, 500, 500_000), 500),
    Listing("intake", "dead letters", replay._SELECT, (None, 100), 100),
    Listing("triage", "the review queue", triage._QUEUE, (PAGE,)),
    Listing("triage", "what was added to a case", triage._NEWEST_SUPPLEMENTS, (ONE, 100, 100, 500_000), 100),
    Listing("triage", "a case's history", triage._NEWEST_LINES, (ONE, 500, 500), 500),
    Listing("triage", "a case's remarks", triage._NEWEST_REMARKS, (ONE, 200, 200), 200),
    Listing("triage", "answers to an officer who has few", commands._RECENT, ("rare.officer", 100), 100),
    Listing("triage", "answers to an officer who has many", commands._RECENT, ("a.officer", 100), 100),
    Listing("triage", "reviews that wait", triage_outstanding._REVIEWS, (PAGE, False)),
    Listing("routing", "routing reviews", queries._REVIEWS, (PAGE,)),
    Listing("routing", "a case's reviews", queries._CASE_REVIEWS, (ONE, 200, 200), 200),
    Listing("routing", "a case's history", queries._HISTORY, (ONE, 500, 500), 500),
    Listing("routing", "hand-offs that wait", routing_outstanding._HANDOFFS, (PAGE, False, False)),
    Listing("routing", "questions to officers", routing_outstanding._QUESTIONS, (PAGE,)),
    Listing("notification", "duty tasks", duty_store._WAITING, (PAGE,)),
    Listing("notification", "notices that wait", notification_outstanding._QUEUED, (PAGE,)),
    Listing("notification", "notices that failed", notification_outstanding._FAILED, (PAGE, "1 day")),
)
PER_ROW, ANYWAY = 6, 60
"""Pages of 8 KB that a listing may read: so many for each row, for the ways into the indexes of two tables and to both rows,
and some that it reads however little it finds."""


@pytest.fixture(scope="module")
def filled(template_database: TemplateDatabase, postgres_dsn: str) -> Callable[[str], str]:
    """The name of a service's database with everything in it."""

    def made(service: str) -> str:
        def fill(dsn: str) -> None:
            migrate(dsn, Path(str(PACKAGES[service].__file__)).parent / "migrations")
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("SET session_replication_role = replica")
                for statement in FILLED[service]:
                    connection.execute(statement)
                connection.execute("VACUUM ANALYZE")

        return template_database(f"{service}_filled", fill)

    return made


@pytest.fixture
def connect(filled: Callable[[str], str], new_database: NewDatabase) -> Iterator[Callable[[str], psycopg.Connection[Any]]]:
    opened: list[psycopg.Connection[Any]] = []

    def made(service: str) -> psycopg.Connection[Any]:
        opened.append(psycopg.connect(new_database(filled(service)), autocommit=True))
        return opened[-1]

    yield made
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("plan", ["custom", "generic"])
@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: f"{listing.service}: {listing.name}")
def test_the_last_page_costs_no_more_than_what_it_shows(
    connect: Callable[[str], psycopg.Connection[Any]], listing: Listing, plan: str
) -> None:
    connection = connect(listing.service)
    found, pages = explained(connection, listing, plan)
    assert found > 0, "a page without rows shows nothing of what one costs"
    assert pages <= PER_ROW * listing.rows + ANYWAY, f"{pages} pages for {found} rows"


def explained(connection: psycopg.Connection[Any], listing: Listing, plan: str) -> tuple[int, int]:
    """How many rows it gives, and how many pages it reads for them."""
    connection.execute(sql.SQL("SET plan_cache_mode = {}").format(sql.Literal(f"force_{plan}_plan")))
    connection.execute(f"PREPARE listing AS {listing.statement}")
    values = sql.SQL(", ").join(map(sql.Literal, listing.values))
    asked = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE listing({})").format(values)
    root = connection.execute(asked).fetchall()[0][0][0]["Plan"]
    return int(root["Actual Rows"]), root["Shared Hit Blocks"] + root["Shared Read Blocks"]
