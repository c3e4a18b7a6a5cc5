"""Opens the broker for the conduit: users, permissions, quotas and topics, for whoever is to take part from the start.

It may be done again at every start, and then only what is missing is made. A partner or force that has topics already keeps
the credentials it has: they may have been rotated since, or taken away.
"""

from __future__ import annotations

from collections.abc import Collection

from confluent_kafka.admin import AdminClient

from conduit_contracts.topics import FORCE, PARTNER, SERVICES, SIGNER, specs
from conduit_operate.access import KINDS, STAFF, expected_rules, identities, service_principal, user_of
from conduit_operate.broker import Broker
from conduit_operate.clients import with_clients, write_clients
from conduit_operate.grants import create_users, delete_users, grant, granted, revoke, users
from conduit_operate.quotas import set_standing_quotas
from conduit_operate.secured import ADMIN
from conduit_operate.topics import create_topics

HUB = (*STAFF, *map(service_principal, (*SERVICES, SIGNER)))
ENDED = frozenset({"officer"})
"""Users of an earlier release. Whoever still has their password is shut out."""
TIMEOUT = 30.0


def open_doors(broker: Broker, partner_ids: Collection[str], force_ids: Collection[str]) -> None:
    """Returns when all of them can come in and their topics can be written to."""
    admin = broker.admin()
    there = frozenset(admin.list_topics(timeout=TIMEOUT).topics)
    wanted = {PARTNER: set(partner_ids), FORCE: set(force_ids)}
    known = {kind: identities(kind, there) for kind in KINDS}
    newcomers = [user_of(kind, identity) for kind in KINDS for identity in sorted(wanted[kind] - known[kind])]
    topics = specs(*(tuple(sorted(wanted[kind] | known[kind])) for kind in KINDS))
    if broker.secured:
        # The hub's own are given theirs each time: what password a user has, a broker does not tell.
        made = {user: broker.password(user) for user in (*HUB, *newcomers)}
        create_users(admin, made)
        # The broker may not name users yet that it has just taken; without them, nobody would give them access later.
        expected = expected_rules([topic.name for topic in topics], users(admin) | made.keys())
        grant(admin, expected - granted(admin))
        _shut_out_ended(admin)
        set_standing_quotas(broker)
    write_clients(broker, [*STAFF, *newcomers, *with_clients(broker)])
    # Topics come last: who has topics has had all the rest.
    create_topics(broker.bootstrap_servers, topics, client=broker.librdkafka(ADMIN))


def _shut_out_ended(admin: AdminClient) -> None:
    ended = users(admin) & ENDED
    if ended:
        # Permissions first: connections that are open are refused at their next request.
        revoke(admin, [rule for rule in granted(admin) if rule.principal in ended])
        delete_users(admin, ended)
