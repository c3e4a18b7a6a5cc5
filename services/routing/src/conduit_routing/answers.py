"""What officers are told of commands that had no effect, or took effect over something new."""

from conduit_chassis import commands
from conduit_chassis.commands import CommandAnswer
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.seen import Unseen
from conduit_contracts.envelope import short_name
from conduit_contracts.problems import Problem
from conduit_contracts.routing import CommandIgnored, CommandOutdated, CommandRefused
from conduit_contracts.topics import ROUTING_CASES
from conduit_routing.commands import Command
from conduit_routing.turn import Turn
from conduit_routing.work import RoutingWork

_TOPIC = ROUTING_CASES.name()


def refuse(work: RoutingWork, incoming: Incoming, problems: tuple[Problem, ...]) -> None:
    """There is no case to note it on: the officer is told what was wrong."""
    work.observer.command_refused(problems[0].code)
    commands.refuse(work, _TOPIC, incoming, problems, CommandRefused)


def ignore(work: RoutingWork, turn: Turn, delivery: Delivery[Command], code: str, changes: tuple[str, ...]) -> None:
    """Change nothing, and tell the officer why."""
    named = commands.named(delivery)
    turn.note("command_ignored", code)
    officer, command = delivery.message.officer_id, named.command_id
    turn.tell(CommandIgnored(**turn.about, officer_id=officer, code=code, command_id=command, changes=changes))
    work.observer.command_refused(code)
    work.answers.append(CommandAnswer(named, commands.IGNORED, code, changes=changes))


def tell_of_news(work: RoutingWork, delivery: Delivery[Command], news: Unseen) -> None:
    """The command stands. Its officer is told what was new in the case that it was given on."""
    code = short_name(delivery.message.type)
    commands.tell_of_news(work, _TOPIC, delivery, code, news, CommandOutdated)
