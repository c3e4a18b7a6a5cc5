"""Made-up people for the desks on one machine: who names one at the local identity provider is that person.

The hub, a partner and a force have a provider each, as everywhere: an issuer vouches for the people of one organisation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from conduit_chassis.people import account_of
from conduit_contracts.programme import (
    ForcePersonRegistered,
    ForceRole,
    HubPersonRegistered,
    HubRole,
    PartnerPersonRegistered,
    PartnerRole,
    PersonRegistered,
)
from conduit_local.demo.seeding import seed_people
from conduit_operate.broker import Broker

ACTOR = "conduit-up"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class LocalProvider:
    """Who vouches for an organisation's people here."""

    name: str
    """Part of its issuer, and what the organisation is called in the register."""
    label: str


HUB = LocalProvider("hub", "The hub")
PARTNER = LocalProvider("northlight", "Northlight, a partner")
FORCE = LocalProvider("west-midlands", "West Midlands Police, a force")
PROVIDERS = (HUB, PARTNER, FORCE)


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody to sign in as."""

    name: str
    """What is typed at the provider."""
    shown_as: str
    roles: tuple[HubRole, ...] | tuple[PartnerRole, ...] | tuple[ForceRole, ...]
    provider: LocalProvider = HUB


PERSONAS = (
    Persona("officer", "Triage officer, days", (HubRole.OFFICER,)),
    Persona("night-officer", "Triage officer, nights", (HubRole.OFFICER,)),
    Persona("supervisor", "Supervisor", (HubRole.SUPERVISOR,)),
    Persona("auditor", "Auditor", (HubRole.AUDITOR,)),
    Persona("lead", "Programme lead", (HubRole.LEAD,)),
    Persona("engagement-officer", "Engagement officer", (HubRole.ENGAGEMENT_OFFICER,)),
    Persona("finance", "Finance", (HubRole.FINANCE,)),
    Persona("partner-manager", "Manager at Northlight", (PartnerRole.MANAGER,), PARTNER),
    Persona("force-contact", "Single point of contact", (ForceRole.SINGLE_POINT_OF_CONTACT,), FORCE),
)


def registered(persona: Persona, issuer: str) -> PersonRegistered:
    """The persona in the register, the same at each start, wherever the provider listens then."""
    digest = sha256(f"persona {persona.name}".encode()).digest()
    about: dict[str, Any] = {
        "person_id": "p-" + "".join(_DIGITS[byte % 32] for byte in digest[:16]),
        "issuer": issuer,
        "subject": persona.name,
        "shown_as": persona.shown_as,
        "valid_from": SINCE,
        "roles": persona.roles,
    }
    if persona.provider is PARTNER:
        return PartnerPersonRegistered(**about, partner_id=PARTNER.name)
    if persona.provider is FORCE:
        return ForcePersonRegistered(**about, force_id=FORCE.name)
    return HubPersonRegistered(**about)


def register_personas(broker: Broker, issuer_of: Callable[[str], str]) -> None:
    """Put them into the registers, in place of their earlier records."""
    seed_people(broker, [registered(each, issuer_of(each.provider.name)) for each in PERSONAS], actor=ACTOR)


def account(name: str) -> str:
    """Under what a persona's acts are kept."""
    persona = next(each for each in PERSONAS if each.name == name)
    return account_of(registered(persona, "http://127.0.0.1/hub"))
