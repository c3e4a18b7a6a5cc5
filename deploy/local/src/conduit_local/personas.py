"""Made-up people of the hub for the console on one machine: who names one at the local identity provider is that person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from conduit_contracts.programme import HubPersonRegistered, HubRole
from conduit_operate.broker import Broker
from conduit_operate.people import publish_people

ACTOR = "conduit-up"
REALM = "hub"
CLIENT = "console"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody to sign in as."""

    name: str
    """What is typed at the provider."""
    shown_as: str
    roles: tuple[HubRole, ...]


PERSONAS = (
    Persona("officer", "Triage officer, days", (HubRole.OFFICER,)),
    Persona("night-officer", "Triage officer, nights", (HubRole.OFFICER,)),
    Persona("supervisor", "Supervisor", (HubRole.SUPERVISOR,)),
    Persona("auditor", "Auditor", (HubRole.AUDITOR,)),
    Persona("lead", "Programme lead", (HubRole.LEAD,)),
)


def registered(persona: Persona, issuer: str) -> HubPersonRegistered:
    """The persona in the register, the same at each start, wherever the provider listens then."""
    digest = sha256(f"persona {persona.name}".encode()).digest()
    return HubPersonRegistered(
        person_id="p-" + "".join(_DIGITS[byte % 32] for byte in digest[:16]),
        issuer=issuer,
        subject=persona.name,
        shown_as=persona.shown_as,
        valid_from=SINCE,
        roles=persona.roles,
    )


def register_personas(broker: Broker, issuer: str) -> None:
    """Put them into the register, in place of their earlier records."""
    publish_people(broker, [registered(each, issuer) for each in PERSONAS], actor=ACTOR)
