"""Settings, policy and wiring."""

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Refusal
from conduit_chassis.testing import Harness, raw_record
from conduit_contracts.ids import uuid7
from conduit_contracts.problems import sender_problem
from conduit_contracts.topics import INTAKE_REFERRALS
from conduit_notification import metrics, senders
from conduit_notification.app import SERVICE, read_policy
from conduit_notification.notices import channels_for
from conduit_notification.settings import NotificationSettings
from conduit_notification.work import NotificationWork
from services.notification.tests import builders as b
from services.notification.tests.builders import NOW, POLICY, record_of
from services.notification.tests.conftest import POLICY_FILE


def settings(**given: Any) -> NotificationSettings:
    needed: dict[str, Any] = {"kafka_bootstrap_servers": "x:1", "postgres_dsn": "postgresql://x", "policy_file": POLICY_FILE}
    return NotificationSettings(**needed | given)


def test_a_mail_password_is_never_sent_in_the_clear() -> None:
    login = {"smtp_username": "conduit", "smtp_password": "synthetic"}
    with pytest.raises(ValidationError, match="SMTP_STARTTLS"):
        settings(**login)
    assert settings(**login, smtp_starttls=True).smtp_secret() == "synthetic"


def test_the_mail_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("synthetic\n", encoding="utf-8")
    made = settings(smtp_username="conduit", smtp_password_file=tmp_path / "password", smtp_starttls=True)
    assert made.smtp_secret() == "synthetic"
    assert "synthetic" not in repr(made)


def test_the_policy_as_it_is_deployed_can_be_used() -> None:
    policy = read_policy(settings(policy_file=POLICY_FILE))
    assert policy.keep_trying_seconds >= 3 * 86_400, "a weekend and a day"
    assert policy.duty_call_seconds <= 600
    assert "999" in policy.danger_next_step


def test_without_a_policy_the_service_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="policy_file"):
        settings(policy_file=None)
    with pytest.raises(ConfigurationError):
        read_policy(settings(policy_file=tmp_path / "missing.toml"))


def test_without_an_address_the_hub_gets_no_notices() -> None:
    assert channels_for(senders.hub(settings()), 0) == ()
    assert senders.hub(settings(hub_email="duty@hub.example"))[0].email == "duty@hub.example"


def test_a_record_that_cannot_be_read_is_put_aside() -> None:
    problem = sender_problem("json_invalid", "value")
    refusal = Refusal((problem,), raw_record("intake.referrals.v1", None, (), b"{"), "", INTAKE_REFERRALS)
    work = NotificationWork(POLICY, NOW, Outbox("notification", NOW))
    SERVICE.refused(work, refusal)
    assert [request.incoming for request in work.outbox.put_aside] == [refusal]


async def test_a_record_that_cannot_be_read_holds_up_no_other_referral(notification: Harness) -> None:
    broken = record_of(b.received())._replace(value=b"{")
    await notification.deliver(broken, record_of(b.received(referral_id=uuid7())))
    assert len(await notification.dead_letters()) == 1
    assert await notification.pool.fetchval("SELECT count(*) FROM referrals") == 1


def test_metrics_count_facts_and_channels_and_name_nobody() -> None:
    b.Bench().take(b.received(), b.rejected())
    assert REGISTRY.get_sample_value("conduit_notification_updates_total", {"fact": "referral_received"})
    for metric in (metrics.UPDATES, metrics.NOTICES, metrics.ATTEMPTS, metrics.QUEUE, metrics.QUEUE_AGE):
        for family in metric.collect():
            labels = {value for sample in family.samples for value in sample.labels.values()}
            assert not any(b.PARTNER in value or "@" in value or str(b.REFERRAL) in value for value in labels)
