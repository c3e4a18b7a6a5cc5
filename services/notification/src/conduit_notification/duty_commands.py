"""Officers take duty tasks on the console's pages, by a signed command. The first one has it, wherever it was taken.

A batch that brings such commands locks their tasks when it loads, so that what an officer is told is what then holds. Whom
to call is told to the officer who has the task, and to nobody else.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from conduit_chassis import commands
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming, Refusal
from conduit_contracts.envelope import Message
from conduit_contracts.intake import Callback
from conduit_contracts.notification import DutyTaskNotTaken, DutyTaskTaken, NumberToCall, TakeDutyTask
from conduit_contracts.problems import Problem, sender_problem
from conduit_contracts.programme import Contact
from conduit_contracts.topics import DUTIES, NOTIFICATION_REVIEWS
from conduit_notification import duty_store
from conduit_notification.duty import Task
from conduit_notification.notices import force
from conduit_notification.work import NotificationWork, by_officer

_TAKEN_ALREADY = sender_problem(
    "taken_already", "task_id", "Somebody else has this task, or did what it asks for. The list of duty tasks says who."
)
_TASK_UNKNOWN = sender_problem("task_unknown", "task_id", "There is no such duty task.")


class Wanted(NamedTuple):
    """A task that a command of the batch names, locked, and whom to call about it."""

    task: Task
    callback: Callback | None
    numbers: tuple[NumberToCall, ...]


async def load(connection: Connection, work: NotificationWork, batch: Sequence[Incoming]) -> None:
    """The tasks that the batch's commands name, locked in the order of their ids until the transaction ends."""
    wanted = {each.message.task_id for each in _commands(batch)}
    for task_id in sorted(wanted):
        task = await duty_store.locked(connection, task_id)
        if task is not None:
            callback = await duty_store.callback_of(connection, task_id)
            work.wanted_tasks[task_id] = Wanted(task, callback, await _numbers(connection, task))
    work.signed = commands.signed(batch)


def _commands(batch: Iterable[Incoming]) -> Iterable[Delivery[TakeDutyTask]]:
    return (each for each in batch if isinstance(each, Delivery) and each.topic is NOTIFICATION_REVIEWS)


async def _numbers(connection: Connection, task: Task) -> tuple[NumberToCall, ...]:
    rooms = await duty_store.control_rooms_of(connection, task)
    in_register = await duty_store.contacts_of(connection, task)
    return (
        *(NumberToCall(who=force(each.force_id), telephone=each.telephone, control_room=True) for each in rooms),
        *(_number(who, contact) for who, contact in in_register if contact.telephone or contact.email),
    )


def _number(who: str, contact: Contact) -> NumberToCall:
    return NumberToCall(who=who, telephone=contact.telephone, email=contact.email)


def take_duty_task(work: NotificationWork, delivery: Delivery[TakeDutyTask]) -> None:
    """It is this officer's, unless somebody else has it."""
    command, wanted = delivery.message, work.wanted_tasks.get(delivery.message.task_id)
    if wanted is None:
        _refuse(work, delivery, (_TASK_UNKNOWN,))
        return
    who, before = by_officer(command), work.takers.get(command.task_id, wanted.task.taken_by)
    if before not in {None, who}:
        _refuse(work, delivery, (_TAKEN_ALREADY,))
        return
    work.takers[command.task_id] = who
    work.takings.append((command.task_id, who))
    taken = DutyTaskTaken(
        task_id=command.task_id,
        command_id=delivery.attributes.id,
        officer_id=command.officer_id,
        callback=wanted.callback,
        numbers=wanted.numbers,
    )
    _tell(work, str(command.task_id), taken, delivery)


def refused(work: NotificationWork, refusal: Refusal) -> None:
    """A command that cannot be read, or that nobody in the register signed. Nothing changes, and its officer is told."""
    _refuse(work, refusal, refusal.problems)


def _refuse(work: NotificationWork, incoming: Incoming, problems: tuple[Problem, ...]) -> None:
    about = commands.named(incoming)
    message = DutyTaskNotTaken(
        command_id=about.command_id, officer_id=about.officer_id, task_id=_task_id(incoming), problems=problems
    )
    _tell(work, about.command_id, message, incoming)


def _task_id(incoming: Incoming) -> UUID | None:
    """Of a command that could not be read, its key may name the task."""
    if isinstance(incoming, Delivery):
        found: UUID = incoming.message.task_id
        return found
    try:
        return UUID((incoming.record.key or b"").decode("ascii", "replace"))
    except ValueError:
        return None


def _tell(work: NotificationWork, key: str, message: Message, incoming: Incoming) -> None:
    work.outbox.publish(DUTIES.name(), key, message, cause=incoming.attributes)


async def save(connection: Connection, work: NotificationWork) -> None:
    """Write down who has which task, and who stood for it."""
    for task_id, who in work.takings:
        if not await duty_store.take(connection, task_id, who, work.policy.version, actor=who):
            await duty_store.looked_again(connection, task_id, who, work.policy.version, actor=who)
    await commands.keep_signatures(connection, work.signed, work.now, about="task_id")
