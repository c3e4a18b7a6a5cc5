"""`conduit duty`: tasks that a person at the hub must take. Only the person who has taken a task sees who to call.

Exit codes: 0 done or shown, 1 it cannot be done (the text says what to do), 2 misuse, 3 there is no
such task.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_notification import duty_store
from conduit_notification.duty import Task
from conduit_operate.audit import By, audited, is_actor
from conduit_operate.commands.service_database import ACTING_SECONDS, with_connection
from conduit_operate.commands.shared import StateDir, explained, reach
from conduit_operate.onboarding import OnboardingError, UnknownError
from conduit_operate.wording import counted

MOST_SHOWN = 500
"""However many tasks there are, a person takes one after the other."""

WHY = "takes the task and sees who to call"
"""The reason in the audit: nobody has to give one in a hurry."""

app = typer.Typer(no_args_is_help=True, help="Show duty tasks and take them.")


@app.command("list")
def show(state_dir: StateDir) -> None:
    """Show the tasks that nobody has taken, danger first. The exit code is 0 even if there are none."""

    async def look(_: Settings, connection: Connection) -> tuple[list[Task], int]:
        in_all, _unanswered, _oldest = await duty_store.measure(connection)
        return await duty_store.waiting(connection, MOST_SHOWN), in_all

    tasks, in_all = with_connection("notification", state_dir, look)
    for task in tasks:
        urgent = "DANGER " if task.danger else ""
        about = " ".join(filter(None, (task.partner_id, task.partner_reference, str(task.referral_id or ""), task.force_id)))
        typer.echo(f"{task.task_id}  {task.opened_at:%Y-%m-%dT%H:%M:%SZ}  {urgent}{task.words}  {about}")
    more = f"; the first {len(tasks)} are shown" if in_all > len(tasks) else ""
    typer.echo(f"{counted(in_all, 'duty task', 'is', rest_of_many='are')} waiting{more}")


@app.command()
def take(
    state_dir: StateDir,
    task_id: Annotated[UUID, typer.Argument(metavar="TASK", help="The task's id, from the message or `conduit duty list`.")],
    *,
    actor: Annotated[str, typer.Option(help="Your name, so that others see who has the task.", envvar="CONDUIT_ACTOR")],
) -> None:
    """Take a task so that nobody else is alerted, and see who to call. The audit keeps who did."""
    who = " ".join(actor.split())
    if not is_actor(who):
        raise typer.BadParameter("--actor is your name, of at most 100 characters")

    async def act(_: Settings, connection: Connection) -> list[str]:
        async with connection.transaction():
            return await _take(connection, task_id, who)

    with_connection("notification", state_dir, lambda _, connection: _known(connection, task_id))
    with explained():
        kept_in = reach(state_dir).state_dir
        with audited(kept_in, By(who, WHY), "duty take", "duty", [("take", str(task_id))]):
            lines = with_connection("notification", state_dir, act, patience=ACTING_SECONDS)
    for line in lines:
        typer.echo(line)


async def _known(connection: Connection, task_id: UUID) -> Task:
    task = await duty_store.by_id(connection, task_id)
    if task is None:
        raise UnknownError("there is no such task; `conduit duty list` shows the tasks that are waiting")
    return task


async def _take(connection: Connection, task_id: UUID, who: str) -> list[str]:
    task = await _known(connection, task_id)
    if not await duty_store.take(connection, task_id, who, "command") and task.taken_by != who:
        raise OnboardingError(f"{task.taken_by} has already taken it")
    callback = await duty_store.callback_of(connection, task_id)
    said = callback.model_dump(exclude_none=True) if callback else {}
    rooms = await duty_store.control_rooms_of(connection, task)
    register = [
        f"  {audience}: {contact.telephone or ''} {contact.email or ''}".rstrip()
        for audience, contact in await duty_store.contacts_of(connection, task)
    ]
    return [
        f"{task_id} is yours. {task.wording.what}",
        task.wording.do,
        *(f"  {name}: {value}" for name, value in said.items()),
        *(f"  control room: {room}" for room in rooms),
        *register,
    ]
