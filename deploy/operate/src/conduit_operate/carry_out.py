"""Looks at what stands for a partner or force, and carries plans out."""

from __future__ import annotations

import base64
import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conduit_contracts.programme import Contact, ForceRegistered, PartnerRegistered
from conduit_contracts.registering import RegisterSubject
from conduit_operate.audit import By, audited
from conduit_operate.broker import Broker
from conduit_operate.clients import remove_clients, write_clients
from conduit_operate.grants import create_users, delete_users, grant, granted, revoke, users
from conduit_operate.http_clients import AwayError, HttpClients, Secrets
from conduit_operate.onboarding import OnboardingError
from conduit_operate.orders import PlacedOrders, orders_for, place, read_with_orders, unanswered
from conduit_operate.paths import webhook_secrets, write_private
from conduit_operate.plans import Plan, Standing
from conduit_operate.quotas import read_quotas, set_quotas
from conduit_operate.secured import ADMIN
from conduit_operate.topics import create_topics

TIMEOUT = 30.0
DECLARED = ("user", "permission", "quota", "topic")
"""What an operator owns where everything on the broker is declared."""


@contextmanager
def alone(state_dir: Path) -> Iterator[None]:
    """One change at a time from this state directory: between a look and what follows from it nothing else happens."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "onboarding.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def look(broker: Broker, kind: str, identity: str, http: HttpClients | None = None) -> Standing:
    """What the broker, the register and intake hold now. Of the register, with what was ordered and waits."""
    admin = broker.admin()
    registers, ordered = read_with_orders(broker)
    subject = RegisterSubject(kind, identity)
    http_away = False
    live: Secrets = {}
    try:
        live = http.live(kind, identity) if http else {}
    except AwayError:  # whoever has to go must not stay for it
        http_away = True
    standing = Standing(
        kind,
        identity,
        topics=frozenset(admin.list_topics(timeout=TIMEOUT).topics),
        entry=ordered.after(subject, registers.of(kind, identity)),
        numbered=ordered.newest(subject),
        unreadable=any((each.kind, each.key) == (kind, identity) for each in registers.unreadable),
        http=live,
        http_away=http_away,
        secured=broker.secured,
    )
    if not broker.secured:
        return standing
    return replace(standing, users=users(admin), rules=frozenset(granted(admin)), quotas=read_quotas(broker))


def carry_out(plan: Plan, broker: Broker, by: By, command: str, http: HttpClients | None = None) -> bool:
    """Do what is planned, and note it in the audit. Cut short, it is planned and carried out again.

    Whoever comes in has its topics. Whoever has to go is suspended first, and then cut off without waiting for anything.
    Returns whether the register is as planned; otherwise it is ordered, and the programme's service has not answered.
    """
    if not plan.steps:
        return True
    if broker.declared and (hand_made := [step for step in plan.steps if step.what in DECLARED]):
        raise OnboardingError(
            f"{plan.subject}: users, permissions, quotas and topics are declared on this cluster, and what is made by hand "
            f"is removed again ({hand_made[0].what} {hand_made[0].name}, {len(hand_made)} in all); name {plan.subject} in "
            "the environment.toml, run make kubernetes, apply it, and come again"
        )
    if plan.http_made and http is None:
        raise OnboardingError("set INTAKE_POSTGRES_DSN: intake keeps the HTTP API's clients in its database")
    admin = broker.admin()
    with audited(broker.state_dir, by, command, plan.subject, plan.steps):
        # Files before users come, and away before users go: cut short, the next plan still has the user in it.
        write_clients(broker, plan.users)
        create_users(admin, {user: broker.password(user) for user in plan.users})
        grant(admin, plan.grants)
        set_quotas(broker, {user: limits for user, limits in plan.quotas.items() if limits is not None})
        create_topics(broker.bootstrap_servers, plan.topics, client=broker.librdkafka(ADMIN))
        placed = _order(plan, broker, by)
        revoke(admin, plan.revokes)
        set_quotas(broker, {user: None for user, limits in plan.quotas.items() if limits is None})
        remove_clients(broker.state_dir, plan.removed_users)
        delete_users(admin, plan.removed_users)
        # After all that, since it needs a database: its absence must keep nobody connected to Kafka.
        if http is not None:
            _change_secrets(plan, http)
        return not unanswered(broker, placed).ids


def _order(plan: Plan, broker: Broker, by: By) -> PlacedOrders:
    """Have the register's entry ordered, where it is to change."""
    if plan.entry is None:
        return PlacedOrders()
    for contact in contacts_of(plan.entry):
        keep_webhook_secret(broker.state_dir, contact)
    return place(broker, orders_for(plan.entry, plan.stood, by))


def _change_secrets(plan: Plan, http: HttpClients) -> None:
    for client_id in plan.http_made:
        http.make(client_id)
    for client_id, secret_id in plan.http_ended:
        http.end(client_id, secret_id)


def contacts_of(entry: PartnerRegistered | ForceRegistered) -> tuple[Contact, ...]:
    """Where notices go: an entry's own contact, and that of a partner's sandbox."""
    tried = entry.sandbox_contact if isinstance(entry, PartnerRegistered) else None
    return (entry.contact,) if tried is None else (entry.contact, tried)


def keep_webhook_secret(state_dir: Path, contact: Contact) -> Path | None:
    """Make the secret that signs this contact's webhooks, where it takes any and has none; tell where it is."""
    if contact.webhook_secret is None:
        return None
    path = webhook_secrets(state_dir) / contact.webhook_secret
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}")
    return path
