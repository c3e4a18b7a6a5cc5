"""Names and principals: what a topic is called is who may write to it."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from conduit_contracts.geography import forces
from conduit_contracts.ids import ForceId, PartnerId
from conduit_contracts.notification import DutyTaskNotTaken, DutyTaskTaken, NoticeSent
from conduit_contracts.topics import (
    ADVICE,
    CONSOLE,
    DUTY,
    FORCE,
    FORCE_CASES,
    FORCES,
    HUB,
    OFFICERS,
    PARTNER,
    PARTNER_REFERRALS,
    PARTNERS,
    PEOPLE,
    PROGRAMME,
    REGISTER_ANSWERS,
    REGISTRAR,
    REGISTRY,
    SERVICES,
    Topic,
    consumed_by,
    dead_letter_topic,
    keepers,
    kept_by,
    produced_by,
    snapshot_topic,
    specs,
    standing_apart,
)

SLUGS = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True).filter(lambda slug: len(slug) <= 40)
EVERY = [*REGISTRY, *standing_apart()]
REGISTERS = (PARTNERS, FORCES, OFFICERS, PEOPLE)
"""Which their writer reads as well."""
AGAIN = [snapshot_topic(service) for service in keepers()]
ids = {"ids": lambda topic: topic.template}


def principal_of(topic: Topic, slug: str) -> str | None:
    return slug if topic.parameter else None


@given(slug=SLUGS)
@settings(max_examples=25)
def test_a_topics_name_gives_back_its_principal_and_belongs_to_no_other(slug: str) -> None:
    for topic in EVERY:
        principal = principal_of(topic, slug)
        name = topic.name(principal)
        assert topic.match(name) == (principal or "")
        assert [other.template for other in EVERY if other.match(name) is not None] == [topic.template]


@given(name=st.text() | SLUGS.map(lambda slug: f"partner.{slug}.referrals.v1\n"))
def test_what_matches_is_exactly_the_name(name: str) -> None:
    for topic in EVERY:
        found = topic.match(name)
        assert found is None or topic.name(found or None) == name


@pytest.mark.parametrize("around", ["{}\n", "\n{}", "x{}", "{}.x", " {}", "{}2", "{}.partner.a.referrals.v1"])
@pytest.mark.parametrize("topic", EVERY, **ids)
def test_more_than_the_name_is_nobodys(topic: Topic, around: str) -> None:
    name = around.format(topic.name(principal_of(topic, "example-haven")))
    assert [other.template for other in EVERY if other.match(name) is not None] == []


@pytest.mark.parametrize("slug", ["", "a.b", "A", "a_b", "-a", "a-", "a--b", "1a", "a b", "*", "a.referrals.v1", "é", "a\n"])
def test_a_principal_that_is_no_slug_makes_no_name(slug: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        PARTNER_REFERRALS.name(slug)
    assert PARTNER_REFERRALS.match(f"partner.{slug}.referrals.v1") is None


@given(slug=SLUGS)
def test_ids_and_topic_names_take_the_same_slugs(slug: str) -> None:
    for kind in (PartnerId, ForceId):
        assert TypeAdapter(kind).validate_python(slug) == slug
    assert len(FORCE_CASES.name(slug)) <= 249, "Kafka's longest name"


@pytest.mark.parametrize("topic", EVERY, **ids)
def test_a_principal_is_given_where_and_only_where_the_topic_has_one(topic: Topic) -> None:
    wrong = None if topic.parameter else "example-haven"
    with pytest.raises(ValueError, match="takes"):
        topic.name(wrong)


def test_templates_are_unique_and_kafka_tells_them_apart() -> None:
    templates = [topic.template for topic in EVERY]
    for one, other in combinations(templates, 2):
        assert one.replace(".", "_") != other.replace(".", "_"), "Kafka's metrics confuse a dot with an underscore"


@pytest.mark.parametrize("topic", REGISTRY, **ids)
def test_a_topic_is_read_by_a_service_or_by_its_audience_and_written_by_somebody(topic: Topic) -> None:
    assert set(topic.consumers) <= set(SERVICES)
    assert topic.consumers or topic.followers or topic.audience in {PARTNER, FORCE, HUB, REGISTRAR}
    assert topic.producers
    assert set(topic.producers) <= {*SERVICES, REGISTRAR, PARTNER, FORCE, DUTY}
    assert topic.owner in SERVICES
    assert topic.messages
    assert topic.key


@pytest.mark.parametrize("topic", REGISTRY, **ids)
def test_everybody_reads_what_is_theirs_and_nobody_what_they_wrote(topic: Topic) -> None:
    assert set(topic.consumers) <= set(topic.readers)
    # What an earlier release wrote stands in a register until it is changed.
    assert set(topic.readers) & set(topic.producers) == ({PROGRAMME} if topic in REGISTERS else set())
    assert (topic.audience in topic.readers) == (
        topic.audience not in topic.producers and (topic.audience != HUB or not (topic.consumers or topic.followers))
    )


@pytest.mark.parametrize("topic", REGISTRY, **ids)
def test_a_principals_topic_is_for_that_principal_alone(topic: Topic) -> None:
    expected = {"partner_id": PARTNER, "force_id": FORCE, None: None}[topic.parameter]
    if expected:
        assert topic.audience == expected
        assert topic.template.startswith(f"{expected}.{{")
    elif topic is ADVICE:  # one for all forces: none of them writes there
        assert (topic.audience, topic.producers) == (FORCE, (PROGRAMME,))
    elif topic in (*REGISTERS, REGISTER_ANSWERS):  # who orders a change of them sees what came of it
        assert (topic.audience, topic.producers) == (REGISTRAR, (PROGRAMME,))
    else:
        assert topic.audience == HUB


@pytest.mark.parametrize("topic", REGISTRY, **ids)
def test_exactly_what_outsiders_write_is_read_closed(topic: Topic) -> None:
    assert topic.edge == (topic.signed or bool({PARTNER, FORCE} & set(topic.producers)))


@pytest.mark.parametrize("topic", EVERY, **ids)
def test_every_topic_keeps_records_for_at_least_a_month_in_at_least_one_partition(topic: Topic) -> None:
    assert topic.partitions >= 1
    # A snapshot says what was said before, and can be ordered again.
    days = 1 if topic in AGAIN else 30
    assert int(topic.config["retention.ms"]) >= days * 24 * 3600 * 1000
    assert topic.config["cleanup.policy"] == ("compact" if topic.compacted else "delete")
    assert int(topic.config["max.message.bytes"]) >= 2 * 1024 * 1024


@pytest.mark.parametrize("topic", EVERY, **ids)
def test_nobody_dates_records_but_the_broker(topic: Topic) -> None:
    assert topic.config["message.timestamp.type"] == "LogAppendTime"


@pytest.mark.parametrize("service", SERVICES)
def test_a_consuming_service_has_a_dead_letter_topic_that_outlives_its_inputs(service: str) -> None:
    topic = dead_letter_topic(service)
    assert all(topic.max_record_bytes > source.max_record_bytes for source in consumed_by(service))
    assert topic.producers == (service,)
    assert topic.audience == HUB
    assert all(topic.retention > consumed.retention for consumed in consumed_by(service))


def test_the_registry_is_in_flow_order() -> None:
    """A topic's producer among the services has read something that stands before it."""
    for position, topic in enumerate(REGISTRY):
        for producer in set(topic.producers) & set(SERVICES):
            assert any(producer in earlier.consumers for earlier in REGISTRY[:position])


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_reads_and_writes_comes_from_the_registry(service: str) -> None:
    assert consumed_by(service)
    assert produced_by(service) or service in {"console", PROGRAMME}, "they show, and publish nothing of their own"
    assert all(service in topic.consumers for topic in consumed_by(service))
    assert all(topic.producers == (service,) for topic in produced_by(service))


