"""What an attempt to deliver came to, and what follows from it: values and pure functions.

A fault that the recipient or its server calls final is final. Whatever may be the hub's own fault, such as its login at
the mail server or a secret that is not there yet, is tried again until the attempts are used up.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPTimeoutError,
)

from conduit_chassis.backoff import delay
from conduit_notification.policy import NotificationPolicy


class Verdict(StrEnum):
    """What follows from an attempt."""

    SENT = "sent"
    AGAIN = "again"
    FAILED = "failed"
    DROPPED = "dropped"
    """Nobody wants it there: not a failure, and nothing to tell."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. `code` is stable; `status` is the other side's, where it gave one."""

    verdict: Verdict
    code: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What becomes of the notice. `at` is the next attempt's time, and None where there is none."""

    state: str
    at: datetime | None


NO_CONTACT = Outcome(Verdict.DROPPED, "no_contact")
CONTACT_UNKNOWN = Outcome(Verdict.AGAIN, "contact_unknown")
ADDRESS_INVALID = Outcome(Verdict.FAILED, "address_invalid")
URL_NOT_ALLOWED = Outcome(Verdict.FAILED, "url_not_allowed")
SECRET_UNUSABLE = Outcome(Verdict.AGAIN, "secret_unusable")
INTERNAL_ERROR = Outcome(Verdict.AGAIN, "internal_error")
TIMED_OUT = Outcome(Verdict.AGAIN, "timed_out")
UNREACHABLE = Outcome(Verdict.AGAIN, "unreachable")
TLS_FAILED = Outcome(Verdict.AGAIN, "tls_failed")
EMAIL_TAKEN = Outcome(Verdict.SENT, "smtp_accepted", 250)

_ASK_AGAIN = frozenset({408, 409, 425, 429})


def next_step(outcome: Outcome, attempts: int, now: datetime, policy: NotificationPolicy, jitter: float) -> Next:
    """What becomes of a notice after this attempt, of which there were `attempts` with it. `jitter` is in [0, 1)."""
    if outcome.verdict is not Verdict.AGAIN:
        return Next(outcome.verdict.value, None)
    if attempts >= policy.attempts:
        return Next(Verdict.FAILED.value, None)
    wait = delay(attempts, jitter, first=policy.first_retry_seconds, longest=policy.longest_retry_seconds)
    return Next("queued", now + timedelta(seconds=wait))


def of_http(status: int) -> Outcome:
    """What an HTTP status says. A redirect is not followed: the register names the endpoint, and nobody else does."""
    if 200 <= status < 300:
        return Outcome(Verdict.SENT, "http_accepted", status)
    if 300 <= status < 400:
        return Outcome(Verdict.FAILED, "http_redirect_refused", status)
    if status == 410:
        return Outcome(Verdict.FAILED, "http_gone", status)
    if 400 <= status < 500 and status not in _ASK_AGAIN:
        return Outcome(Verdict.FAILED, "http_rejected", status)
    return Outcome(Verdict.AGAIN, "http_unavailable", status)


def of_smtp(error: BaseException) -> Outcome:
    """What an error of an SMTP conversation says."""
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        return _of_response(error)
    if isinstance(error, ssl.SSLError):
        return TLS_FAILED
    if isinstance(error, SMTPTimeoutError | TimeoutError):
        return TIMED_OUT
    if isinstance(error, SMTPNotSupported):
        return Outcome(Verdict.AGAIN, "smtp_extension_missing")
    if isinstance(error, ValueError):
        return ADDRESS_INVALID
    return UNREACHABLE if isinstance(error, SMTPException | OSError) else INTERNAL_ERROR


def _of_response(error: SMTPResponseException) -> Outcome:
    if isinstance(error, SMTPAuthenticationError):
        return Outcome(Verdict.AGAIN, "smtp_login_refused", _status(error))
    if isinstance(error, SMTPSenderRefused | SMTPHeloError | SMTPConnectResponseError) or error.code < 500:
        return Outcome(Verdict.AGAIN, "smtp_unavailable", _status(error))
    return Outcome(Verdict.FAILED, "smtp_rejected", _status(error))


def _status(error: SMTPResponseException) -> int | None:
    return error.code if 100 <= error.code <= 999 else None
