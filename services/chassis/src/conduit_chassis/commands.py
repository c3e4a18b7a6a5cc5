"""What an officer is told of a command that had no effect, or took effect over something new. It is kept.

Officers correct their own mistakes: a mistake gets an answer, and wakes no operator.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, insert
from conduit_chassis.records import Delivery, Incoming, Refusal
from conduit_chassis.seen import Unseen
from conduit_contracts.envelope import Message
from conduit_contracts.ids import OfficerId, ReferralId
from conduit_contracts.problems import Problem

_OFFICER: TypeAdapter[str] = TypeAdapter(OfficerId)
_REFERRAL: TypeAdapter[UUID] = TypeAdapter(ReferralId)
_COLUMNS = ("at", "command_id", "officer_id", "referral_id", "answer", "code", "problems", "changes")
MakeMessage: TypeAlias = Callable[..., Message]
"""A service's own kind of message; each has its `CommandRefused` and `CommandOutdated`."""
IGNORED, REFUSED, OUTDATED = "ignored", "refused", "outdated"


@dataclass(frozen=True, slots=True)
class Named:
    """A command, and whom and what it names, as far as that can be read."""

    command_id: str
    officer_id: str | None
    referral_id: UUID | None


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What became of a command."""

    named: Named
    answer: str
    code: str | None = None
    problems: tuple[Problem, ...] = ()
    changes: tuple[str, ...] = ()


class Answering(Protocol):
    """A service's work on a batch, as far as officers' commands are answered there."""

    @property
    def answers(self) -> list[CommandAnswer]:
        """The answers to the batch's commands, to be kept."""

    @property
    def outbox(self) -> Outbox:
        """Where the officers' answers go."""


def named(incoming: Incoming) -> Named:
    """What a command names. Of one that could not be read, whatever in it is in order; its key names the referral, too."""
    if isinstance(incoming, Delivery):
        message = incoming.message
        return Named(_command_id(incoming), message.officer_id, getattr(message, "referral_id", None))
    body, key = _body(incoming), (incoming.record.key or b"").decode("ascii", "replace")
    referral_id = _in_order(_REFERRAL, body.get("referral_id")) or _in_order(_REFERRAL, key)
    return Named(_command_id(incoming), _in_order(_OFFICER, body.get("officer_id")), referral_id)


def _command_id(incoming: Incoming) -> str:
    record, given = incoming.record, incoming.attributes.id if incoming.attributes else ""
    usable = 0 < len(given) <= 200 and given.isascii() and given.isprintable()
    return given if usable else f"{record.topic}/{record.partition}/{record.offset}"


def _body(refusal: Refusal) -> dict[str, Any]:
    """The command's own members, be it wrapped in an envelope or not."""
    try:
        value = json.loads(refusal.record.value or b"")
    except (ValueError, RecursionError):
        return {}
    if isinstance(value, dict) and isinstance(value.get("data"), dict):
        value = value["data"]
    return value if isinstance(value, dict) else {}


def _in_order(kind: TypeAdapter[Any], value: object) -> Any:
    try:
        return kind.validate_json(to_json(value))
    except (ValidationError, ValueError):
        return None


def refuse(work: Answering, topic: str, incoming: Incoming, problems: tuple[Problem, ...], refused: MakeMessage) -> None:
    """There is no case to note it on: the officer is told what was wrong."""
    about = named(incoming)
    told = refused(**asdict(about), problems=problems)
    _tell(work, topic, incoming, CommandAnswer(about, REFUSED, problems=problems), told)


def tell_of_news(
    work: Answering, topic: str, delivery: Delivery[Any], code: str, news: Unseen, outdated: MakeMessage
) -> None:
    """The command stands. Its officer is told what was new in the case that it was given on."""
    about, until = named(delivery), delivery.message.seen_until
    told = outdated(**asdict(about), code=code, seen_version=news.version, seen_until=until, changes=news.changes)
    _tell(work, topic, delivery, CommandAnswer(about, OUTDATED, code, changes=news.changes), told)


def _tell(work: Answering, topic: str, incoming: Incoming, answer: CommandAnswer, message: Message) -> None:
    """Under a key of its own: an answer waits for nothing that waits for its case."""
    work.answers.append(answer)
    subject = str(answer.named.referral_id) if answer.named.referral_id else None
    work.outbox.publish(topic, answer.named.command_id, message, subject=subject, cause=incoming.attributes)


async def keep(connection: Connection, answers: Sequence[CommandAnswer], now: datetime) -> None:
    """Write down what became of commands."""
    rows = [
        (
            now,
            each.named.command_id,
            each.named.officer_id,
            each.named.referral_id,
            each.answer,
            each.code,
            to_json(each.problems).decode(),
            list(each.changes),
        )
        for each in answers
    ]
    await insert(connection, "command_answers", _COLUMNS, rows)


def signed(batch: Sequence[Incoming]) -> list[Delivery[Any]]:
    """Those of a batch for which an officer stands."""
    return [each for each in batch if isinstance(each, Delivery) and each.signed is not None]


async def keep_signatures(
    connection: Connection, commands: Sequence[Delivery[Any]], now: datetime, *, about: str = "referral_id"
) -> None:
    """Write down who stood for the commands that were taken, whether or not they then had an effect. `about` is the claim,
    and the column, that says what they are about."""
    rows = [
        (now, each.record.timestamp, said.ce_id, getattr(said, about), said.officer_id, signature, passkey)
        for each in commands
        if each.signed is not None
        for said, signature, passkey in (each.signed,)
    ]
    columns = ("at", "recorded_at", "command_id", about, "officer_id", "signature", "passkey")
    await insert(connection, "command_signatures", columns, rows)
