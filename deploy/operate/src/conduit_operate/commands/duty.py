"""`conduit duty`: tasks that a person at the hub must take. Only the person who has taken a task sees who to call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from uuid import UUID

import typer

from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_notification import duty_store
from conduit_notification.duty import Task
from conduit_operate.audit import By, audited, is_actor
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import ACTING_SECONDS, with_connection
from conduit_operate.commands.shared import AsJson, StateDir, explained, reach, spelt
from conduit_operate.onboarding import OnboardingError, UnknownError
from conduit_operate.wording import counted

MOST_SHOWN = 500
"""However many tasks there are, a person takes one after the other."""

WHY = "takes the task and sees who to call"
"""The reason in the audit: nobody has to give one in a hurry."""

app = typer.Typer(no_args_is_help=True, help="Show duty tasks and take them.")


@dataclass(frozen=True, slots=True)
class Taken:
    """Who to call about a task, as only the person sees it who has taken it."""

    what: str
    do: str
    callback: dict[str, Any]
    control_rooms: list[str]
    contacts: list[dict[str, str | None]]


@app.command("list", epilog=exits("shown, even if there are none", "they cannot be asked for; the text says why"))
def show(state_dir: StateDir, *, as_json: AsJson = False) -> None:
    """Show the tasks that nobody has taken, danger first."""

    async def look(_: Settings, connection: Connection) -> tuple[list[Task], int]:
        in_all, _unanswered, _oldest = await duty_store.measure(connection)
        return await duty_store.waiting(connection, in_all if as_json else MOST_SHOWN), in_all

    tasks, in_all = with_connection("notification", state_dir, look)
    if as_json:
        typer.echo(json.dumps([_about(task) for task in tasks], default=spelt, ensure_ascii=False))
        return
    for task in tasks:
        urgent = "DANGER " if task.danger else ""
        about = " ".join(filter(None, (task.partner_id, task.partner_reference, str(task.referral_id or ""), task.force_id)))
        typer.echo(f"{task.task_id}  {task.opened_at:%Y-%m-%dT%H:%M:%SZ}  {urgent}{task.words}  {about}")
    more = f"; the first {len(tasks)} are shown" if in_all > len(tasks) else ""
    typer.echo(f"{counted(in_all, 'duty task', 'is', rest_of_many='are')} waiting{more}")


def _about(task: Task) -> dict[str, Any]:
    named = ("task_id", "opened_at", "danger", "partner_id", "partner_reference", "referral_id", "force_id")
    return {**{name: getattr(task, name) for name in named}, "kind": task.kind.value, "words": task.words}


@app.command(
    epilog=exits("it is yours", "somebody else has it, or it cannot be done; the text says so", "there is no such task")
)
def take(
    state_dir: StateDir,
    task_id: Annotated[UUID, typer.Argument(metavar="TASK", help="The task's id, from the message or `conduit duty list`.")],
    *,
    actor: Annotated[str, typer.Option(help="Your name, so that others see who has the task.", envvar="CONDUIT_ACTOR")],
    as_json: AsJson = False,
) -> None:
    """Take a task so that nobody else is alerted, and see who to call. The audit keeps who did."""
    who = " ".join(actor.split())
    if not is_actor(who):
        raise typer.BadParameter("--actor is your name, of at most 100 characters")

    async def act(_: Settings, connection: Connection) -> Taken:
        async with connection.transaction():
            return await _take(connection, task_id, who)

    with_connection("notification", state_dir, lambda _, connection: _known(connection, task_id))
    with explained():
        kept_in = reach(state_dir).state_dir
        with audited(kept_in, By(who, WHY), "duty take", "duty", [("take", str(task_id))]):
            taken = with_connection("notification", state_dir, act, patience=ACTING_SECONDS)
    if as_json:
        typer.echo(json.dumps({"task_id": str(task_id), "applied": True, **asdict(taken)}, ensure_ascii=False))
        return
    for line in _lines(task_id, taken):
        typer.echo(line)


async def _known(connection: Connection, task_id: UUID) -> Task:
    task = await duty_store.by_id(connection, task_id)
    if task is None:
        raise UnknownError("there is no such task; `conduit duty list` shows the tasks that are waiting")
    return task


async def _take(connection: Connection, task_id: UUID, who: str) -> Taken:
    task = await _known(connection, task_id)
    if not await duty_store.take(connection, task_id, who, "command"):
        task = await _known(connection, task_id)  # whoever was quicker may have taken it since it was read
        if task.taken_by != who:
            raise OnboardingError(f"{task.taken_by} has already taken it")
    callback = await duty_store.callback_of(connection, task_id)
    found = await duty_store.contacts_of(connection, task)
    return Taken(
        task.wording.what,
        task.wording.do,
        callback.model_dump(mode="json", exclude_none=True) if callback else {},
        [str(room) for room in await duty_store.control_rooms_of(connection, task)],
        [{"audience": whose, "telephone": each.telephone, "email": each.email} for whose, each in found],
    )


def _lines(task_id: UUID, taken: Taken) -> Iterator[str]:
    yield f"{task_id} is yours. {taken.what}"
    yield taken.do
    yield from (f"  {name}: {value}" for name, value in taken.callback.items())
    yield from (f"  control room: {room}" for room in taken.control_rooms)
    for each in taken.contacts:
        yield f"  {each['audience']}: {each['telephone'] or ''} {each['email'] or ''}".rstrip()