def test_specs_are_the_registry_for_the_given_principals_with_what_stands_apart() -> None:
    partners, police = ("example-haven", "example-harbour"), tuple(forces())
    made = specs(partners, police)
    names = [spec.name for spec in made]
    assert len(set(names)) == len(names)
    fixed = sum(topic.parameter is None for topic in REGISTRY)
    assert len(made) == fixed + 2 * len(SERVICES) + len(keepers()) + 2 * len(partners) + 2 * len(police)
    for spec in made:
        owner = next(topic for topic in EVERY if topic.match(spec.name) is not None)
        assert (spec.partitions, spec.config) == (owner.partitions, owner.config)
        assert owner.match(spec.name) in {"", *partners, *police}


def test_without_principals_only_the_standing_topics_are_made() -> None:
    assert {spec.name for spec in specs()} == {topic.template for topic in EVERY if topic.parameter is None}


def test_who_tells_the_console_anything_keeps_it_and_publishes_it_once_more_for_the_console_alone() -> None:
    assert keepers() == ("intake", "triage", "routing", "notification")
    for service, topic in zip(keepers(), AGAIN, strict=True):
        assert (topic.producers, topic.consumers, topic.readers) == ((service,), (CONSOLE,), (CONSOLE,))
        followed = [each for each in consumed_by(CONSOLE) if not each.compacted]
        told = {message for each in followed if each.owner == service for message in each.messages}
        assert told - set(kept_by(service)) == (
            {DutyTaskNotTaken, DutyTaskTaken, NoticeSent} if service == "notification" else set()
        )
