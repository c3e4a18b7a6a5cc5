"""What follows from each way in which an attempt can end."""

import ssl
from datetime import timedelta

import aiosmtplib as smtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_notification import outcomes
from conduit_notification.outcomes import Outcome, Verdict, next_step, of_http, of_smtp
from services.notification.tests.builders import NOW, POLICY

AGAIN = Outcome(Verdict.AGAIN, "unreachable")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.SENT) for status in (200, 202, 204)),
        *((status, Verdict.FAILED) for status in (301, 302, 307, 400, 401, 403, 404, 405, 410, 413, 422)),
        *((status, Verdict.AGAIN) for status in (408, 409, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_an_http_status_says_what_follows(status: int, verdict: Verdict) -> None:
    outcome = of_http(status)
    assert (outcome.verdict, outcome.status) == (verdict, status)


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
        (ValueError("address"), Verdict.FAILED, "address_invalid"),
    ],
)
def test_an_smtp_error_says_what_follows(error: BaseException, verdict: Verdict, code: str) -> None:
    outcome = of_smtp(error)
    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_a_garbled_smtp_status_is_not_recorded_as_one() -> None:
    assert of_smtp(smtp.SMTPResponseException(-1, "garbage")).status is None


@given(st.integers(1, POLICY.attempts - 1), st.floats(0, 1, exclude_max=True))
def test_an_attempt_follows_within_the_policys_bounds(attempts: int, jitter: float) -> None:
    following = next_step(AGAIN, attempts, NOW, POLICY, jitter)
    assert following.state == "queued"
    assert following.at is not None
    full = min(POLICY.longest_retry_seconds, POLICY.first_retry_seconds * 2 ** (attempts - 1))
    assert full / 2 <= (following.at - NOW).total_seconds() <= full


def test_without_jitter_waits_double_up_to_the_longest() -> None:
    policy = POLICY.model_copy(update={"attempts": 9})
    waits = [next_step(AGAIN, attempts, NOW, policy, 0.0).at for attempts in range(1, 8)]
    assert [wait - NOW for wait in waits if wait] == [timedelta(seconds=s) for s in (5, 10, 20, 40, 60, 60, 60)]


@given(st.integers(POLICY.attempts, 200))
def test_after_the_last_attempt_a_notice_has_failed(attempts: int) -> None:
    assert next_step(AGAIN, attempts, NOW, POLICY, 0.0) == outcomes.Next("failed", None)


@pytest.mark.parametrize("outcome", [outcomes.EMAIL_TAKEN, outcomes.NO_CONTACT, outcomes.URL_NOT_ALLOWED])
def test_what_is_final_is_final_at_once(outcome: Outcome) -> None:
    assert next_step(outcome, 1, NOW, POLICY, 0.5) == outcomes.Next(outcome.verdict.value, None)
