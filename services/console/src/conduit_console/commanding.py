"""How a decision becomes a record: the signer signs it, and it leaves through the outbox together with its act, once.

What is signed is what is sent, to the byte. Nothing of it is logged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import httpx
import structlog

from conduit_chassis import postgres
from conduit_chassis.headers import pack_headers
from conduit_chassis.postgres import Connection
from conduit_console import desk, duties, metrics
from conduit_console.desk import DeskAct, Transactions
from conduit_contracts.envelope import Attributes, Command, dump, encode_headers
from conduit_contracts.notification import TakeDutyTask
from conduit_contracts.passkeys import HEADER as PASSKEY
from conduit_contracts.passkeys import challenge_of
from conduit_contracts.signature import HEADER, Signable
from conduit_contracts.topics import NOTIFICATION_REVIEWS, Topic
from conduit_web.acts import ActKind
from conduit_web.people import Identity

SOURCE = "/conduit/console"
SIGNER_SECONDS = 5.0
STRONG = "mfa"
"""How the desk calls a sign-in with more than one factor, which each who decides has, where the session does not say what
the provider calls it, as it began before sessions did."""
_SENT = """
INSERT INTO sent_commands (command_id, referral_id, officer_id, decision, sent_at, seen_until)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""

_log = structlog.get_logger()


class NotSent(StrEnum):
    """Why a decision was not sent. Nothing was changed, and what the officer wrote is kept."""

    UNAVAILABLE = "unavailable"
    """The signer does not answer, or cannot sign now. Trying again helps."""
    SIGN_IN_AGAIN = "sign_in_again"
    """The officer's sign-in is too old for this."""
    NOT_ALLOWED = "not_allowed"
    """The register says that this person does not decide."""
    PASSKEY = "passkey"
    """The officer's passkey did not answer to this, or it is not one that is trusted."""
    NOT_IN_ORDER = "not_in_order"
    """The service that decides would refuse it."""


class NotSentError(Exception):
    """A decision was not sent."""

    def __init__(self, reason: NotSent) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Decided:
    """What an officer decided, as it is to be sent."""

    command_id: UUID
    referral_id: UUID
    decision: str
    """The code of the decision, such as `decline`."""
    command: Command
    topic: Topic
    seen_until: datetime
    passkey: str | None = None
    """What the officer's passkey answered to `challenge`."""

    def attributes(self, now: datetime) -> Attributes:
        """Those of its record."""
        return Attributes(str(self.command_id), SOURCE, self.command.type, now, str(self.referral_id))

    def challenge(self, now: datetime) -> bytes:
        """What a passkey is asked to sign: it is the same whenever it is asked for."""
        return challenge_of(Signable.of(self.command, self.attributes(now), self.topic.name(), dump(self.command)))


@dataclass(frozen=True, slots=True)
class SittingOfficer:
    """Who decides, and how they signed in."""

    officer_id: str
    identity: Identity
    signed_in_at: datetime
    """When the provider last asked for credentials."""
    level: str | None
    """What the provider calls how they signed in."""


