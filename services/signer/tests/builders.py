"""What the console asks, and who is in the register."""

from datetime import UTC, datetime, timedelta
from typing import Any

from conduit_chassis.people import RegisterBehindError
from conduit_contracts.envelope import Command, dump
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import HubPersonRegistered, HubRole, PersonRegistered
from conduit_contracts.referral import Ground
from conduit_contracts.topics import REGISTRY
from conduit_contracts.triage import DecideReview, DeclineReason, ReviewOutcome

TOKEN = "synthetic-console-token"
ISSUER = "https://login.hub.example"
SUBJECT = "8f2c"


def person(**changes: Any) -> HubPersonRegistered:
    given: dict[str, Any] = {
        "person_id": "p-0k3v9x2m7qpw4r8t",
        "issuer": ISSUER,
        "subject": SUBJECT,
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        "roles": (HubRole.OFFICER,),
        "officer_id": "a.okafor",
    }
    return HubPersonRegistered(**given | changes)


class Register:
    """One person, or nobody, or nobody knows."""

    def __init__(self) -> None:
        self.person: PersonRegistered | None = person()
        self.behind = False

    def find(self, issuer: str, subject: str) -> PersonRegistered | None:
        if self.behind:
            raise RegisterBehindError
        known = self.person
        return known if known is not None and (known.issuer, known.subject) == (issuer, subject) else None


def accepting(**changes: Any) -> DecideReview:
    given: dict[str, Any] = {
        "referral_id": uuid7(),
        "officer_id": "a.okafor",
        "outcome": ReviewOutcome.ACCEPT,
        "grounds": (Ground.NUMBER_OF_VICTIMS,),
        "comment": "canary-comment",
        "seen_version": 3,
    }
    return DecideReview(**given | changes)


def declining() -> DecideReview:
    return accepting(outcome=ReviewOutcome.DECLINE, grounds=(), decline_reason=DeclineReason.NOT_COMPLEX)


def asked(command: Command, now: datetime, *, ago: timedelta = timedelta(minutes=2), **changes: Any) -> dict[str, Any]:
    topic = next(each for each in REGISTRY if each.signed and type(command) in each.messages)
    return {
        "topic": topic.name(),
        "ce_id": str(uuid7()),
        "ce_type": command.type,
        "ce_source": "/console",
        "value": dump(command).decode(),
        "iss": ISSUER,
        "sub": SUBJECT,
        "acr": "mfa",
        "auth_time": int((now - ago).timestamp()),
    } | changes
