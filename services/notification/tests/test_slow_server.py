"""A mail server that takes two seconds for each message, and a queue that it cannot keep up with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import Contact
from conduit_local.smtp_sink import read_messages
from conduit_notification import folding
from conduit_notification.app import create_service
from conduit_notification.app import deliver_email as email_worker
from services.notification.tests import builders as b
from services.notification.tests.conftest import HUB_EMAIL, POLICY_FILE
from services.notification.tests.drive import deliver_email, let_pass, notices
from services.notification.tests.receivers import MailServer
from tests.support.servers import SmtpSink

SLOW = Contact(email="team@slow.force.example")
OTHER = Contact(email="team@slow.other.example")
REMINDERS = """
INSERT INTO notices (notice_id, audience, level, channel, template, kind, referral_id, params, urgent, created_at,
    next_attempt_at, state, attempts)
SELECT uuidv7(), 'force:synthetic-' || number % 20, 0, 'email', 'force_handoff_overdue', 'reminder',
    uuidv7(), '{"force_id": "synthetic", "leg": "receipt", "chase": 1}', false, now(),
    clock_timestamp() - interval '1 hour', 'queued', 0
FROM generate_series(1, $1) AS number
"""
"""Of so many forces that nothing but shares can let anybody else through: each has more than one e-mail holds."""
CONTACTS = """
INSERT INTO contacts (audience, ladder, said_at)
SELECT 'force:synthetic-' || number, '[{"email": "team@slow.synthetic.example"}]', now()
FROM generate_series(0, 19) AS number
"""


@pytest.fixture
async def slowly(database: str, clock: ManualClock, smtp_sink: SmtpSink, tmp_path: Path) -> AsyncIterator[Harness]:
    settings = {
        "policy_file": POLICY_FILE,
        "smtp_host": smtp_sink.host,
        "smtp_port": smtp_sink.port,
        "hub_email": HUB_EMAIL,
        "secrets_dir": tmp_path,
        "notice_poll_seconds": 0.1,
    }
    async with harness(create_service(), database, clock, **settings) as made:
        yield made


async def until(true: Callable[[], bool], seconds: float) -> float:
    """How long it took."""
    begun = monotonic()
    while not true():
        assert monotonic() - begun < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.05)
    return monotonic() - begun


def taken(sink: SmtpSink, recipient: str, words: str) -> int:
    found = [each for each in read_messages(sink.folder) if recipient in each["X-Envelope-To"]]
    return sum(words in f"{each['Subject']}{each.get_content()}" for each in found)


@pytest.mark.long
async def test_new_cases_and_danger_get_through_beside_thousands_of_reminders(slowly: Harness, smtp_sink: SmtpSink) -> None:
    await slowly.deliver(
        *(b.record_of(each) for each in (b.force_registered(SLOW), b.force_registered(OTHER, force_id=b.OTHER)))
    )
    await slowly.pool.execute(CONTACTS)
    await slowly.pool.execute(REMINDERS, 20_000)
    worker = asyncio.create_task(email_worker(slowly.runtime))
    try:
        await asyncio.sleep(1)
        await slowly.deliver(*(b.record_of(b.routed(referral_id=uuid7())) for _ in range(8)))
        await slowly.deliver(b.record_of(b.routed(b.OTHER, danger=True, referral_id=uuid7())))
        # Two seconds are the server's, half a one the poll's at most: it waited for nobody's turn.
        await until(lambda: taken(smtp_sink, "slow.other", "IMMEDIATE DANGER") == 1, 4)
        await until(lambda: taken(smtp_sink, "slow.force", "has sent your force a case") == 8, 20)
        assert taken(smtp_sink, "slow.synthetic", "reminders") > 0, "reminders have a share as well"
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_reminders_to_one_force_are_one_e_mail_that_names_every_case(notification: Harness, mail: MailServer) -> None:
    team, inspector = Contact(email="team@force.example"), Contact(email="inspector@force.example")
    await notification.deliver(b.record_of(b.force_registered(team, inspector)))
    another = uuid7()
    facts = [
        b.overdue(),
        b.overdue(chase=2),
        b.overdue(chase=3).model_copy(update={"referral_id": another}),
        b.escalated(level=1),
    ]
    await notification.deliver(*(b.record_of(each) for each in facts))
    await deliver_email(notification)
    (together,) = [each for each in mail.messages if each["To"] == team.email]
    assert together["Subject"] == "Referral conduit: 3 reminders"
    text = together.get_content()
    assert [text.count(str(each)) for each in (b.REFERRAL, another)] == [1, 1]
    assert "reminder 2" in text
    assert "reminder 1" not in text, "of one case the last reminder says all"
    (alone,) = [each for each in mail.messages if each["To"] == inspector.email]
    assert alone["Subject"] == f"Referral conduit: {b.REFERRAL}"
    rows = await notices(notification)
    assert {row["state"] for row in rows} == {"sent"}
    assert await notification.pool.fetchval("SELECT count(*) FROM notice_attempts") == len(rows)


async def test_what_was_refused_together_comes_again_together_and_is_told_apart_from_other_sets(
    notification: Harness, mail: MailServer
) -> None:
    team = Contact(email="team@force.example")
    await notification.deliver(b.record_of(b.force_registered(team)))
    await notification.deliver(*(b.record_of(b.overdue(chase=number)) for number in (1, 2)))
    mail.on_data = lambda number: "452 full" if number == 1 else "250 OK"
    seen: list[bytes] = []
    refusing = mail.handle_DATA

    async def noting(server: object, session: object, envelope: object) -> str:
        seen.append(envelope.content)  # type: ignore[attr-defined]
        return await refusing(server, session, envelope)

    mail.handle_DATA = noting  # type: ignore[method-assign]
    await deliver_email(notification)
    await let_pass(notification, timedelta(minutes=5))
    await deliver_email(notification)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    await notification.deliver(b.record_of(b.overdue(chase=3)))
    await deliver_email(notification)
    ids = {each["Message-ID"] for each in mail.messages}
    assert len(mail.messages) == len(ids) == 2


async def test_no_e_mail_names_more_cases_than_a_person_reads(notification: Harness, mail: MailServer) -> None:
    await notification.deliver(b.record_of(b.force_registered(Contact(email="team@force.example"))))
    await notification.deliver(*(b.record_of(b.overdue(chase=number)) for number in range(1, folding.MOST + 3)))
    await deliver_email(notification)
    assert sorted(each["Subject"] for each in mail.messages) == [
        "Referral conduit: 100 reminders",
        "Referral conduit: 2 reminders",
    ]
