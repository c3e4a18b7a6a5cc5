"""The pages under `/duty`: a duty officer sees a task, and takes it.

Looking changes nothing, since mail scanners fetch links; taking is a POST with a name. Only the person
who has just taken the task sees who to call back. The link's token is all that opens it, so no page may leak it.
Times are the hub's.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from html import escape
from string import Template as Text
from urllib.parse import parse_qs, quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import request_response
from starlette.types import ASGIApp

from conduit_chassis.http import bodies
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime
from conduit_contracts.intake import Callback
from conduit_contracts.programme import Contact
from conduit_contracts.texts import shows_something
from conduit_notification import duty_store
from conduit_notification.duty import Task
from conduit_notification.duty_store import ControlRoom
from conduit_notification.policy import NotificationPolicy

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,64}")
LONGEST_FORM, LONGEST_NAME, SHORTEST_NUMBER = 2_000, 100, 3
FORM_SECONDS = 10.0
"""Within this time a form must have arrived. No connection to the database waits for it."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PAGE = Text("""\
<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - Referral conduit</title>
<style>
body { font: 1.125rem/1.5 system-ui, sans-serif; color: #0b0c0c; background: #fff; margin: 0 auto; max-width: 42rem;
  padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
.danger { background: #b10e1e; color: #fff; padding: .75rem 1rem; font-weight: bold; }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
dl { margin: 0 0 1.25rem; } dt { font-weight: bold; } dd { margin: 0 0 .75rem; overflow-wrap: anywhere; }
label { display: block; font-weight: bold; margin-bottom: .25rem; }
input { font: inherit; width: 100%; max-width: 24rem; padding: .5rem; border: 2px solid #0b0c0c; box-sizing: border-box; }
button { font: inherit; font-weight: bold; color: #fff; background: #00703c; border: 0; padding: .75rem 1.25rem;
  margin-top: 1rem; }
:focus-visible { outline: 3px solid #ffdd00; outline-offset: 0; box-shadow: 0 0 0 5px #0b0c0c; }
.error { border-left: 5px solid #b10e1e; padding-left: 1rem; color: #b10e1e; font-weight: bold; }
</style>
</head>
<body>
<main>
$content
</main>
</body>
</html>
""")


def create_pages(runtime: Runtime, policy: NotificationPolicy) -> ASGIApp:
    """The pages of a running service."""
    return request_response(_Pages(runtime, policy).answer)


class _Pages:
    def __init__(self, runtime: Runtime, policy: NotificationPolicy) -> None:
        self._runtime, self._policy = runtime, policy

    async def answer(self, request: Request) -> Response:
        """The page at a link."""
        token = request.url.path.removeprefix("/duty/")
        if request.method not in {"GET", "HEAD", "POST"}:
            return _page("You cannot do that here", "<h1>You cannot do that here</h1>", 405, {"Allow": "GET, HEAD, POST"})
        if not _TOKEN.fullmatch(token):
            return _page("Task not found", _NO_TASK, 404)
        name = await _name(request) if request.method == "POST" else None
        async with self._runtime.transaction() as (connection, _):
            task = await duty_store.by_token(connection, token)
            if task is None:
                return _page("Task not found", _NO_TASK, 404)
            if request.method != "POST":
                return self._show(task)
            if name is None:
                return self._show(task, "Enter your name, so that others know who has the task.", 422)
            return await self._take(connection, task, name)

    async def _take(self, connection: Connection, task: Task, name: str) -> Response:
        taken = await duty_store.take(connection, task.task_id, name, self._policy.version)
        now = await duty_store.by_id(connection, task.task_id)
        if now is None:
            return _page("Task not found", _NO_TASK, 404)
        if not taken and now.taken_by != name:
            return self._show(now)
        if not taken:
            await duty_store.looked_again(connection, task.task_id, name, self._policy.version)
        callback = await duty_store.callback_of(connection, task.task_id)
        rooms = await duty_store.control_rooms_of(connection, task)
        return self._yours(now, callback, rooms, await duty_store.contacts_of(connection, task))

    def _show(self, task: Task, error: str = "", status: int = 200) -> Response:
        if task.taken_at is not None:
            return self._taken(task, status)
        form = _form("Your name", "Take this task", error)
        after = "<p>When you take the task, you see who to call, and nobody else is alerted.</p>"
        content = f"{_what(task)}<p>{escape(task.wording.do)}</p>{form}{after}{self._facts(task)}"
        return _page(f"{'Error: ' if error else ''}Duty task", content, status)

    def _taken(self, task: Task, status: int) -> Response:
        form = _form("If you took this task, enter your name as you gave it", "Show again who to call")
        content = (
            f"<h1>Taken by {_taker(task)}</h1><p>{self._local(task.taken_at)}. Nobody else is alerted, and others do not "
            f"need to do anything.</p>"
            f"{form}{self._facts(task, task.wording.what)}"
        )
        return _page("Taken", content, status)

    def _yours(
        self, task: Task, callback: Callback | None, rooms: list[ControlRoom], contacts: list[tuple[str, Contact]]
    ) -> Response:
        whom = _callback(callback) if callback else f"<p>{self._nobody()}</p>"
        register = _list({"Control rooms": "<br>".join(map(_room, rooms))}) + "".join(_contact(*each) for each in contacts)
        known = f"<h2>Contacts in the register</h2>{register}" if register else ""
        content = (
            f"{_what(task)}<p><strong>The task is yours.</strong> Taken by {_taker(task)}, {self._local(task.taken_at)}.</p>"
            f"<p>{escape(task.wording.do)}</p>"
            f"<h2>Who to call</h2>{whom}{known}{self._facts(task)}"
        )
        return _page("The task is yours", content, 200)

    def _nobody(self) -> str:
        days = self._policy.callback_days
        return (
            f"No contact could be read from what was sent, or the contact was deleted after {days} days. Call the partner."
        )

    def _facts(self, task: Task, what: str | None = None) -> str:
        shown = {
            "What happened": what,
            "Partner": task.partner_id,
            "Partner reference": task.partner_reference,
            "Referral": task.referral_id,
            "Force": task.force_id,
            "Reasons": ", ".join(task.codes),
            "Reported": f"{task.said} times" if task.said > 1 else "once",
            "Open since": self._local(task.opened_at),
            "Everyone had been alerted and nobody had taken it by": task.unanswered_at and self._local(task.unanswered_at),
        }
        return f"<h2>About</h2>{_list({name: _text(value) for name, value in shown.items()})}"

    def _local(self, moment: datetime) -> str:
        return f"{moment.astimezone(ZoneInfo(self._policy.hub_hours.zone)):%-d %B %Y, %H:%M:%S %Z}"


_NO_TASK = (
    "<h1>Task not found</h1><p>The link is incomplete or wrong. Copy the whole line from the message, or take the task with "
    "the command below the link.</p>"
)


async def _name(request: Request) -> str | None:
    """Who takes it, from the form; None where it says nothing, is too long or does not come."""
    try:
        body = await bodies.read(request, LONGEST_FORM, FORM_SECONDS)
    except (bodies.BodyTooLargeError, bodies.BodyTooSlowError):
        return None
    given = parse_qs(body.decode("utf-8", "replace")).get("name", [""])[0]
    name = " ".join(given.split())
    # With a colon stands who is known by the register, which this page does not ask.
    usable = name.isprintable() and len(name) <= LONGEST_NAME and shows_something(name) and ":" not in name
    return name if usable else None


def _taker(task: Task) -> str:
    """A person's name, or who did what the task asked for."""
    return escape((task.taken_by or "").replace(":", " "))


def _form(label: str, button: str, error: str = "") -> str:
    said = f'<p class="error" id="error" role="alert">{escape(error)}</p>' if error else ""
    described = ' aria-invalid="true" aria-describedby="error" autofocus' if error else ""
    return (
        f'<form method="post">{said}<label for="name">{label}</label>'
        f'<input id="name" name="name" autocomplete="name" maxlength="{LONGEST_NAME}" required{described}>'
        f"<button>{button}</button></form>"
    )


def _what(task: Task) -> str:
    """What happened: its first sentence as the heading."""
    danger = '<p class="danger">A child is in danger now</p>' if task.danger else ""
    first, _, rest = task.wording.what.partition(". ")
    more = f"<p>{escape(rest)}</p>" if rest else ""
    return f"{danger}<h1>{escape(first.removesuffix('.'))}</h1>{more}"


def _callback(callback: Callback) -> str:
    return _list(
        {
            "Name": _text(callback.name),
            "Role": _text(callback.role),
            "Telephone": _telephone(callback.telephone),
            "E-mail": _email(callback.email),
            "When and how": _text(callback.safe_contact),
        }
    )


def _contact(audience: str, contact: Contact) -> str:
    who = _text(audience.replace(":", " "))
    return _list({"Who": who, "Telephone": _telephone(contact.telephone), "E-mail": _email(contact.email)})


def _text(value: object) -> str:
    return escape(str(value)) if value else ""


def _telephone(text: str | None) -> str:
    """A link that a telephone dials, of whatever was written as a number."""
    digits = re.sub(r"(?!^\+)[^0-9]", "", (text or "").strip())
    return f'<a href="tel:{digits}">{_text(text)}</a>' if len(digits) >= SHORTEST_NUMBER else _text(text)


def _room(room: ControlRoom) -> str:
    """A force and its number."""
    return f"{_text(room.force_id)} {_telephone(room.telephone)}"


def _email(text: str | None) -> str:
    return f'<a href="mailto:{quote(text)}">{_text(text)}</a>' if text else ""


def _list(shown: Mapping[str, str]) -> str:
    """Names and HTML; those without a value are left out."""
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in shown.items() if value)
    return f"<dl>{rows}</dl>" if rows else ""


def _page(title: str, content: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return HTMLResponse(_PAGE.substitute(title=escape(title), content=content), status, {**_HEADERS, **(headers or {})})
