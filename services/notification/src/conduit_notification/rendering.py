"""A notice as it leaves: an e-mail or a webhook's payload. Pure, and the same bytes for the same notice each time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.charset import QP, Charset
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime
from functools import lru_cache
from textwrap import fill
from typing import Any

from conduit_notification import addresses, folding
from conduit_notification.duty import WORDING, Kind
from conduit_notification.hours import HubHours
from conduit_notification.notices import Claimed, is_sandbox
from conduit_notification.templates import IN_DANGER, NOT_GIVEN, SUBJECT, SUBJECTS, TEXTS, Template

_LINE = 76
_PARTNER_OPENS = (
    "To see the progress of your referral, look up your reference in the software that you use to send referrals. The "
    "people who run that software can find it by the referral ID above, in your updates or in the hub's HTTP API."
)
_FORCE_OPENS = (
    "The case is in your force's case system or connector, under the referral ID above. If you cannot find it, ask the "
    "people who run your force's connector: the case is on your force's topic."
)
_NOTHING_TO_DO = (
    "You do not need to do anything now. We will tell you when a decision has been made, or if we need more information."
)
_LOOK_AT = "Part of your referral may be wrong. Please check"
_SAID_THERE = "Your updates say what may be wrong and what to send."
_READ_AND_TAKEN_ON = "In each force, a person in the safeguarding team has read it and taken it on."
_BY_TELEPHONE = (
    "In each force, a person in the safeguarding team has taken it on, by telephone at {where}. There, the force's computer "
    "system has not acknowledged it yet."
)
_TRIED_SUBJECT = "SANDBOX, not a real case: "
_TRIED = """\
THIS IS THE SANDBOX. This message is not about a real case or a real child:
someone who runs your software is testing it. Below is the message that you
would get about a real referral.

"""
_CAME_LATER = {"due": NOT_GIVEN}
"""Parameters that a notice queued by the previous release does not have."""
# Python's newer policies parse each header that is set, which took four fifths of the time of a message. Here each header is
# made from what was checked before.
_POLICY = compat32.clone(linesep="\r\n")
_UTF_8 = Charset("utf-8")
_UTF_8.body_encoding = QP


class AddressInvalidError(ValueError):
    """The register holds an address that no e-mail can be sent to."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How a reader opens what a notice is about, and when a person at the hub reads what comes back."""

    danger_next_step: str
    hub_hours: HubHours
    hub_url: str | None = None
    """Where the hub's pages are; None while there are none, and then no text holds a link to them."""
    duty_url: str | None = None
    """Where duty tasks are taken; None where nobody can reach it from outside."""


