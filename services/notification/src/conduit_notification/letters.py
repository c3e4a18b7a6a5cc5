"""A notice as it leaves: an e-mail or a webhook's payload. Pure, and the same bytes for the same notice each time."""

import json
from email.charset import QP, Charset
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime
from functools import lru_cache
from textwrap import fill
from typing import Any

from conduit_notification.notices import Claimed
from conduit_notification.templates import NOT_GIVEN, SUBJECT, TEXTS, Template

_LINE = 76
# Python's newer policies parse each header that is set, which took four fifths of the time of a message. Here each header is
# made from what was checked before.
_POLICY = compat32.clone(linesep="\r\n")
_UTF_8 = Charset("utf-8")
_UTF_8.body_encoding = QP


class AddressInvalidError(ValueError):
    """The register holds an address that no e-mail can be sent to."""


def email(notice: Claimed, recipient: str, *, sender: str, hub_url: str, danger_next_step: str) -> bytes:
    """The whole message, with CRLF line ends (RFC 5322).

    The Message-ID follows from the notice's id, so that a receiver can drop the second copy that a crash between
    sending and marking may cause. Auto-Submitted (RFC 3834) keeps auto-responders quiet.

    Raises:
        AddressInvalidError: the recipient is not one plain ASCII address.
    """
    message = Message(policy=_POLICY)
    message["From"] = f"Referral conduit <{sender}>"
    message["To"] = _checked(recipient)
    # In one line, whatever the reference holds: what follows a line end would be a header of its own.
    message["Subject"] = " ".join(SUBJECT.substitute(reference=reference_of(notice)).split())
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.notice_id}@{domain_of(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["MIME-Version"] = "1.0"
    text = body(notice, hub_url=hub_url, danger_next_step=danger_next_step)
    message.set_payload(text, "us-ascii" if text.isascii() else _UTF_8)
    return message.as_bytes()


def body(notice: Claimed, *, hub_url: str, danger_next_step: str) -> str:
    """The text of an e-mail."""
    computed = {
        "referral_id": str(notice.referral_id),
        "link": f"{hub_url.rstrip('/')}/referrals/{notice.referral_id}",
        "next_step": fill(danger_next_step, _LINE),
    }
    given = {name: value or NOT_GIVEN for name, value in notice.params.items()}
    return TEXTS[Template(notice.template)].substitute(given | computed)


def payload(notice: Claimed) -> bytes:
    """The JSON of a webhook request, as Standard Webhooks lays it out. `timestamp` is when the notice was made."""
    data: dict[str, Any] = {name: value for name, value in notice.params.items() if value}
    if notice.referral_id is not None:
        data = {"referral_id": str(notice.referral_id), **data}
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
    """What stands behind the @."""
    return address.rpartition("@")[2]


@lru_cache(maxsize=4_096)
def _checked(recipient: str) -> str:
    try:
        Address(addr_spec=recipient)
    except (ValueError, LookupError, HeaderParseError):
        raise AddressInvalidError("not one plain address") from None
    if not recipient.isascii():
        raise AddressInvalidError("not one plain address")
    return recipient
