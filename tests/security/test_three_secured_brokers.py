"""`conduit access`, credentials and quotas where the brokers are three, secured, and one of them may be away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from aiokafka.errors import KafkaError
from typer.testing import CliRunner, Result

from conduit_contracts import topics
from conduit_operate import orders
from conduit_operate.access import Operation, Resource, Rule, expected_rules, users_of
from conduit_operate.audit import read_audit
from conduit_operate.broker import Broker, local_broker
from conduit_operate.cli import app
from conduit_operate.copies import check
from conduit_operate.doors import open_doors
from conduit_operate.grants import grant, granted, revoke, users
from conduit_operate.polling import wait_until
from conduit_operate.quotas import read_quotas, standing_quotas
from conduit_operate.secured import ADMIN, password_path
from tests.security import wire
from tests.security.wire import Wire
from tests.support.cluster import SETTLE_SECONDS, Cluster, cluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

PARTNERS, FORCES = ("abc", "abc-d"), ("kent", "surrey")
BY = ("--apply", "--actor", "jo.smith", "--reason", "a test")
SPREAD_SECONDS = 30.0
Conduit = Callable[..., Result]


@pytest.fixture(scope="module")
def three() -> Iterator[Cluster]:
    with cluster(secured=True) as made:
        yield made


@pytest.fixture(scope="module")
def broker(three: Cluster) -> Broker:
    """All three of them, with the conduit's users, permissions, quotas and topics."""
    made = local_broker(three.folder, three.bootstrap_servers, secured=True)
    open_doors(made, PARTNERS, FORCES)
    return made