def email(notice: Claimed, recipient: str, *, sender: str, ways: Ways) -> bytes:
    """The whole message, with CRLF line ends (RFC 5322).

    The Message-ID follows from the ids of the notices in it, so that a receiver can drop the second copy that a crash
    between sending and marking may cause. Auto-Submitted (RFC 3834) keeps auto-responders quiet.

    Raises:
        AddressInvalidError: the recipient is not one plain ASCII address.
    """
    message = Message(policy=_POLICY)
    message["From"] = f"Referral conduit <{sender}>"
    message["To"] = _checked(recipient)
    # In one line, whatever the reference holds: what follows a line end would be a header of its own.
    subject = SUBJECTS.get(Template(notice.template), SUBJECT)
    said = f"{_TRIED_SUBJECT if is_sandbox(notice.audience) else ''}{subject.substitute(reference=reference_of(notice))}"
    said = folding.subject(notice) if notice.folded else said
    message["Subject"] = " ".join(said.split())
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.message_id}@{domain_of(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["MIME-Version"] = "1.0"
    text = folding.body(notice) if notice.folded else body(notice, ways)
    message.set_payload(text, "us-ascii" if text.isascii() else _UTF_8)
    return message.as_bytes()


def body(notice: Claimed, ways: Ways) -> str:
    """The text of an e-mail."""
    given = {name: value or NOT_GIVEN for name, value in notice.params.items()}
    if "state" in given:
        given["state"] = str(given["state"]).replace("_", " ")
    text = TEXTS[Template(notice.template)].substitute(_CAME_LATER | given | _computed(notice, ways))
    return f"{_TRIED}{text}" if is_sandbox(notice.audience) else text


def _computed(notice: Claimed, ways: Ways) -> dict[str, str]:
    """What follows from the notice and from how the hub is set up."""
    reading = ways.hub_hours.sentence(notice.created_at, danger=Template(notice.template) in IN_DANGER)
    return {
        "referral_id": str(notice.referral_id),
        "open_partner": fill(_to_open(notice, ways, _PARTNER_OPENS), _LINE, break_long_words=False),
        "open_force": fill(_to_open(notice, ways, _FORCE_OPENS), _LINE, break_long_words=False),
        "next_step": fill(ways.danger_next_step, _LINE),
        "to_do": fill(_to_do(notice), _LINE, break_long_words=False, break_on_hyphens=False),
        "taken_on": fill(_taken_on(notice), _LINE),
        "reading": f"\n{fill(reading, _LINE)}" if reading else "",
        "control_room": notice.control_room or "the hub does not have its number",
        **_of_duty(notice, ways),
    }


def _to_do(notice: Claimed) -> str:
    """The fields to check in a referral that was received, if any. A notice queued by the previous release names none."""
    fields = notice.params.get("look_at")
    return f"{_LOOK_AT} {fields}. {_SAID_THERE}" if fields else _NOTHING_TO_DO


def _taken_on(notice: Claimed) -> str:
    """How forces took it on. A notice queued by the previous release says nothing of calls."""
    where = notice.params.get("by_telephone")
    return _BY_TELEPHONE.format(where=where) if where else _READ_AND_TAKEN_ON


def _to_open(notice: Claimed, ways: Ways, without: str) -> str:
    """How to open the case: a link where the hub has pages, otherwise `without`."""
    return without if ways.hub_url is None else f"See {ways.hub_url.rstrip('/')}/referrals/{notice.referral_id}"


def _of_duty(notice: Claimed, ways: Ways) -> dict[str, str]:
    if "kind" not in notice.params:
        return {}
    wording = WORDING[Kind(notice.params["kind"])]
    return {name: fill(text, _LINE) for name, text in (("what", wording.what), ("do", wording.do))} | {
        "take": _to_take(notice.params, ways)
    }


def _to_take(params: Mapping[str, Any], ways: Ways) -> str:
    """How to take a duty task. The link has a line of its own, so that no mail program breaks it."""
    command = f"    conduit duty take {params['task_id']}"
    if ways.duty_url is None:
        return f"Take the task so that nobody else is alerted:\n\n{command}"
    link = f"    {ways.duty_url.rstrip('/')}/duty/{params['token']}"
    return f"Take the task so that nobody else is alerted:\n\n{link}\n\nor\n\n{command}"


def payload(notice: Claimed) -> bytes:
    """The JSON of a webhook request, in the form of Standard Webhooks. `timestamp` is when the notice was made."""
    data: dict[str, Any] = {name: value for name, value in notice.params.items() if value}
    if notice.referral_id is not None:
        data = {"referral_id": str(notice.referral_id), **data}
    if is_sandbox(notice.audience):
        data["sandbox"] = True
    document = {
        "type": Template(notice.template).webhook_type,
        "timestamp": notice.created_at.isoformat(),
        "data": data,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def reference_of(notice: Claimed) -> str:
    """The one reference that a subject shows: the recipient's own where it has one."""
    return notice.params.get("partner_reference") or str(notice.referral_id or notice.notice_id)


def domain_of(address: str) -> str:
    """The part after the @."""
    return address.rpartition("@")[2]


@lru_cache(maxsize=4_096)
def _checked(recipient: str) -> str:
    try:
        return addresses.email(recipient)
    except addresses.AddressError:
        raise AddressInvalidError("not one plain address") from None