class SignerClient:
    """Asks the signer. It vouches for who sat at the page; the signer asks the register itself."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: Callable[[], str]) -> None:
        self._http, self._url, self._token = http, f"{url.rstrip('/')}/v1/signatures", token

    async def sign(self, asked: dict[str, Any]) -> str:
        """The signature of a record.

        Raises:
            NotSentError: there is none.
        """
        try:
            headers = {"Authorization": f"Bearer {self._token()}"}
            answer = await self._http.post(self._url, json=asked, headers=headers, timeout=SIGNER_SECONDS)
            said = answer.json()
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise _not_sent(NotSent.UNAVAILABLE, type(error).__name__) from None
        if answer.status_code == httpx.codes.OK and isinstance(said, dict) and isinstance(said.get("signature"), str):
            return str(said["signature"])
        codes = _codes(said)
        if answer.status_code == httpx.codes.FORBIDDEN:
            raise _not_sent(_refusal(codes), *codes)
        unfit = answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        raise _not_sent(NotSent.NOT_IN_ORDER if unfit else NotSent.UNAVAILABLE, *codes)


class Commanding:
    """Sends what officers decide."""

    def __init__(self, transactions: Transactions, signer: SignerClient) -> None:
        self.transactions, self._signer = transactions, signer

    async def send(self, decided: Decided, by: SittingOfficer, now: datetime) -> None:
        """Have it signed, and write it with its act. A decision that was sent already is not sent again.

        Raises:
            NotSentError: it was not sent, and nothing was changed.
        """
        subject = str(decided.referral_id)
        headers, value = await self._signed(decided.command, decided.topic, decided.attributes(now), by, decided.passkey)
        async with self.transactions() as (connection, outbox):
            await desk.lock(connection, decided.referral_id)
            if await _is_new(connection, decided, by.officer_id, now):
                outbox.add(decided.topic.name(), subject.encode(), headers, value)
                act = DeskAct(ActKind.ALTERATION, "decided", decided.referral_id, decided.decision)
                await desk.note(connection, by.officer_id, act, now)
        metrics.DECISIONS.labels("sent").inc()
        _log.info("decision_sent", topic=decided.topic.name(), referral_id=subject)

    async def take(
        self, command: TakeDutyTask, command_id: UUID, by: SittingOfficer, about: UUID | None, now: datetime
    ) -> None:
        """Have it signed that an officer takes a duty task, and write it with its act. `about` is the task's referral.

        Raises:
            NotSentError: it was not sent, and nothing was changed.
        """
        attributes = Attributes(str(command_id), SOURCE, command.type, now)
        headers, value = await self._signed(command, NOTIFICATION_REVIEWS, attributes, by)
        async with self.transactions() as (connection, outbox):
            if await duties.note_sent(connection, command_id, command.task_id, by.officer_id, now):
                outbox.add(NOTIFICATION_REVIEWS.name(), str(command.task_id).encode(), headers, value)
                act = DeskAct(ActKind.ALTERATION, "took_duty_task", about, about=str(command.task_id))
                await desk.note(connection, by.officer_id, act, now)
        metrics.DECISIONS.labels("sent").inc()
        _log.info("decision_sent", topic=NOTIFICATION_REVIEWS.name(), referral_id=str(about or ""))

    async def _signed(
        self, command: Command, topic: Topic, attributes: Attributes, by: SittingOfficer, passkey: str | None = None
    ) -> tuple[str, bytes]:
        """The record's headers, as the outbox has them, and its value."""
        value = dump(command)
        asked = {
            "topic": topic.name(),
            "ce_id": attributes.id,
            "ce_type": attributes.type,
            "ce_source": attributes.source,
            "value": value.decode(),
            "iss": by.identity.issuer,
            "sub": by.identity.subject,
            "acr": by.level or STRONG,
            "auth_time": int(by.signed_in_at.timestamp()),
            **({"passkey": passkey} if passkey else {}),
        }
        signature = await self._signer.sign(asked)
        answered = [(PASSKEY, passkey.encode())] if passkey else []
        return pack_headers([*encode_headers(attributes), (HEADER, signature.encode()), *answered]), value


async def _is_new(connection: Connection, decided: Decided, officer_id: str, now: datetime) -> bool:
    values = (decided.command_id, decided.referral_id, officer_id, decided.decision, now, decided.seen_until)
    return postgres.affected(await connection.execute(_SENT, *values)) > 0


def _codes(said: object) -> list[str]:
    """The codes of the signer's problems, which hold nothing of what was asked."""
    problems = said.get("problems") if isinstance(said, dict) else None
    found = [each.get("code") for each in problems if isinstance(each, dict)] if isinstance(problems, list) else []
    return [each for each in found if isinstance(each, str)]


def _refusal(codes: list[str]) -> NotSent:
    if "sign_in_again" in codes:
        return NotSent.SIGN_IN_AGAIN
    return NotSent.PASSKEY if any(each.startswith("passkey_") for each in codes) else NotSent.NOT_ALLOWED


def _not_sent(reason: NotSent, *codes: str) -> NotSentError:
    metrics.DECISIONS.labels(reason.value).inc()
    _log.warning("decision_not_sent", reason=reason.value, code=", ".join(codes))
    return NotSentError(reason)
