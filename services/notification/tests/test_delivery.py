"""Delivery from the queue to a real mail server and a real endpoint."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.notification import Channel, NoticeFailed, NoticeSent
from conduit_contracts.programme import Contact
from conduit_contracts.routing import RoutingReviewReason
from conduit_notification import webhooks
from conduit_notification.app import create_service
from conduit_notification.app import deliver_email as email_worker
from conduit_notification.delivery import Pace
from conduit_notification.mailer import Mailer
from conduit_notification.notices import Claimed
from conduit_notification.outcomes import EMAIL_TAKEN, AttemptOutcome
from conduit_notification.templates import Template
from services.notification.tests import builders as b
from services.notification.tests.builders import HOME, PARTNER, REFERENCE, REFERRAL, record_of
from services.notification.tests.drive import (
    attempts,
    courier,
    deliver_email,
    deliver_webhooks,
    let_pass,
    notices,
    settings_of,
)
from services.notification.tests.receivers import Endpoint, MailServer

TEAM = Contact(email="team@example-haven.example")
SECRET = "whsec_" + base64.b64encode(b"synthetic secret of 24 b").decode()


def hook(endpoint: Endpoint) -> Contact:
    return Contact(webhook_url=endpoint.url, webhook_secret="example-haven")


async def deliver(notification: Harness, *facts: Message) -> None:
    await notification.deliver(*(record_of(fact) for fact in facts))


async def done(notification: Harness) -> list[NoticeSent | NoticeFailed]:
    return [each.message for each in await notification.published() if each.topic == "notification.notices.v1"]


async def states(notification: Harness) -> list[tuple[Any, ...]]:
    return [(row["audience"], row["state"], row["code"]) for row in await notices(notification)]


@pytest.fixture
def secret(tmp_path: Path) -> str:
    (tmp_path / "example-haven").write_text(SECRET + "\n", encoding="ascii")
    return SECRET


@pytest.fixture
async def real_time(clock: ManualClock) -> None:
    """Receivers refuse a signature that is older than five minutes by the machine's clock."""
    clock.advance(datetime.now(UTC) - clock.now())