@pytest.fixture
def conduit(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Conduit:
    """The command line, told of the brokers as they would be told of elsewhere. Nobody carries out its orders here."""
    monkeypatch.setattr(orders, "PATIENCE", 0.5)
    secret = str(password_path(broker.state_dir, ADMIN))
    environment = {**broker.address(), "KAFKA_ADMIN_USERNAME": ADMIN, "KAFKA_ADMIN_PASSWORD_FILE": secret}

    def run(*arguments: str, code: int | None = 0) -> Result:
        result = CliRunner().invoke(app, [*arguments, "--state-dir", str(broker.state_dir)], env=environment)
        assert code in {None, result.exit_code}, result.output
        return result

    return run


def each_alone(three: Cluster, broker: Broker) -> list[Broker]:
    """The same cluster by one broker's address at a time."""
    return [replace(broker, bootstrap_servers=node.bootstrap_servers) for node in three.nodes]


def led_without_the_third(three: Cluster) -> bool:
    """Whether the two that are left lead everything, and are known to be two."""
    found = three.admin().list_topics(timeout=10)
    leaders = {each.leader for topic in found.topics.values() for each in topic.partitions.values()}
    return len(found.brokers) == 2 and leaders <= {1, 2}


def nothing() -> None:
    """There is nothing that could have gone wrong meanwhile."""


def in_order(broker: Broker) -> bool:
    admin = broker.admin()
    there = [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]
    return granted(admin) == expected_rules(there, users(admin))


async def answers(broker: Broker, user: str, partner_id: str, wanted: int) -> int:
    """What the brokers say to a record on the partner's topic, once each of them knows the last change."""
    topic, code = topics.PARTNER_REFERRALS.name(partner_id), -1
    until = time.monotonic() + SPREAD_SECONDS
    while time.monotonic() < until:
        async with Wire(broker, user) as wired:
            code = (await wired.write([topic]))[topic]
        if code == wanted:
            break
    return code


def test_three_brokers_hold_what_the_registry_gives_and_three_copies_of_it(
    three: Cluster, broker: Broker, conduit: Conduit
) -> None:
    assert "nothing to do" in conduit("access").output
    admin = broker.admin()
    ours = [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]
    assert check(admin, ours) == []
    for one in each_alone(three, broker):
        assert in_order(one)
        assert read_quotas(one) == {user: dict(limits) for user, limits in standing_quotas().items()}


async def test_whoever_comes_in_gets_the_same_from_each_broker(three: Cluster, broker: Broker) -> None:
    own = {topics.PARTNER_REFERRALS.name("abc"), topics.PARTNER_UPDATES.name("abc")}
    others = [topics.PARTNER_REFERRALS.name("abc-d"), topics.FORCE_CASES.name("kent")]
    for one in each_alone(three, broker):
        async with Wire(one, "partner.abc") as wired:
            assert await wired.see() == own
            assert await wired.write(others) == dict.fromkeys(others, wire.TOPIC_REFUSED)
        assert await answers(one, "partner.abc", "abc", wire.GRANTED) == wire.GRANTED


async def test_what_somebody_changed_is_found_and_put_right_on_all_of_them(broker: Broker, conduit: Conduit) -> None:
    stolen = Rule("partner.abc", Operation.WRITE, Resource.TOPIC, topics.PARTNER_REFERRALS.name("abc-d"))
    lost = next(rule for rule in granted(broker.admin()) if rule.principal == "partner.abc-d" and "referrals" in rule.name)
    grant(broker.admin(), [stolen])
    revoke(broker.admin(), [lost])
    assert await answers(broker, "partner.abc", "abc-d", wire.GRANTED) == wire.GRANTED
    shown = conduit("access", code=1).output
    assert stolen.name in shown
    assert lost.name in shown
    conduit("access", *BY)
    assert in_order(broker)
    assert await answers(broker, "partner.abc", "abc-d", wire.TOPIC_REFUSED) == wire.TOPIC_REFUSED
    assert await answers(broker, "partner.abc-d", "abc-d", wire.GRANTED) == wire.GRANTED
    assert [entry["outcome"] for entry in read_audit(broker.state_dir)][-2:] == ["begun", "done"]


async def test_while_a_broker_is_away_credentials_and_permissions_change_and_it_learns_of_them(
    three: Cluster, broker: Broker, conduit: Conduit
) -> None:
    onboard(conduit, "newcomer")
    three.nodes[2].kill()
    wait_until(lambda: led_without_the_third(three), "the others do not lead", SETTLE_SECONDS, nothing)
    conduit("partner", "rotate", "abc", *BY)
    conduit("partner", "rotate", "abc", "--finish", *BY)
    stolen = Rule("partner.newcomer", Operation.WRITE, Resource.TOPIC, topics.PARTNER_REFERRALS.name("abc"))
    grant(broker.admin(), [stolen])
    conduit("access", *BY)
    assert in_order(broker)
    onboard(conduit, "latecomer")
    three.nodes[2].start()
    returned = each_alone(three, broker)[2]
    assert await answers(returned, "partner.newcomer", "newcomer", wire.GRANTED) == wire.GRANTED
    assert await answers(returned, "partner.newcomer", "abc", wire.TOPIC_REFUSED) == wire.TOPIC_REFUSED
    assert await answers(returned, "partner.abc.2", "abc", wire.GRANTED) == wire.GRANTED
    with pytest.raises(KafkaError):
        await answers(returned, "partner.abc", "abc", wire.GRANTED)
    assert users_of(topics.PARTNER, "abc", users(returned.admin())) == ["partner.abc.2"]
    assert in_order(returned)
    # Whoever came while it was away has as many copies as all others.
    assert (
        check(returned.admin(), [topics.PARTNER_REFERRALS.name("latecomer"), topics.PARTNER_UPDATES.name("latecomer")]) == []
    )


def onboard(conduit: Conduit, partner_id: str) -> None:
    mou = ("--mou", f"MOU-{partner_id}", "--valid-from", "2026-01-01", "--valid-to", "2036-01-01")
    conduit("partner", "onboard", partner_id, "--name", "Synthetic", *mou, "--email", "desk@partner.example", *BY)


def test_a_topic_with_too_few_copies_is_told(three: Cluster, conduit: Conduit) -> None:
    three.create("programme.thin.v1", [[1]])
    told = "programme.thin.v1 has fewer than 3 copies on 3 brokers"
    # Whichever broker is asked may be the last to hear of a new topic.
    wait_until(lambda: told in conduit("access", code=None).output, "the topic is not told", SETTLE_SECONDS, nothing)
    assert told in conduit("access", code=1).output
