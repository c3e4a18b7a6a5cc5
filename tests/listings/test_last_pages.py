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

import conduit_console
import conduit_intake
import conduit_notification
import conduit_programme
import conduit_routing
import conduit_triage
from conduit_chassis import replay
from conduit_chassis.migrate import migrate
from conduit_console import partners
from conduit_console import store as console
from conduit_console.queries import audit, duties, news, search
from conduit_console.queries import case as one_case
from conduit_console.queries import lists as console_lists
from conduit_intake import reading
from conduit_notification import duty_store
from conduit_notification import outstanding as notification_outstanding
from conduit_routing import outstanding as routing_outstanding
from conduit_triage import outstanding as triage_outstanding
from tests.listings import programme
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
    "console": conduit_console,
    "programme": conduit_programme,
}
_ID = "lpad(to_hex(number), 32, '0')::uuid"
_PARTNER = "CASE WHEN number % 3 = 0 THEN 'other-' || number % 100 ELSE 'abc' END"
_ENDED = f"CASE WHEN number <= {STORED - 5} THEN now() END"
_ALL = f"FROM generate_series(1, {STORED}) AS number"
CASES = 100_000
"""In the console's read model."""
_EVERY = f"FROM generate_series(1, {CASES}) AS number"
_LAST = UUID(int=CASES - PAGE)
_RANK = "CASE WHEN number % 20 = 0 THEN 0 ELSE 1 END"
_IN_STATE = "CASE WHEN number % 1000 = 1 THEN 'declined' ELSE 'with_forces' END"
_OLD = UUID(int=PAGE)
"""Before it lies the last page, since the newest come first."""
LAST_ID = UUID(int=2**128 - 1)
_NEVER = "2999-01-01 00:00:00+00"
_BEGUN = "2026-11-23 00:00:00+00"
_AGO = "2026-11-22 23:59:00+00"
"""After it lies the last page of what is in order of time."""
_LATER = f"timestamptz '2026-11-23 00:00:00+00' + ({CASES} - number) * interval '-1 second'"
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
    "console": (
        f"""INSERT INTO cases (referral_id, partner_id, partner_reference, begun_at, rank, mou_lapsed, state, withdrawn,
            for_forces, without_force, version)
        SELECT {_ID}, {_PARTNER}, 'EH-' || number, '{_BEGUN}', {_RANK}, false, {_IN_STATE}, false, true, true, 1 {_EVERY}""",
        f"""INSERT INTO handoffs (referral_id, force_id, state, due_at, chases, level, rank, case_state, force_reference)
        SELECT {_ID}, 'kent', 'disseminated', {_LATER}, 1, 0, {_RANK}, {_IN_STATE}, 'WM/' || number {_EVERY}""",
        f"""INSERT INTO questions (referral_id, asked_by, reasons, about, urgency, rank, opened_at, due_at,
            waits_for_partner, claimed_by)
        SELECT {_ID}, 'triage', '{{nature_claimed}}', '{{}}', 'routine', {_RANK}, now(), {_LATER}, false,
            CASE WHEN number % 2 = 0 THEN 'a.officer' END {_EVERY}""",
        *(
            f"""INSERT INTO timeline (referral_id, event_id, ordered_at, stage, place, happened_at, actor, what, why,
                force_ids)
            SELECT {referral}, '{each}' || number, {_LATER}, 1, number, now(), 'rules', 'x', '{{}}', '{{}}' {_EVERY}"""
            for each, referral in enumerate((f"'{ONE}'", _ID))
        ),
        f"""INSERT INTO failed_notices (notice_id, audience, channel, template, attempts, code, failed_at)
        SELECT {_ID}, 'force:kent', 'email', 'x', 1, 'x', {_LATER} {_EVERY}""",
        f"""INSERT INTO dangers (event_id, partner_id, codes, reported_at)
        SELECT number, 'abc', '{{x}}', {_LATER} {_EVERY}""",
        f"""INSERT INTO duty_tasks (task_id, kind, rank, codes, said, opened_at, said_at)
        SELECT {_ID}, 'no_force', {_RANK}, '{{}}', 1, {_LATER}, now() {_EVERY}""",
        """INSERT INTO partner_names (partner_id, name, said_at)
        SELECT 'abc' || number, 'Example partner ' || number, now() FROM generate_series(1, 1500) AS number""",
        f"INSERT INTO claims (referral_id, officer_id, claimed_at) SELECT {_ID}, 'a.officer', {_LATER} {_EVERY}",
        f"""INSERT INTO acts (at, officer_id, kind, what, referral_id)
        SELECT '{_BEGUN}', CASE WHEN number <= 99 THEN 'rare.officer' ELSE 'a.officer' END,
            CASE WHEN number % 1000 = 1 THEN 'disclosure' ELSE 'consultation' END,
            CASE WHEN number % 1000 = 2 THEN 'broke_glass' ELSE 'viewed_case' END,
            CASE WHEN number <= {CASES - PAGE} THEN '{ONE}'::uuid ELSE {_ID} END {_EVERY}""",
    ),
    "programme": programme.FILLED,
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
    tables: int = 2
    """From how many it has each row."""


