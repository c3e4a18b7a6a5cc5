"""What officers are told of commands that had no effect, or took effect over something new."""

from dataclasses import asdict

from conduit_chassis import commands
from conduit_chassis.commands import CommandAnswer
from conduit_chassis.kafka import Delivery, Incoming
from conduit_contracts.envelope import Message
from conduit_contracts.problems import Problem
from conduit_contracts.routing import CommandIgnored, CommandOutdated, CommandRefused
from conduit_contracts.topics import ROUTING_CASES
from conduit_routing.commands import Command
from conduit_routing.turn import Turn
from conduit_routing.work import RoutingWork


def refuse(work: RoutingWork, incoming: Incoming, problems: tuple[Problem, ...]) -> None:
    """There is no case to note it on: the officer is told what was wrong."""
    named = commands.named(incoming)
    work.observer.command_refused(problems[0].code)
    answer = CommandAnswer(named, commands.REFUSED, problems=problems)
    _answer(work, incoming, answer, CommandRefused(**asdict(named), problems=problems))


def ignore(work: RoutingWork, turn: Turn, delivery: Delivery[Command], code: str, changes: tuple[str, ...]) -> None:
    """Change nothing, and tell the officer why."""
    named = commands.named(delivery)
    turn.note("command_ignored", code)
    officer, command = delivery.message.officer_id, named.command_id
    turn.tell(CommandIgnored(**turn.about, officer_id=officer, code=code, command_id=command, changes=changes))
    work.observer.command_refused(code)
    work.answers.append(CommandAnswer(named, commands.IGNORED, code, changes=changes))


def tell_of_news(work: RoutingWork, delivery: Delivery[Command], changes: tuple[str, ...]) -> None:
    """The command stands. Its officer is told what was new in the case that it was given on."""
    named, message = commands.named(delivery), delivery.message
    code = message.type.split(".")[-2].replace("-", "_")
    told = CommandOutdated(**asdict(named), code=code, seen_version=message.seen_version or 0, changes=changes)
    _answer(work, delivery, CommandAnswer(named, commands.OUTDATED, code, changes=changes), told)


def _answer(work: RoutingWork, incoming: Incoming, answer: CommandAnswer, message: Message) -> None:
    """Under a key of its own: an answer waits for nothing that waits for its case."""
    work.answers.append(answer)
    subject = str(answer.named.referral_id) if answer.named.referral_id else None
    work.outbox.publish(ROUTING_CASES.name(), answer.named.command_id, message, subject=subject, cause=incoming.attributes)