class TestEmail:
    """Over SMTP."""

    async def test_a_notice_arrives_and_an_event_says_so(self, notification: Harness, mail: MailServer) -> None:
        await deliver(notification, b.partner_registered(TEAM), b.received())
        await deliver_email(notification)
        (message,) = mail.messages
        (notice,) = await notices(notification)
        assert mail.recipients == [TEAM.email]
        assert message["Message-ID"] == f"<{notice['notice_id']}@hub.example>"
        assert message["Subject"] == f"Referral conduit: {REFERENCE}"
        assert "Status:          received" in message.get_content()
        (sent,) = await done(notification)
        assert isinstance(sent, NoticeSent)
        assert (sent.notice_id, sent.audience, sent.attempts) == (notice["notice_id"], f"partner:{PARTNER}", 1)
        assert await attempts(notification) == [(1, "smtp_accepted", 250)]

    async def test_nothing_of_the_case_is_in_any_mail(self, notification: Harness, mail: MailServer) -> None:
        force = Contact(email="team@force.example")
        await deliver(notification, b.partner_registered(TEAM), b.force_registered(force, force))
        await deliver(
            notification,
            b.received(danger=True),
            b.asked(),
            b.declined(),
            b.accepted(),
            b.routed(),
            b.overdue(),
            b.escalated(),
            b.handed_over(),
        )
        await deliver_email(notification)
        assert len(mail.raw) == 9
        for raw in mail.raw:
            for words in (b"Synthetic example", b"Example Person", b"how many more", b"one family", b"E08000025"):
                assert words not in raw

    async def test_a_server_that_says_later_gets_it_later(self, notification: Harness, mail: MailServer) -> None:
        mail.on_rcpt = lambda number: "451 4.3.0 later" if number == 1 else "250 OK"
        await deliver(notification, b.partner_registered(TEAM), b.received())
        await deliver_email(notification)
        assert not mail.messages
        await let_pass(notification, timedelta(seconds=5))
        await deliver_email(notification)
        assert len(mail.messages) == 1
        assert await attempts(notification) == [(1, "smtp_unavailable", 451), (2, "smtp_accepted", 250)]
        (sent,) = await done(notification)
        assert sent.attempts == 2

    async def test_a_server_that_says_never_is_asked_once_and_the_hub_is_told(
        self, notification: Harness, mail: MailServer
    ) -> None:
        mail.on_rcpt = lambda number: "550 5.1.1 no such mailbox" if number == 1 else "250 OK"
        await deliver(notification, b.partner_registered(TEAM), b.received())
        await deliver_email(notification)
        failed, told = await done(notification)
        assert isinstance(failed, NoticeFailed)
        assert (failed.code, failed.attempts) == ("smtp_rejected", 1)
        assert told.audience == "hub:"
        assert mail.recipients == ["duty@hub.example"]
        assert f"partner:{PARTNER}" in mail.messages[0].get_content()

    async def test_a_failure_to_tell_the_hub_is_not_told_to_the_hub(self, notification: Harness, mail: MailServer) -> None:
        mail.on_rcpt = lambda _number: "550 no"
        await deliver(notification, b.routed(), b.routing_review(reason=RoutingReviewReason.TIE))
        await notification.pool.execute("DELETE FROM notices WHERE audience <> 'hub:'")
        await deliver_email(notification)
        assert [type(each) for each in await done(notification)] == [NoticeFailed]

    async def test_a_mail_server_that_is_away_for_a_weekend_is_bridged(
        self, notification: Harness, mail: MailServer
    ) -> None:
        mail.on_data = lambda _number: "452 full"
        await deliver(notification, b.partner_registered(TEAM), b.received())
        for _ in range(12):
            await deliver_email(notification)
            await let_pass(notification, timedelta(hours=6))
        assert (await notices(notification))[0]["state"] == "queued", "three days are less than the policy's five"
        mail.on_data = lambda _number: "250 OK"
        await deliver_email(notification)
        assert len(mail.messages) == 1

    async def test_after_the_policys_days_a_notice_has_failed(self, notification: Harness, mail: MailServer) -> None:
        mail.on_data = lambda _number: "452 full"
        await deliver(notification, b.partner_registered(TEAM), b.received())
        await deliver_email(notification)
        await let_pass(notification, timedelta(days=5, seconds=1))
        await deliver_email(notification)
        failed = next(each for each in await done(notification) if isinstance(each, NoticeFailed))
        assert (failed.attempts, failed.code) == (2, "smtp_unavailable")

    async def test_connections_are_used_again(self, notification: Harness, mail: MailServer) -> None:
        await deliver(notification, b.partner_registered(TEAM))
        await deliver(notification, *(b.received(referral_id=uuid7()) for _ in range(30)))
        await deliver_email(notification)
        assert len(mail.messages) == 30
        assert mail.connections <= 2

    async def test_a_connection_that_the_server_ended_meanwhile_costs_no_attempt(
        self, notification: Harness, mail: MailServer
    ) -> None:
        mailer = Mailer(settings_of(notification))
        await deliver(notification, b.partner_registered(TEAM), b.received())
        await deliver_email(notification, mailer)
        mail.hang_up()
        await asyncio.sleep(0.01)
        await deliver(notification, b.accepted())
        await deliver_email(notification, mailer)
        mailer.close()
        assert [outcome for _, outcome, _ in await attempts(notification)] == ["smtp_accepted", "smtp_accepted"]
        assert mail.connections == 2

    async def test_an_unreachable_server_costs_an_attempt_and_no_notice(
        self, notification: Harness, mail: MailServer
    ) -> None:
        await mail.__aexit__(None, None, None)
        await deliver(notification, b.partner_registered(TEAM), b.received())
        await deliver_email(notification)
        assert await attempts(notification) == [(1, "unreachable", None)]
        assert await states(notification) == [(f"partner:{PARTNER}", "queued", None)]

    async def test_a_mail_server_whose_name_nobody_knows_is_told_of_as_that(self, notification: Harness) -> None:
        await deliver(notification, b.partner_registered(TEAM), b.received())
        elsewhere = settings_of(notification).model_copy(update={"smtp_host": "no-such-host.invalid"})
        await deliver_email(notification, Mailer(elsewhere))
        assert await attempts(notification) == [(1, "host_unknown", None)]

    async def test_an_escalation_reaches_its_level(self, notification: Harness, mail: MailServer) -> None:
        ladder = [Contact(email=f"{name}@force.example") for name in ("team", "inspector", "head")]
        await deliver(
            notification, b.force_registered(*ladder), b.escalated(level=1), b.escalated(level=2), b.escalated(level=9)
        )
        await deliver_email(notification)
        assert sorted(to for to in mail.recipients if "force" in to) == [
            "head@force.example",
            "head@force.example",
            "inspector@force.example",
        ]
        assert mail.recipients.count("duty@hub.example") == 1, "the hub hears of all of them at once"

    async def test_contacts_registered_after_the_fact_still_get_it(self, notification: Harness, mail: MailServer) -> None:
        await deliver(notification, b.received())
        await deliver_email(notification)
        await deliver_webhooks(notification)
        await deliver(notification, b.partner_registered(TEAM))
        await let_pass(notification, timedelta(seconds=10))
        await deliver_email(notification)
        await deliver_webhooks(notification)
        assert len(mail.messages) == 1
        assert await states(notification) == [
            (f"partner:{PARTNER}", "sent", "smtp_accepted"),
            (f"partner:{PARTNER}", "dropped", "no_contact"),
        ]
        assert len(await done(notification)) == 1, "what nobody wanted there is no failure"

    async def test_an_audience_that_never_registers_is_a_failure_that_the_hub_hears_of(
        self, notification: Harness, mail: MailServer
    ) -> None:
        await deliver(notification, b.routed())
        await deliver_email(notification)
        await let_pass(notification, timedelta(days=5, seconds=1))
        await deliver_email(notification)
        failed = next(each for each in await done(notification) if isinstance(each, NoticeFailed))
        assert (failed.audience, failed.code) == (f"force:{HOME}", "contact_unknown")
        assert mail.recipients == ["duty@hub.example"]

    async def test_an_address_that_cannot_be_written_fails_at_once(self, notification: Harness, mail: MailServer) -> None:
        await deliver(notification, b.partner_registered(Contact(email="a,b@x.example")), b.received())
        await deliver_email(notification)
        assert (f"partner:{PARTNER}", "failed", "address_invalid") in await states(notification)
        assert mail.recipients == ["duty@hub.example"]