LISTINGS = (
    Listing("intake", "a partner's referrals", reading._PAGE, ("abc", LATE, PAGE)),
    Listing("intake", "those in a state, which most are in", reading._PAGE_IN_STATE, ("abc", "handed_over", LATE, PAGE)),
    Listing("intake", "those in a state, which few are in", reading._PAGE_IN_STATE, ("abc", "declined", UUID(int=1), PAGE)),
    Listing("intake", "a referral's updates", reading._UPDATES, (ONE, 500, 500, 500_000), 500),
    Listing("intake", "dead letters", replay._SELECT, (None, 100), 100),
    Listing("triage", "reviews that wait", triage_outstanding._REVIEWS, (PAGE, False)),
    Listing("routing", "hand-offs that wait", routing_outstanding._HANDOFFS, (PAGE, False, False)),
    Listing("routing", "questions to officers", routing_outstanding._QUESTIONS, (PAGE,)),
    Listing("notification", "duty tasks", duty_store._WAITING, (PAGE,)),
    Listing("notification", "notices that wait", notification_outstanding._QUEUED, (PAGE,)),
    Listing("notification", "notices that failed", notification_outstanding._FAILED, (PAGE, "1 day")),
    *(
        Listing("console", f"questions of {whose}", statement, (1, _AGO, UUID(int=0), "", *who))
        for (whose, statement), who in zip(console_lists._ASKED_OF.items(), (("a.officer",), (), ()), strict=True)
    ),
    Listing("console", "cases", console_lists._CASES[()], (_OLD,)),
    Listing("console", "cases in danger", console_lists._CASES["danger",], (_OLD,)),
    Listing("console", "those in a state that most are in", console_lists._CASES["state",], (_OLD, _BEGUN, "with_forces")),
    Listing("console", "those in a state that few are in", console_lists._CASES["state",], (LAST_ID, _NEVER, "declined")),
    Listing("console", "a partner's cases", console_lists._CASES["partner_id",], (_OLD, _BEGUN, "abc")),
    Listing(
        "console",
        "a partner's in a state",
        console_lists._CASES["partner_id", "state"],
        (LAST_ID, _NEVER, "abc", "declined"),
    ),
    Listing("console", "a force's cases", console_lists._CASES["force_id",], (_OLD, "kent")),
    Listing("console", "a force's in a state", console_lists._CASES["force_id", "state"], (LAST_ID, "kent", "declined")),
    Listing("console", "cases without a force", console_lists._WITHOUT_FORCE, (1, _LAST)),
    Listing("console", "silent forces", console_lists._SILENT, (_NEVER, _NEVER, LAST_ID, "", _AGO, UUID(int=0), "")),
    Listing(
        *("console", "forces that fell silent first", console_lists._SILENT),
        (_NEVER, "1900-01-01", UUID(int=0), "", "1900-01-01", UUID(int=0), ""),
    ),
    Listing("console", "failed notices", console_lists._FAILED, (_NEVER, LAST_ID)),
    Listing("console", "duty tasks", duties._WAITING, (1, _AGO, UUID(int=0)), tables=2),
    Listing("console", "what is new, of every kind", news._NEWEST, (), 400),
    Listing("console", "danger without a case", console_lists._DANGERS, (_NEVER, "")),
    Listing("console", "a timeline", one_case._TIMELINE, (ONE, _AGO, 0, 0, "")),
    Listing("console", "the line before", one_case._BEFORE, (ONE, _AGO, 0, 0, ""), 1),
    Listing("console", "who broke the glass", audit._GLASS_BROKEN, (_AGO,), tables=1),
    Listing("console", "a case", console._CASE_AS_IT_STANDS, (ONE,), 1),
    Listing("console", "search by a partner's reference", search._BY_PARTNER, ("eh-9999", "eh-9999~")),
    Listing("console", "search by a force's reference", search._BY_FORCE, ("wm/9999", "wm/9999~")),
    Listing("console", "partners that are called so", partners._CALLED, ("partner",), partners.MOST_CALLED_SO),
    Listing("console", "who has what", audit._CLAIMS, ("a.officer", _AGO, UUID(int=0)), tables=4),
    Listing("console", "acts", audit._ACTS[()], (_NEVER, PAGE)),
    Listing("console", "acts of an officer who did little", audit._ACTS["officer_id",], (_NEVER, 0, "rare.officer")),
    Listing("console", "acts of a kind that is rare", audit._ACTS["kind",], (_NEVER, 0, "disclosure")),
    Listing("console", "an officer's of a kind", audit._ACTS["kind", "officer_id"], (_NEVER, 0, "disclosure", "a.officer")),
    Listing("console", "acts of a case", audit._ACTS["referral_id",], (_NEVER, PAGE, ONE)),
    *(Listing("programme", name, asked, values, tables=tables) for name, asked, values, tables in programme.LISTED),
)
PER_TABLE, ANYWAY = 3, 60
"""Pages of 8 KB that a listing may read: so many for each row of each table, for the way into the index and to the row, and
some that it reads however little it finds."""


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
    assert pages <= PER_TABLE * listing.tables * listing.rows + ANYWAY, f"{pages} pages for {found} rows"


def explained(connection: psycopg.Connection[Any], listing: Listing, plan: str) -> tuple[int, int]:
    """How many rows it gives, and how many pages it reads for them."""
    connection.execute(sql.SQL("SET plan_cache_mode = {}").format(sql.Literal(f"force_{plan}_plan")))
    connection.execute(f"PREPARE listing AS {listing.statement}")
    values = sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, listing.values))) if listing.values else sql.SQL("")
    asked = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE listing{}").format(values)
    root = connection.execute(asked).fetchall()[0][0][0]["Plan"]
    return int(root["Actual Rows"]), root["Shared Hit Blocks"] + root["Shared Read Blocks"]
