"""A supervisor is written to at once when somebody opens a restricted case, without who it was and without content."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_contracts.console import GlassBroken
from conduit_contracts.programme import Contact
from conduit_notification.app import create_service
from conduit_notification.notices import HUB, SUPERVISORS
from services.notification.tests.builders import NOW, OFFICER, REFERRAL, Bench, record_of
from services.notification.tests.conftest import HUB_EMAIL, POLICY_FILE
from services.notification.tests.drive import deliver_email
from services.notification.tests.receivers import MailServer

SUPERVISORS_EMAIL = "supervisors@hub.example"
BROKEN = GlassBroken(referral_id=REFERRAL, officer_id=OFFICER, reason="child_at_risk", open_until=NOW)


@pytest.fixture
async def supervised(database: str, clock: ManualClock, mail: MailServer, tmp_path: Path) -> AsyncIterator[Harness]:
    settings = {"policy_file": POLICY_FILE, "smtp_host": "127.0.0.1", "smtp_port": mail.port, "secrets_dir": tmp_path}
    settings |= {"hub_email": HUB_EMAIL, "supervisors_email": SUPERVISORS_EMAIL, "notice_poll_seconds": 0.01}
    async with harness(create_service(), database, clock, **settings) as made:
        yield made


async def test_the_supervisors_are_written_to_and_the_mail_names_nobody(supervised: Harness, mail: MailServer) -> None:
    await supervised.deliver(record_of(BROKEN))
    await deliver_email(supervised)
    assert mail.recipients == [SUPERVISORS_EMAIL]
    (message,) = mail.messages
    text = message.decode() if isinstance(message, bytes) else str(message)
    assert f"Subject: A restricted case was opened: {REFERRAL}" in " ".join(text.split())
    assert "child_at_risk" in text
    assert OFFICER not in text


async def test_without_their_address_the_hubs_contacts_are_told(notification: Harness, mail: MailServer) -> None:
    await notification.deliver(record_of(BROKEN))
    await deliver_email(notification)
    assert mail.recipients == [HUB_EMAIL]


def test_it_is_no_notice_of_danger_whose_delay_would_call_somebody_on_duty() -> None:
    bench = Bench({SUPERVISORS: (Contact(email=SUPERVISORS_EMAIL),)}).take(BROKEN)
    (notice,) = bench.notices
    assert (notice.audience, notice.urgent, notice.params.keys()) == (SUPERVISORS, False, {"codes", "due"})
    assert bench.templates(HUB) == []