class TestWebhooks:
    """Over HTTP."""

    @pytest.mark.usefixtures("real_time")
    async def test_a_notice_arrives_signed(self, notification: Harness, endpoint: Endpoint, secret: str) -> None:
        await deliver(notification, b.partner_registered(hook(endpoint)), b.received())
        await deliver_webhooks(notification)
        (request,) = endpoint.requests
        (notice,) = await notices(notification)
        document = Webhook(secret).verify(request.body, request.headers)
        assert document["type"] == "partner.referral_received"
        assert document["data"] == {"referral_id": str(REFERRAL), "partner_reference": REFERENCE, "state": "received"}
        assert request.headers["webhook-id"] == str(notice["notice_id"])
        assert await attempts(notification) == [(1, "http_accepted", 204)]

    @pytest.mark.usefixtures("real_time", "secret")
    async def test_a_second_attempt_has_the_same_id_and_body(self, notification: Harness, endpoint: Endpoint) -> None:
        endpoint.on_request = lambda number: (503 if number == 1 else 200, [], b"ok")
        await deliver(notification, b.partner_registered(hook(endpoint)), b.received())
        await deliver_webhooks(notification)
        await let_pass(notification, timedelta(seconds=5))
        await deliver_webhooks(notification)
        first, second = endpoint.requests
        assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
        assert [outcome for _, outcome, _ in await attempts(notification)] == ["http_unavailable", "http_accepted"]

    @pytest.mark.usefixtures("secret")
    @pytest.mark.parametrize(("status", "code"), [(404, "http_rejected"), (302, "http_redirect_refused")])
    async def test_an_answer_that_is_none_is_tried_again_and_a_redirect_is_not_followed(
        self, notification: Harness, endpoint: Endpoint, status: int, code: str
    ) -> None:
        endpoint.on_request = lambda _number: (status, [(b"location", endpoint.url.encode())], b"")
        await deliver(notification, b.partner_registered(hook(endpoint)), b.received())
        await deliver_webhooks(notification)
        assert len(endpoint.requests) == 1
        assert await attempts(notification) == [(1, code, status)]
        assert (f"partner:{PARTNER}", "queued", None) in await states(notification)

    @pytest.mark.usefixtures("secret")
    async def test_gone_is_gone_and_retry_after_is_waited_for(self, notification: Harness, endpoint: Endpoint) -> None:
        endpoint.on_request = lambda number: (503, [(b"retry-after", b"7200")], b"") if number == 1 else (410, [], b"")
        await deliver(notification, b.partner_registered(hook(endpoint)), b.received())
        await deliver_webhooks(notification)
        await let_pass(notification, timedelta(seconds=7_199))
        await deliver_webhooks(notification)
        assert len(endpoint.requests) == 1
        await let_pass(notification, timedelta(seconds=1))
        await deliver_webhooks(notification)
        assert await attempts(notification) == [(1, "http_unavailable", 503), (2, "http_gone", 410)]
        assert (f"partner:{PARTNER}", "failed", "http_gone") in await states(notification)

    async def test_without_its_secret_a_notice_waits(self, notification: Harness, endpoint: Endpoint) -> None:
        await deliver(notification, b.partner_registered(hook(endpoint)), b.received())
        await deliver_webhooks(notification)
        assert not endpoint.requests
        assert await attempts(notification) == [(1, "secret_unusable", None)]
        assert (await notices(notification))[0]["state"] == "queued"

    @pytest.mark.usefixtures("secret")
    @pytest.mark.parametrize("share", [1, 3, 4])
    async def test_one_that_hangs_never_has_more_than_its_share_of_the_turns(
        self, notification: Harness, endpoint: Endpoint, share: int
    ) -> None:
        endpoint.hang = True
        await deliver(notification, b.partner_registered(hook(endpoint)))
        webhook_pace = Pace(at_once=16, in_hand=16, share=share, longest=5, poll=0.01)
        most = 0

        async def hangs(_notice: Claimed) -> AttemptOutcome:
            await asyncio.sleep(60)
            return EMAIL_TAKEN

        made = courier(notification, Channel.WEBHOOK, hangs, webhook_pace)
        for _ in range(12):
            await deliver(notification, b.received(referral_id=uuid7()))
            await made.step()
            most = max(most, len(made._in_hand))
        assert most == share
        for task in made._in_hand:
            task.cancel()

    @pytest.mark.usefixtures("secret")
    async def test_danger_has_a_connection_while_all_others_hang(self, notification: Harness, endpoint: Endpoint) -> None:
        endpoint.hang = True
        given = settings_of(notification).model_copy(update={"webhook_seconds": 30.0})
        used = webhooks.Webhooks(given)

        async def arrived(count: int) -> None:
            async with asyncio.timeout(20):
                while len(endpoint.requests) < count:  # noqa: ASYNC110 - the endpoint counts, and sets no event
                    await asyncio.sleep(0.01)

        def send() -> asyncio.Task[AttemptOutcome]:
            who = f"force:{HOME}", 0, Channel.WEBHOOK, Template.FORCE_IMMEDIATE_DANGER.value, REFERRAL, {"force_id": HOME}
            notice = Claimed(uuid7(), *who, 1, b.NOW, None)
            return asyncio.create_task(used.send(notice, endpoint.url, "example-haven", b.NOW))

        others = [send() for _ in range(given.webhook_requests)]
        await arrived(len(others))
        danger = send()
        await arrived(len(others) + 1)
        endpoint.released.set()
        assert {each.code for each in await asyncio.gather(*others, danger)} == {"http_accepted"}
        await used.close()

    @pytest.mark.usefixtures("secret")
    async def test_an_endpoint_that_hangs_costs_its_time_limit(self, notification: Harness, endpoint: Endpoint) -> None:
        endpoint.hang = True
        await deliver(notification, b.partner_registered(hook(endpoint)), b.received())
        await deliver_webhooks(notification)
        assert await attempts(notification) == [(1, "timed_out", None)]

    @pytest.mark.usefixtures("secret")
    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("http://no-such-host.invalid/hook", "host_unknown"),
            ("http://127.0.0.1:1/hook", "unreachable"),
            ("https://127.0.0.1:{port}/hook", "tls_failed"),
        ],
    )
    async def test_a_name_that_nobody_knows_a_silent_address_and_a_wrong_certificate_are_told_apart(
        self, notification: Harness, endpoint: Endpoint, url: str, code: str
    ) -> None:
        there = hook(endpoint).model_copy(update={"webhook_url": url.format(port=endpoint.port)})
        await deliver(notification, b.partner_registered(there), b.received())
        await deliver_webhooks(notification)
        assert await attempts(notification) == [(1, code, None)]

    @pytest.mark.usefixtures("secret")
    async def test_of_a_long_answer_only_the_status_counts(self, notification: Harness, endpoint: Endpoint) -> None:
        endpoint.on_request = lambda _number: (200, [], b"x" * 5_000_000)
        await deliver(notification, b.partner_registered(hook(endpoint)), b.received())
        await deliver_webhooks(notification)
        assert await attempts(notification) == [(1, "http_accepted", 200)]

    @pytest.mark.parametrize(
        ("url", "allow_http", "allowed"),
        [
            ("https://partner.example/hook", False, True),
            ("http://partner.example/hook", False, False),
            ("http://partner.example/hook", True, True),
            ("https://user:word@partner.example/hook", False, False),
            ("file:///etc/passwd", True, False),
            ("https://", False, False),
            ("https://partner.example:port/", False, False),
        ],
    )
    def test_a_webhook_goes_over_https_and_without_a_login(self, url: str, allow_http: bool, allowed: bool) -> None:
        assert webhooks.is_allowed(url, allow_http=allow_http) is allowed

    @pytest.mark.parametrize("content", ["", "whsec_", "not base64 at all!", "ä"])
    def test_a_file_without_a_secret_is_no_secret(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "x").write_text(content, encoding="utf-8")
        with pytest.raises(webhooks.SecretUnusableError):
            webhooks.read_secret(tmp_path / "x")


