"""What follows from each way in which an attempt can end."""

import socket
import ssl
from datetime import timedelta
from email.utils import format_datetime

import aiosmtplib as smtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.ids import uuid7
from conduit_contracts.notification import Channel
from conduit_notification import outcomes
from conduit_notification.notices import Claimed
from conduit_notification.outcomes import LONGEST_RETRY_AFTER, AttemptOutcome, Verdict, next_step, of_http, of_smtp
from services.notification.tests.builders import NOW, POLICY

AGAIN = AttemptOutcome(Verdict.AGAIN, "unreachable")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.SENT) for status in (200, 202, 204)),
        (410, Verdict.FAILED),
        *((status, Verdict.AGAIN) for status in range(300, 600) if status != 410),
    ],
)
def test_an_http_status_says_what_follows(status: int, verdict: Verdict) -> None:
    outcome = of_http(status)
    assert (outcome.verdict, outcome.status) == (verdict, status)


def caused(error: BaseException, by: BaseException) -> BaseException:
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("error", "verdict", "code"),
    [
        (smtp.SMTPRecipientsRefused([smtp.SMTPRecipientRefused(550, "no", "a@x")]), Verdict.FAILED, "smtp_rejected"),
        (smtp.SMTPRecipientsRefused([smtp.SMTPRecipientRefused(451, "later", "a@x")]), Verdict.AGAIN, "smtp_unavailable"),
        (smtp.SMTPDataError(554, "no"), Verdict.FAILED, "smtp_rejected"),
        (smtp.SMTPDataError(452, "full"), Verdict.AGAIN, "smtp_unavailable"),
        (smtp.SMTPSenderRefused(553, "no", "us@x"), Verdict.AGAIN, "smtp_unavailable"),
        (smtp.SMTPAuthenticationError(535, "no"), Verdict.AGAIN, "smtp_login_refused"),
        (smtp.SMTPConnectResponseError(554, "no"), Verdict.AGAIN, "smtp_unavailable"),
        (smtp.SMTPServerDisconnected("gone"), Verdict.AGAIN, "unreachable"),
        (smtp.SMTPConnectError("refused"), Verdict.AGAIN, "unreachable"),
        (smtp.SMTPReadTimeoutError("slow"), Verdict.AGAIN, "timed_out"),
        (smtp.SMTPNotSupported("starttls"), Verdict.AGAIN, "smtp_extension_missing"),
        (smtp.SMTPResponseException(-1, "garbage"), Verdict.AGAIN, "smtp_unavailable"),
        (ssl.SSLError("certificate"), Verdict.AGAIN, "tls_failed"),
        (TimeoutError(), Verdict.AGAIN, "timed_out"),
        (OSError(), Verdict.AGAIN, "unreachable"),
        (socket.gaierror(-2, "Name or service not known"), Verdict.AGAIN, "host_unknown"),
        (caused(smtp.SMTPConnectError("no"), socket.gaierror(-3, "later")), Verdict.AGAIN, "host_unknown"),
        (caused(smtp.SMTPConnectError("no"), ssl.SSLError("certificate")), Verdict.AGAIN, "tls_failed"),
        (ValueError("address"), Verdict.FAILED, "address_invalid"),
    ],
)
def test_an_smtp_error_says_what_follows(error: BaseException, verdict: Verdict, code: str) -> None:
    outcome = of_smtp(error)
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_a_garbled_smtp_status_is_not_recorded_as_one() -> None:
    assert of_smtp(smtp.SMTPResponseException(-1, "garbage")).status is None


def notice(attempt: int, *, urgent: bool = False, age: timedelta = timedelta(0)) -> Claimed:
    who = (uuid7(), "partner:northlight", 0, Channel.WEBHOOK, "partner_referral_received", None, {})
    return Claimed(*who, attempt, NOW - age, None, urgent)


@given(st.integers(1, 400), st.floats(0, 1, exclude_max=True), st.booleans())
def test_an_attempt_follows_within_the_policys_bounds(attempts: int, jitter: float, urgent: bool) -> None:
    following = next_step(AGAIN, notice(attempts, urgent=urgent), NOW, POLICY, jitter)
    assert following.state == "queued"
    assert following.wait is not None
    longest = POLICY.longest_danger_retry_seconds if urgent else POLICY.longest_retry_seconds
    full = min(longest, POLICY.first_retry_seconds * 2 ** min(attempts - 1, 30))
    assert full / 2 <= following.wait.total_seconds() <= full


def test_without_jitter_waits_double_up_to_the_longest_which_is_shorter_in_danger() -> None:
    for urgent, expected in ((False, (5, 10, 20, 40, 60, 60, 60)), (True, (5, 10, 20, 20, 20, 20, 20))):
        waits = [next_step(AGAIN, notice(attempt, urgent=urgent), NOW, POLICY, 0.0).wait for attempt in range(1, 8)]
        assert waits == [timedelta(seconds=s) for s in expected]


@given(st.integers(1, 400), st.booleans())
def test_a_notice_has_failed_once_it_is_too_old_and_not_by_the_number_of_its_attempts(attempt: int, urgent: bool) -> None:
    young = notice(attempt, urgent=urgent, age=timedelta(seconds=POLICY.keep_trying_seconds - 61))
    old = notice(attempt, urgent=urgent, age=timedelta(seconds=POLICY.keep_trying_seconds))
    assert next_step(AGAIN, young, NOW, POLICY, 0.0).state == "queued"
    assert next_step(AGAIN, old, NOW, POLICY, 0.0) == outcomes.Next("failed", None)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (" 7 ", 7),
        ("99999999999", LONGEST_RETRY_AFTER),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        *((nothing, 0) for nothing in (None, "", "soon", "-5", "1.5", "²", "Mon, 99 Foo 2026 00:00:00 GMT")),
    ],
)
def test_retry_after_is_honoured_whatever_it_holds(said: str | None, seconds: float) -> None:
    for status in (301, 404, 429, 503):
        outcome = of_http(status, said, NOW)
        assert outcome.not_before_seconds == seconds
        following = next_step(outcome, notice(1), NOW, POLICY.model_copy(update={"keep_trying_seconds": 1e6}), 0.0)
        assert following.wait == timedelta(seconds=max(5, seconds))


@pytest.mark.parametrize("outcome", [outcomes.EMAIL_TAKEN, outcomes.NO_CONTACT, outcomes.URL_NOT_ALLOWED])
def test_what_is_final_is_final_at_once(outcome: AttemptOutcome) -> None:
    assert next_step(outcome, notice(1), NOW, POLICY, 0.5) == outcomes.Next(outcome.verdict.value, None)
