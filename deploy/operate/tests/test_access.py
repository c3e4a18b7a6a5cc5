"""Whose permission touches what: over any partners and forces, names that begin alike included."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_contracts import topics
from conduit_contracts.topics import FORCE, PARTNER, SERVICES, specs
from conduit_operate.access import (
    KINDS,
    Operation,
    Resource,
    Rule,
    expected_rules,
    generation_of,
    identities,
    rules_of,
    service_principal,
    shared_rules,
    user_of,
    users_by_owner,
    users_of,
)

UNHURRIED = settings(deadline=None)
"""A loaded machine is no fault."""
PART = st.text("abz019", min_size=1, max_size=3)
SLUG = st.tuples(st.sampled_from("abz"), PART, st.lists(PART, max_size=2)).map(
    lambda parts: "-".join([f"{parts[0]}{parts[1]}", *parts[2]])
)
SLUGS = st.sets(SLUG, min_size=2, max_size=6)
NASTY = {"abc", "abc-d", "abc-d-e", "ab", "abcd", "a", "referrals", "updates", "cases", "partner", "force"}
GENERATIONS = st.sets(st.integers(1, 12), max_size=3)


def touches(rule: Rule, resource: Resource, name: str) -> bool:
    return rule.resource is resource and (name.startswith(rule.name) if rule.prefix else name == rule.name)


def world(partner_ids: set[str], force_ids: set[str], generations: set[int]) -> tuple[list[str], list[str]]:
    names = [spec.name for spec in specs(tuple(partner_ids), tuple(force_ids))]
    owners = [(PARTNER, each) for each in partner_ids] + [(FORCE, each) for each in force_ids]
    return names, [user_of(kind, each, generation) for kind, each in owners for generation in generations]


@UNHURRIED
@given(SLUGS, SLUGS, GENERATIONS)
def test_no_permission_of_one_touches_a_topic_or_group_of_another(
    partner_ids: set[str], force_ids: set[str], generations: set[int]
) -> None:
    names, users = world(partner_ids | NASTY, force_ids | NASTY, generations)
    rules = expected_rules(names, users)
    for kind in KINDS:
        for identity in identities(kind, names):
            mine = set(users_of(kind, identity, users))
            own = f"{kind}.{identity}."
            # One topic is for all forces, and none of them writes there.
            shared = {Rule(user, Operation.READ, Resource.TOPIC, topics.ADVICE.name()) for user in mine if kind == FORCE}
            assert shared <= rules
            for rule in (rule for rule in rules - shared if rule.principal in mine):
                assert [name for name in names if touches(rule, Resource.TOPIC, name) and not name.startswith(own)] == []
                assert rule.name.startswith(own)


@UNHURRIED
@given(SLUGS, SLUGS, GENERATIONS)
def test_every_user_belongs_to_exactly_one(partner_ids: set[str], force_ids: set[str], generations: set[int]) -> None:
    names, users = world(partner_ids | NASTY, force_ids | NASTY, generations)
    for user in users:
        owners = [(kind, each) for kind in KINDS for each in identities(kind, names) if users_of(kind, each, [user])]
        assert len(owners) == 1


@UNHURRIED
@given(SLUG, st.integers(1, 200))
def test_a_user_is_known_by_its_number(identity: str, generation: int) -> None:
    assert generation_of(PARTNER, identity, user_of(PARTNER, identity, generation)) == generation
    assert generation_of(FORCE, identity, user_of(PARTNER, identity, generation)) is None


def test_users_are_told_oldest_first() -> None:
    users = [
        "partner.abc.10",
        "partner.abc",
        "partner.abc-d",
        "force.abc",
        "partner.abc.2",
        "partner.abc.02",
        "partner.abc.1",
    ]
    assert users_of(PARTNER, "abc", users) == ["partner.abc", "partner.abc.2", "partner.abc.10"]


def test_a_partner_writes_referrals_and_reads_updates_and_no_more() -> None:
    assert {rule for rule in rules_of(PARTNER, "abc", ["partner.abc"]) if rule.principal == "partner.abc"} == {
        Rule("partner.abc", Operation.WRITE, Resource.TOPIC, "partner.abc.referrals.v1"),
        Rule("partner.abc", Operation.READ, Resource.TOPIC, "partner.abc.updates.v1"),
        Rule("partner.abc", Operation.READ, Resource.GROUP, "partner.abc.", prefix=True),
    }


def test_a_force_reads_its_cases_and_what_all_are_advised_and_writes_responses_and_no_more() -> None:
    assert {rule for rule in rules_of(FORCE, "kent", ["force.kent.2"]) if rule.principal == "force.kent.2"} == {
        Rule("force.kent.2", Operation.READ, Resource.TOPIC, "force.kent.cases.v1"),
        Rule("force.kent.2", Operation.READ, Resource.TOPIC, "programme.advice.v1"),
        Rule("force.kent.2", Operation.WRITE, Resource.TOPIC, "force.kent.responses.v1"),
        Rule("force.kent.2", Operation.READ, Resource.GROUP, "force.kent.", prefix=True),
    }


def test_who_has_gone_leaves_the_services_theirs() -> None:
    left = {rule.principal for rule in rules_of(PARTNER, "abc", [])}
    assert left == {"service.intake", "service.notification"}


def test_every_topic_of_the_registry_has_a_writer_and_a_reader() -> None:
    names, users = world({"abc"}, {"kent"}, {1})
    rules = expected_rules(names, users)
    for name in names:
        for operation in Operation:
            assert [rule for rule in rules if rule.operation is operation and touches(rule, Resource.TOPIC, name)]


def test_services_have_what_the_registry_gives_them_and_their_own_group_alone() -> None:
    names, users = world({"abc"}, {"kent"}, {1})
    rules = expected_rules(names, users)
    for service in SERVICES:
        mine = [rule for rule in rules if rule.principal == service_principal(service)]
        groups = [rule for rule in mine if rule.resource is Resource.GROUP]
        assert groups == [Rule(service_principal(service), Operation.READ, Resource.GROUP, f"conduit.{service}")]
        reads = {rule.name for rule in mine if rule.operation is Operation.READ and rule.resource is Resource.TOPIC}
        followed = [topic for topic in topics.REGISTRY if service in topic.followers]
        consumed = [*topics.consumed_by(service), *followed, *topics.read_apart(service)]
        assert reads == {name for name in names for topic in consumed if topic.match(name) is not None}


def test_only_groups_are_given_by_prefix_and_no_prefix_holds_another() -> None:
    prefixes = [rule.name for rule in shared_rules() if rule.prefix]
    assert all(name.endswith(".") for name in prefixes)
    assert not [name for name in prefixes for other in prefixes if name != other and name.startswith(other)]


@UNHURRIED
@given(SLUGS, SLUGS, GENERATIONS)
def test_all_users_sorted_at_once_are_each_those_of_its_own(
    partner_ids: set[str], force_ids: set[str], generations: set[int]
) -> None:
    names, users = world(partner_ids | NASTY, force_ids | NASTY, generations)
    others = ["admin", "programme", "service.intake", "partner.abc.x", "partner.abc.01", "partner..2", "force.", "partner"]
    found = users_by_owner([*users, *others])
    for kind in KINDS:
        for identity in identities(kind, names):
            assert sorted(found.get((kind, identity), [])) == sorted(users_of(kind, identity, [*users, *others]))
    assert sum(map(len, found.values())) == len(users)
