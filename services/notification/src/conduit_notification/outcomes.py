"""What an attempt to deliver came to, and what follows from it: values and pure functions.

A fault that the recipient or its server calls final is final. Whatever may be the hub's own fault, such as its login at
the mail server or a secret that is not there yet, is tried again until the attempts are used up.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from socket import gaierror

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
from conduit_chassis.errors import is_caused_by
from conduit_notification.notices import Claimed
from conduit_notification.policy import NotificationPolicy


class Verdict(StrEnum):
    """What follows from an attempt."""

    SENT = "sent"
    AGAIN = "again"
    FAILED = "failed"
    DROPPED = "dropped"
    """Nobody wants it there: no failure, and nothing to tell, unless it leaves a force that nobody can tell about danger."""


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What an attempt came to. `code` is stable; `status` is the other side's, where it gave one."""

    verdict: Verdict
    code: str
    status: int | None = None
    not_before_seconds: float = 0.0
    """How long the other side asks to be left alone."""


@dataclass(frozen=True, slots=True)
class Next:
    """What happens to the notice. `wait` is until the next attempt, and None where there is none."""

    state: str
    wait: timedelta | None


NO_CONTACT = AttemptOutcome(Verdict.DROPPED, "no_contact")
CONTACT_UNKNOWN = AttemptOutcome(Verdict.AGAIN, "contact_unknown")
ADDRESS_INVALID = AttemptOutcome(Verdict.FAILED, "address_invalid")
URL_NOT_ALLOWED = AttemptOutcome(Verdict.FAILED, "url_not_allowed")
SECRET_UNUSABLE = AttemptOutcome(Verdict.AGAIN, "secret_unusable")
INTERNAL_ERROR = AttemptOutcome(Verdict.AGAIN, "internal_error")
TIMED_OUT = AttemptOutcome(Verdict.AGAIN, "timed_out")
UNREACHABLE = AttemptOutcome(Verdict.AGAIN, "unreachable")
HOST_UNKNOWN = AttemptOutcome(Verdict.AGAIN, "host_unknown")
TLS_FAILED = AttemptOutcome(Verdict.AGAIN, "tls_failed")
EMAIL_TAKEN = AttemptOutcome(Verdict.SENT, "smtp_accepted", 250)

_GONE = 410
LONGEST_RETRY_AFTER = 86_400.0


def next_step(outcome: AttemptOutcome, notice: Claimed, now: datetime, policy: NotificationPolicy, jitter: float) -> Next:
    """What happens to a notice after this attempt. `jitter` is in [0, 1).

    It is tried on for days, since a mail server or an endpoint may be down for a weekend.
    """
    if outcome.verdict is not Verdict.AGAIN:
        return Next(outcome.verdict.value, None)
    longest = policy.longest_danger_retry_seconds if notice.urgent else policy.longest_retry_seconds
    wait = delay(notice.attempt, jitter, first=min(policy.first_retry_seconds, longest), longest=longest)
    following = timedelta(seconds=max(wait, outcome.not_before_seconds))
    if now + following - notice.created_at > timedelta(seconds=policy.keep_trying_seconds):
        return Next(Verdict.FAILED.value, None)
    return Next("queued", following)


def of_http(status: int, retry_after: str | None = None, now: datetime | None = None) -> AttemptOutcome:
    """What an HTTP status says, as Standard Webhooks has it: 2xx took it, 410 wants no more, and all else is tried again.

    A redirect is not followed: the register names the endpoint, and nobody else does.
    """
    if 200 <= status < 300:
        return AttemptOutcome(Verdict.SENT, "http_accepted", status)
    if status == _GONE:
        return AttemptOutcome(Verdict.FAILED, "http_gone", status)
    wait = seconds_of(retry_after, now)
    if 300 <= status < 400:
        return AttemptOutcome(Verdict.AGAIN, "http_redirect_refused", status, wait)
    if 400 <= status < 500:
        return AttemptOutcome(Verdict.AGAIN, "http_rejected", status, wait)
    return AttemptOutcome(Verdict.AGAIN, "http_unavailable", status, wait)


def seconds_of(retry_after: str | None, now: datetime | None) -> float:
    """What `Retry-After` asks for (RFC 9110): seconds or a date; nothing where it is neither, and never more than a day."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text)
        seconds = (until - now).total_seconds() if now else 0.0
    except (TypeError, ValueError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def of_smtp(error: BaseException) -> AttemptOutcome:
    """What an error of an SMTP conversation says."""
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        return _of_response(error)
    if isinstance(error, SMTPTimeoutError | TimeoutError):
        return TIMED_OUT
    if isinstance(error, SMTPNotSupported):
        return AttemptOutcome(Verdict.AGAIN, "smtp_extension_missing")
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return ADDRESS_INVALID
    return of_connection(error) if isinstance(error, SMTPException | OSError) else INTERNAL_ERROR


def of_connection(error: BaseException) -> AttemptOutcome:
    """Why there is no connection: nobody has the host's name, its certificate is not good, or nobody answers there."""
    if is_caused_by(error, gaierror):
        return HOST_UNKNOWN
    return TLS_FAILED if is_caused_by(error, ssl.SSLError) else UNREACHABLE


def _of_response(error: SMTPResponseException) -> AttemptOutcome:
    if isinstance(error, SMTPAuthenticationError):
        return AttemptOutcome(Verdict.AGAIN, "smtp_login_refused", _status(error))
    if isinstance(error, SMTPSenderRefused | SMTPHeloError | SMTPConnectResponseError) or error.code < 500:
        return AttemptOutcome(Verdict.AGAIN, "smtp_unavailable", _status(error))
    return AttemptOutcome(Verdict.FAILED, "smtp_rejected", _status(error))


def _status(error: SMTPResponseException) -> int | None:
    return error.code if 100 <= error.code <= 999 else None