class TestCourier:
    """Whatever is sent and however."""

    async def test_an_endpoint_that_hangs_holds_up_nobody_else(self, notification: Harness) -> None:
        slow, fast = Contact(email="slow@x.example"), Contact(email="fast@x.example")
        await deliver(notification, b.force_registered(slow), b.force_registered(fast, force_id=b.OTHER))
        await deliver(notification, *(b.routed(HOME, referral_id=uuid7()) for _ in range(10)))
        await deliver(notification, b.routed(b.OTHER))
        sent, release = [], asyncio.Event()

        async def send(notice: Claimed) -> AttemptOutcome:
            sent.append(notice.audience)
            if notice.audience == f"force:{HOME}":
                await release.wait()
            return EMAIL_TAKEN

        made = courier(notification, Channel.EMAIL, send, Pace(at_once=4, in_hand=4, share=2, longest=5, poll=0.01))
        for _ in range(20):
            await made.step()
        assert sorted(sent) == [f"force:{b.OTHER}", f"force:{HOME}", f"force:{HOME}"]
        release.set()
        while not made.idle:
            await made.step()

    async def test_an_error_of_ours_is_an_attempt_like_any_other(self, notification: Harness) -> None:
        await deliver(notification, b.partner_registered(TEAM), b.received())

        async def send(_notice: Claimed) -> AttemptOutcome:
            raise RuntimeError("synthetic")

        made = courier(notification, Channel.EMAIL, send)
        while not await attempts(notification):
            await made.step()
        assert await attempts(notification) == [(1, "internal_error", None)]

    async def test_results_are_kept_while_the_database_is_away(
        self, notification: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await deliver(notification, b.partner_registered(TEAM), b.received())
        sent = []

        async def send(notice: Claimed) -> AttemptOutcome:
            sent.append(notice.notice_id)
            return EMAIL_TAKEN

        made, real, failures = courier(notification, Channel.EMAIL, send), notification.runtime.transaction, iter(range(3))

        def sometimes() -> Any:
            if sent and next(failures, None) is not None:
                raise ConnectionError
            return real()

        monkeypatch.setattr(notification.runtime, "transaction", sometimes)
        running = asyncio.create_task(made.run())
        while not await done(notification):  # noqa: ASYNC110 - it waits for a row
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert len(sent) == 1

    async def test_at_shutdown_what_is_under_way_is_settled_and_what_is_not_begun_is_given_back(
        self, notification: Harness
    ) -> None:
        await deliver(notification, b.partner_registered(TEAM))
        await deliver(notification, *(b.received(referral_id=uuid7()) for _ in range(3)))
        begun = asyncio.Event()

        async def send(_notice: Claimed) -> AttemptOutcome:
            begun.set()
            await asyncio.sleep(0.05)
            return EMAIL_TAKEN

        pace = Pace(at_once=1, in_hand=3, share=3, longest=5, poll=0.01)
        running = asyncio.create_task(courier(notification, Channel.EMAIL, send, pace).run())
        await begun.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        rows = sorted((row["state"], row["attempts"]) for row in await notices(notification))
        assert rows == [("queued", 0), ("queued", 0), ("sent", 1)]

    async def test_a_crash_between_sending_and_marking_sends_a_second_copy_that_can_be_dropped(
        self, notification: Harness, mail: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await deliver(notification, b.partner_registered(TEAM), b.received())
        with monkeypatch.context() as patched:
            patched.setattr("conduit_notification.delivery.queue.settle", _crash)
            with pytest.raises(RuntimeError):
                await deliver_email(notification)
        await let_pass(notification, timedelta(minutes=5))
        await deliver_email(notification)
        assert len(mail.raw) == 2
        assert mail.raw[0] == mail.raw[1]
        assert len(await done(notification)) == 1

    async def test_the_worker_runs_as_it_is_wired(self, notification: Harness, mail: MailServer) -> None:
        await deliver(notification, b.partner_registered(TEAM), b.received())
        running = asyncio.create_task(email_worker(notification.runtime))
        while not await done(notification):  # noqa: ASYNC110 - it waits for a row
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert len(mail.messages) == 1
        workers = {worker.name for worker in create_service().workers}
        assert workers == {"deliver_email", "deliver_webhooks", "measure_queue", "publish_snapshots"}


async def _crash(*_arguments: object) -> None:
    raise RuntimeError("synthetic crash")
