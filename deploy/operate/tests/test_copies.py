"""How many copies topics are made with, and what is said of those that have fewer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_contracts.topics import TopicSpec
from conduit_local.providers import Servers
from conduit_operate.broker import Broker, local_broker
from conduit_operate.copies import FACTOR, IN_SYNC, Copies, CopiesError, Standing, check, complaints, wanted, wanted_here
from conduit_operate.topics import create_topics

UNHURRIED = settings(deadline=None)


@pytest.mark.parametrize(("brokers", "made"), [(1, Copies(1, 1)), (2, Copies(2, 1)), (3, Copies(3, 2)), (9, Copies(3, 2))])
def test_topics_have_three_copies_with_two_in_step_or_as_many_as_there_are_brokers(brokers: int, made: Copies) -> None:
    assert wanted(brokers, {}) == made


class Metadata:
    """Of a cluster with so many brokers that answer, and topics with so many copies."""

    def __init__(self, brokers: int, *copies: int) -> None:
        self.brokers = dict.fromkeys(range(brokers))
        self.topics = {str(n): SimpleNamespace(partitions={0: SimpleNamespace(replicas=range(n))}) for n in copies}


def test_a_broker_that_is_away_counts_by_the_copies_that_it_keeps() -> None:
    assert wanted_here(cast(Any, Metadata(2, 3, 1)), {}) == Copies(3, 2)
    assert wanted_here(cast(Any, Metadata(2, 3)), {FACTOR: "3"}) == Copies(3, 2)
    assert wanted_here(cast(Any, Metadata(2)), {}) == Copies(2, 1)
    with pytest.raises(CopiesError, match="there are 2 brokers"):
        wanted_here(cast(Any, Metadata(2, 2)), {FACTOR: "3"})


@UNHURRIED
@given(st.integers(1, 9), st.text("0123456789-x ", max_size=3), st.text("0123456789-x ", max_size=3))
def test_what_is_made_can_be_written_to_or_is_refused(brokers: int, factor: str, in_sync: str) -> None:
    with suppress(CopiesError):
        made = wanted(brokers, {FACTOR: factor, IN_SYNC: in_sync})
        assert 1 <= made.in_sync <= made.copies <= brokers


@pytest.mark.parametrize(
    ("environ", "named"), [({FACTOR: "4"}, FACTOR), ({FACTOR: "none"}, FACTOR), ({FACTOR: "2", IN_SYNC: "3"}, IN_SYNC)]
)
def test_what_cannot_be_is_refused_by_its_name(environ: dict[str, str], named: str) -> None:
    with pytest.raises(CopiesError, match=named):
        wanted(3, environ)


@UNHURRIED
@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))
def test_too_few_copies_on_several_brokers_are_told_and_enough_are_not(brokers: int, copies: int, in_sync: int) -> None:
    said = complaints(brokers, [Standing("intake.referrals.v1", copies, in_sync)])
    assert bool(said) == (brokers > 1 and (copies < 3 or in_sync < 2))
    assert all(text.startswith("intake.referrals.v1 has ") for text in said)


@pytest.fixture
def broker(servers: Servers) -> Broker:
    return local_broker(servers.broker.state_dir, servers.kafka_bootstrap_servers, secured=False)


def test_a_topic_is_made_with_what_is_wanted_and_one_broker_is_not_complained_of(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    name = unique("copies")
    create_topics(broker.bootstrap_servers, [TopicSpec(name, 1, {})], environ={IN_SYNC: "1"})
    assert check(broker.admin(), [name]) == []
    with pytest.raises(CopiesError, match="there are 1 brokers"):
        create_topics(broker.bootstrap_servers, [TopicSpec(unique("more"), 1, {})], environ={FACTOR: "3"})
