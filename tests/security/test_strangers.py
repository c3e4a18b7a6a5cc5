"""Nobody reaches what is another's: every pair of partners and forces, of services and of staff, on a real broker."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from confluent_kafka import Consumer

from conduit_contracts import topics
from conduit_contracts.topics import FORCE, PARTNER, SERVICES, SIGNER, Topic
from conduit_operate.access import STAFF, Operation, Resource, Rule, expected_rules, service_principal, user_of
from conduit_operate.broker import Broker
from conduit_operate.grants import foreign, granted, users
from conduit_operate.quotas import EVERYBODY, PARTNERS, read_quotas
from conduit_operate.secured import ADMIN
from tests.security import wire
from tests.security.conftest import FORCES
from tests.security.conftest import PARTNERS as PARTNER_IDS
from tests.security.wire import Wire

OUTSIDERS = [*(user_of(PARTNER, each) for each in PARTNER_IDS), *(user_of(FORCE, each) for each in FORCES)]
OWN = {
    user_of(PARTNER, each): {"writes": topics.PARTNER_REFERRALS.name(each), "reads": topics.PARTNER_UPDATES.name(each)}
    for each in PARTNER_IDS
} | {
    user_of(FORCE, each): {"writes": topics.FORCE_RESPONSES.name(each), "reads": topics.FORCE_CASES.name(each)}
    for each in FORCES
}
EVERY_TOPIC = [spec.name for spec in topics.specs(PARTNER_IDS, FORCES)]
INTERNAL = ["__consumer_offsets", "__transaction_state"]
EVERY_GROUP = [*(f"{user}.connector" for user in (*OUTSIDERS, *STAFF)), *(f"conduit.{service}" for service in SERVICES)]


def names_of(wanted: Iterable[Topic]) -> set[str]:
    ids: dict[str | None, tuple[str | None, ...]] = {"partner_id": PARTNER_IDS, "force_id": FORCES, None: (None,)}
    return {topic.name(each) for topic in wanted for each in ids[topic.parameter]}


def not_of(user: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith(f"{user}.")]


def shared_with(user: str) -> set[str]:
    """What is one for all, and read by this one too."""
    kind = user.partition(".")[0]
    return {topic.name() for topic in topics.REGISTRY if topic.parameter is None and kind in topic.readers}


@pytest.mark.parametrize("user", OUTSIDERS)
async def test_a_partner_or_force_is_refused_every_topic_that_is_not_its_own(broker: Broker, user: str) -> None:
    shared = shared_with(user)
    others = [*(each for each in not_of(user, EVERY_TOPIC) if each not in shared), *INTERNAL]
    assert len(others) >= 2 * (len(OUTSIDERS) - 1)
    refused = dict.fromkeys(others, wire.TOPIC_REFUSED)
    async with Wire(broker, user) as intruder:
        assert await intruder.read(others) == refused
        assert await intruder.write(others) == refused
        assert await intruder.describe(others) == refused
        assert await intruder.find_ends(others) == refused
        assert await intruder.read_settings(others) == refused
        assert await intruder.delete(others) == refused


@pytest.mark.parametrize("user", OUTSIDERS)
async def test_a_partner_or_force_is_refused_every_group_that_is_not_its_own(broker: Broker, user: str) -> None:
    groups = not_of(user, EVERY_GROUP)
    refused = dict.fromkeys(groups, wire.GROUP_REFUSED)
    async with Wire(broker, user) as intruder:
        assert await intruder.join(groups) == refused
        assert await intruder.find_coordinator(groups) == refused
        assert await intruder.describe_groups(groups) == refused
        assert await intruder.read_offsets(groups) == refused
        assert await intruder.commit(groups, OWN[user]["reads"]) == refused
        assert await intruder.delete_groups(groups) == refused


@pytest.mark.parametrize("user", OUTSIDERS)
async def test_a_partner_or_force_has_its_own_and_sees_nothing_else(broker: Broker, user: str) -> None:
    own, group, shared = OWN[user], f"{user}.connector", shared_with(user)
    async with Wire(broker, user) as wired:
        assert await wired.see() == {own["writes"], own["reads"]} | shared
        assert await wired.read(sorted(shared)) == dict.fromkeys(shared, wire.GRANTED)
        assert await wired.write(sorted(shared)) == dict.fromkeys(shared, wire.TOPIC_REFUSED)
        assert await wired.write([own["writes"]]) == {own["writes"]: wire.GRANTED}
        assert await wired.read([own["reads"]]) == {own["reads"]: wire.GRANTED}
        assert await wired.read([own["writes"]]) == {own["writes"]: wire.TOPIC_REFUSED}
        assert await wired.write([own["reads"]]) == {own["reads"]: wire.TOPIC_REFUSED}
        assert wire.GROUP_REFUSED not in (await wired.find_coordinator([group])).values()
        assert wire.GROUP_REFUSED not in (await wired.join([group])).values()
        assert await wired.list_groups() <= {group}


@pytest.mark.parametrize("user", [OUTSIDERS[0], OUTSIDERS[-1], "service.console", "programme", "operator", "service.intake"])
async def test_nobody_but_the_administrator_changes_the_broker(broker: Broker, user: str) -> None:
    names = [f"partner.{user.replace('.', '-')}.referrals.v1", f"{user}.mine"]
    async with Wire(broker, user) as intruder:
        assert set((await intruder.create(names)).values()) <= {wire.CLUSTER_REFUSED, wire.TOPIC_REFUSED}
        assert await intruder.read_permissions() == wire.CLUSTER_REFUSED
        assert await intruder.begin_transactions("mine") == wire.TRANSACTION_REFUSED


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_what_it_consumes_and_writes_what_it_produces(broker: Broker, service: str) -> None:
    followed = [topic for topic in topics.REGISTRY if service in topic.followers]
    reads = names_of([*topics.consumed_by(service), *followed, *topics.read_apart(service)])
    apart = [topic for topic in topics.standing_apart() if service in topic.producers]
    writes = names_of([*topics.produced_by(service), *apart])
    async with Wire(broker, service_principal(service)) as wired:
        found = await wired.read([*EVERY_TOPIC, *INTERNAL])
        assert {name for name, code in found.items() if code == wire.GRANTED} == reads
        assert {code for name, code in found.items() if name not in reads} == {wire.TOPIC_REFUSED}
        others = [name for name in (*EVERY_TOPIC, *INTERNAL) if name not in writes]
        assert set((await wired.write(others)).values()) == {wire.TOPIC_REFUSED}
        assert await wired.see() == reads | writes
        groups = [group for group in EVERY_GROUP if group != f"conduit.{service}"]
        assert set((await wired.join(groups)).values()) == {wire.GROUP_REFUSED}


WRITERS = {
    "programme.commands.v1": {"programme"},
    "programme.people-commands.v1": {"programme"},
    "programme.revocations.v1": {"programme"},
    "programme.officers.v1": {"service.programme"},
    "programme.people.v1": {"service.programme"},
    "programme.hub.v1": {"programme"},
    "programme.approvals.v1": {"duty"},
    "triage.reviews.v1": {"service.console"},
    "routing.reviews.v1": {"service.console"},
    "notification.reviews.v1": {"service.console"},
    **{f"partner.{each}.referrals.v1": {f"partner.{each}"} for each in PARTNER_IDS},
    **{f"partner.{each}.updates.v1": {"service.notification"} for each in PARTNER_IDS},
    **{f"force.{each}.responses.v1": {f"force.{each}"} for each in FORCES},
    **{f"force.{each}.cases.v1": {"service.routing"} for each in FORCES},
    **{f"{each}.dead-letters.v1": {f"service.{each}"} for each in SERVICES},
    **{f"{each}.replays.v1": {"operator"} for each in SERVICES},
    "notification.notices.v1": {"service.notification"},
}
"""Whose word is taken on a topic, written down by hand. What begins with a service's name is otherwise that service's."""


async def test_a_forged_record_is_refused_on_every_topic_from_everybody_whose_word_it_is_not(broker: Broker) -> None:
    taken: dict[str, set[str]] = {name: set() for name in EVERY_TOPIC}
    for user in (*STAFF, *map(service_principal, (*SERVICES, SIGNER)), *OUTSIDERS):
        async with Wire(broker, user) as forger:
            answers = await forger.write([*EVERY_TOPIC, *INTERNAL])
        assert set(answers.values()) <= {wire.GRANTED, wire.TOPIC_REFUSED}
        for name in (name for name, code in answers.items() if code == wire.GRANTED):
            taken[name].add(user)
    assert taken == {name: WRITERS.get(name, {f"service.{name.partition('.')[0]}"}) for name in EVERY_TOPIC}


def test_nobody_who_operates_the_hub_writes_but_orders_to_its_services() -> None:
    writes = {rule.name for rule in expected_rules(EVERY_TOPIC, OUTSIDERS) if _writes(rule, topics.OPERATOR)}
    assert writes == {f"{service}.replays.v1" for service in SERVICES}


def _writes(rule: Rule, user: str) -> bool:
    return rule.principal == user and rule.operation is Operation.WRITE


@pytest.mark.parametrize("name", ["partner.abc.referral.v1", "intake.referals.v1", "partner.stranger.referrals.v1"])
async def test_a_misspelt_topic_does_not_come_into_being(broker: Broker, name: str) -> None:
    unknown_topic = 3
    async with Wire(broker, ADMIN) as administrator:
        assert await administrator.describe([name]) == {name: unknown_topic}
        assert await administrator.write([name]) == {name: unknown_topic}
        assert name not in await administrator.see()


def test_the_broker_holds_the_permissions_of_the_registry_and_no_other(broker: Broker) -> None:
    admin = broker.admin()
    assert granted(admin) == expected_rules(EVERY_TOPIC, [*OUTSIDERS])
    assert foreign(admin) == []


def test_only_who_takes_part_has_a_password(broker: Broker) -> None:
    everybody = {ADMIN, *STAFF, *map(service_principal, (*SERVICES, SIGNER)), *OUTSIDERS}
    assert users(broker.admin()) == everybody


def test_every_permission_is_of_somebody_by_name_on_something_by_name(broker: Broker) -> None:
    for rule in granted(broker.admin()):
        assert "*" not in rule.principal
        assert "*" not in rule.name
        assert not rule.prefix or (rule.resource is Resource.GROUP and rule.name.endswith("."))
        if rule.operation is Operation.WRITE and rule.resource is Resource.TOPIC and rule.principal in OUTSIDERS:
            assert rule.name == OWN[rule.principal]["writes"]


def test_a_quota_stands_for_everybody_and_the_hub_is_exempt(broker: Broker) -> None:
    found = read_quotas(broker)
    assert found.pop(EVERYBODY) == PARTNERS
    assert found.keys() == {ADMIN, *STAFF, *map(service_principal, (*SERVICES, SIGNER))}
    assert all(limits["producer_byte_rate"] > 1e9 for limits in found.values())


PLAIN_TEXT = {"security_protocol": "PLAINTEXT"}
NO_PASSWORD = {"security_protocol": "SSL"}


@pytest.mark.parametrize(
    "change", [PLAIN_TEXT, NO_PASSWORD, {"sasl_plain_password": "guessed"}, {"sasl_plain_username": "x"}]
)
async def test_who_does_not_say_who_they_are_does_not_get_in(broker: Broker, change: dict[str, str]) -> None:
    client = AIOKafkaClient(**{**broker.aiokafka(OUTSIDERS[0]), **change}, request_timeout_ms=2_000)
    with pytest.raises((KafkaError, TimeoutError)):
        await client.bootstrap()
    await client.close()


async def test_another_authoritys_broker_is_not_trusted(broker: Broker) -> None:
    arguments = {**broker.aiokafka(OUTSIDERS[0]), "ssl_context": ssl.create_default_context()}
    client = AIOKafkaClient(**arguments, request_timeout_ms=2_000)
    with pytest.raises(KafkaError):
        await client.bootstrap()
    await client.close()


def test_a_common_client_says_plainly_that_it_is_refused(broker: Broker) -> None:
    stranger, victim = OUTSIDERS[0], OUTSIDERS[1]
    consumer = Consumer({**broker.librdkafka(stranger), "group.id": f"{stranger}.connector", "log_level": 0})
    try:
        consumer.subscribe([OWN[victim]["reads"]])
        message = consumer.poll(15)
        assert message is not None
        error = message.error()
        assert error is not None
        assert "authorization failed" in error.str().lower()
    finally:
        consumer.close()
