"""Every command is answered to its officer; a force's part is not ended over something that the officer has not seen."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_chassis.testing import Harness, ManualClock, raw_record, record, signed
from conduit_contracts.envelope import Message, dump
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Role
from conduit_contracts.routing import CommandIgnored, CommandOutdated, CommandRefused
from conduit_contracts.topics import ROUTING_REVIEWS
from conduit_routing.batch import wanted
from conduit_routing.policy import RoutingPolicy
from services.routing.tests.builders import (
    OFFICER,
    READER,
    Desk,
    Recorder,
    accepted,
    acknowledged,
    by_telephone,
    called,
    chase,
    declined,
    escalate,
    informed,
    name_home,
    name_interim,
    person,
    place,
    referral,
    reroute,
    stand_down,
    standing_of,
    supplement,
    to_standards,
)

HOUR = 3_600.0
KENT, ESSEX, SURREY = "kent", "essex", "surrey"
KENT_LEADS = (place("L1", KENT), place("L2", KENT), place("L3", ESSEX))


def open_case(desk: Desk) -> UUID:
    message = accepted(referral(KENT_LEADS))
    desk.deliver(message)
    return message.referral_id


def commands(referral_id: UUID) -> list[Any]:
    return [
        *(name_home(referral_id, ESSEX), reroute(referral_id, ESSEX, SURREY), stand_down(referral_id, ESSEX)),
        *(name_interim(referral_id, ESSEX), chase(referral_id, ESSEX), escalate(referral_id, ESSEX)),
        *(by_telephone(referral_id, ESSEX), called(referral_id, ESSEX)),
    ]


def take(desk: Desk, value: bytes, command: Message) -> Recorder:
    """Deliver a command as these bytes."""
    made = record(ROUTING_REVIEWS.name(), "key", command, event_id="by-the-tool")._replace(value=value)
    batch = [READER.read(made).content]
    desk._load(wanted(batch))
    return desk.take(batch)


def written(command: Message, **changes: Any) -> bytes:
    return json.dumps(json.loads(dump(command)) | changes).encode()


def test_an_officer_who_mistypes_a_force_hears_which_field(desk: Desk) -> None:
    referral_id = open_case(desk)
    command = name_home(referral_id, ESSEX)
    refused = take(desk, written(command, home_force="Not a force!"), command).one(CommandRefused)
    assert (refused.officer_id, refused.referral_id, refused.command_id) == (OFFICER, referral_id, "by-the-tool")
    assert [problem.field for problem in refused.problems] == ["home_force"]


@pytest.mark.parametrize("which", range(9))
def test_what_a_command_did_says_which_one_it_was(desk: Desk, which: int) -> None:
    """And nothing does that came before it, or that the clock did."""
    tied = accepted(referral((place("L1", KENT), place("L2", ESSEX))))
    referral_id, nobody_leads = open_case(desk), tied.referral_id
    before = [*desk.deliver(tied).facts(), *desk.wait(HOUR).facts()]
    suspect = person("S1", role=Role.SUSPECT, suspect_is_police=True, suspect_force_id=SURREY)
    before += desk.deliver(informed(referral_id, supplement(persons=[suspect]))).facts()
    made = [*commands(referral_id), to_standards(referral_id, SURREY)]
    made[3], made[6] = name_interim(nobody_leads, KENT), by_telephone(referral_id, ESSEX, desk.work.now)
    if made[which] == reroute(referral_id, ESSEX, SURREY):
        made[which] = reroute(referral_id, ESSEX, "sussex")
    told = [fact for fact in take(desk, dump(made[which]), made[which]).facts() if "command_id" in type(fact).model_fields]
    assert told
    assert {type(fact) for fact in told}.isdisjoint({CommandIgnored, CommandRefused})
    assert {fact.command_id for fact in told} == {"by-the-tool"}
    assert {fact.command_id for fact in before if "command_id" in type(fact).model_fields} == {None}


def test_where_a_force_that_left_is_rerouted_what_is_said_names_the_command(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(declined(referral_id, ESSEX), principal=ESSEX)
    command = reroute(referral_id, ESSEX, KENT)
    assert "by-the-tool" in {getattr(fact, "command_id", None) for fact in take(desk, dump(command), command).facts()}


@pytest.mark.parametrize("which", range(8))
def test_a_command_about_no_case_is_answered_to_its_officer(desk: Desk, which: int) -> None:
    unknown = uuid7()
    outbox = desk.deliver(commands(unknown)[which])
    refused = outbox.one(CommandRefused)
    assert (refused.officer_id, refused.referral_id) == (OFFICER, unknown)
    assert [problem.code for problem in refused.problems] == ["referral_unknown"]
    assert outbox.put_aside == []


FIELDS = [
    *("referral_id", "officer_id", "home_force", "from_force", "to_force", "force_id", "reason"),
    *("seen_version", "seen_until", "x"),
]
WRONG = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=2))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(
    which=st.integers(0, 7),
    changes=st.dictionaries(st.sampled_from(FIELDS), WRONG, min_size=1, max_size=3),
    cut=st.one_of(st.none(), st.integers(0, 60)),
)
def test_whatever_cannot_be_read_is_answered_once_and_is_no_dead_letter(
    policy: RoutingPolicy, which: int, changes: dict[str, Any], cut: int | None
) -> None:
    desk = Desk(policy)
    command = commands(uuid7())[which]
    outbox = take(desk, written(command, **changes)[:cut], command)
    assert outbox.put_aside == []
    assert [type(message) for _, _, message in outbox.sent] == [CommandRefused]
    assert [answer.problems for answer in desk.work.answers] == [outbox.one(CommandRefused).problems]


def seeing(command: Any, version: int) -> Any:
    return command.model_copy(update={"seen_version": version})


def test_a_part_is_not_ended_over_something_new(desk: Desk) -> None:
    referral_id = open_case(desk)
    version = desk.case(referral_id).version
    desk.deliver(acknowledged(referral_id, ESSEX))
    ignored = desk.deliver(seeing(stand_down(referral_id, ESSEX), version)).one(CommandIgnored)
    assert (ignored.code, ignored.changes) == ("case_changed", ("acknowledged",))
    assert standing_of(desk.case(referral_id))[ESSEX] == "acknowledged"
    version = desk.case(referral_id).version
    desk.deliver(seeing(stand_down(referral_id, ESSEX), version))
    assert standing_of(desk.case(referral_id))[ESSEX] == "stood_down"


def test_a_version_that_the_case_never_had_proves_that_nothing_was_seen(desk: Desk) -> None:
    referral_id = open_case(desk)
    desk.deliver(acknowledged(referral_id, ESSEX))
    for version in (desk.case(referral_id).version + 1, 10**30):
        ignored = desk.deliver(seeing(stand_down(referral_id, ESSEX), version)).one(CommandIgnored)
        assert ignored.code == "case_changed"
    assert standing_of(desk.case(referral_id))[ESSEX] == "acknowledged"


@pytest.mark.parametrize("which", [0, 1])
def test_who_gives_a_case_to_a_force_is_not_held_up_and_hears_what_was_new(desk: Desk, which: int) -> None:
    referral_id = open_case(desk)
    version = desk.case(referral_id).version
    desk.deliver(informed(referral_id, supplement(immediate_danger=True)))
    outbox = desk.deliver(seeing(commands(referral_id)[which], version))
    told = outbox.one(CommandOutdated)
    assert (told.code, told.seen_version) == (["name_home_force", "reroute_handoff"][which], version)
    assert "information_added" in told.changes
    assert outbox.kinds()[0] != "CommandIgnored"
    assert desk.case(referral_id).home_force == (ESSEX if which == 0 else KENT)


def test_silence_and_what_the_officer_did_are_no_news(desk: Desk) -> None:
    referral_id = open_case(desk)
    version = desk.case(referral_id).version
    desk.wait(4_000)
    desk.deliver(seeing(name_home(referral_id, ESSEX), version))
    outbox = desk.deliver(seeing(stand_down(referral_id, KENT), version))
    assert standing_of(desk.case(referral_id))[KENT] == "stood_down"
    assert not any(isinstance(message, CommandOutdated | CommandIgnored) for message in outbox.facts())


async def test_the_version_that_the_officers_api_shows_is_the_one_that_a_command_names(
    routing: Harness, clock: ManualClock
) -> None:
    message = accepted(referral(KENT_LEADS))
    referral_id, key = message.referral_id, str(message.referral_id)
    await routing.deliver(record("triage.decisions.v1", key, message))
    version = await routing.pool.fetchval("SELECT version FROM cases WHERE referral_id = $1", referral_id)
    clock.advance(timedelta(hours=2))
    await routing.tick("clocks")
    await routing.deliver(record("triage.decisions.v1", key, informed(referral_id, supplement())))
    command = seeing(stand_down(referral_id, ESSEX), version)
    (ignored,) = await routing.deliver(record("routing.reviews.v1", key, command))
    assert (ignored.message.code, ignored.message.changes) == ("case_changed", ("information_added",))
    version = await routing.pool.fetchval("SELECT version FROM cases WHERE referral_id = $1", referral_id)
    sent = await routing.deliver(record("routing.reviews.v1", key, seeing(command, version)))
    assert "HandoffStoodDown" in {type(each.message).__name__ for each in sent}


async def test_a_part_is_not_ended_from_a_page_that_does_not_know_what_was_added(
    routing: Harness, clock: ManualClock
) -> None:
    message = accepted(referral(KENT_LEADS))
    referral_id, key = message.referral_id, str(message.referral_id)
    await routing.deliver(record("triage.decisions.v1", key, message))
    page = clock.now() + timedelta(seconds=10)
    clock.advance(timedelta(seconds=30))
    await routing.deliver(record("triage.decisions.v1", key, informed(referral_id, supplement())))
    clock.advance(timedelta(seconds=30))

    async def given(command: Any, until: datetime) -> Any:
        made = record("routing.reviews.v1", key, command.model_copy(update={"seen_until": until}))
        stamped = made._replace(timestamp_ms=int(clock.now().timestamp() * 1000))
        return [each.message for each in await routing.deliver(signed(stamped))]

    for until in (page, clock.now() + timedelta(seconds=6)):
        (ignored,) = await given(stand_down(referral_id, ESSEX), until)
        assert (ignored.code, "information_added" in ignored.changes) == ("case_changed", True)
    (told,) = [each for each in await given(name_home(referral_id, ESSEX), page) if isinstance(each, CommandOutdated)]
    assert (told.seen_until, told.changes) == (page, ("information_added",))
    known = await routing.pool.fetchval(
        "SELECT max(version) FROM history WHERE referral_id = $1 AND at < $2", referral_id, page
    )
    assert told.seen_version == known
    clock.advance(timedelta(seconds=10))
    sent = await given(stand_down(referral_id, KENT), clock.now())
    assert "HandoffStoodDown" in {type(each).__name__ for each in sent}


async def test_what_became_of_commands_is_kept(routing: Harness) -> None:
    await routing.deliver(record("routing.reviews.v1", "key", name_home(uuid7(), KENT), event_id="first"))
    await routing.deliver(raw_record("routing.reviews.v1", "key", [], b"no command"))
    first, nobodys = await routing.pool.fetch("SELECT * FROM command_answers ORDER BY id")
    assert (first["answer"], first["officer_id"], first["command_id"]) == ("refused", OFFICER, "first")
    assert (nobodys["answer"], nobodys["officer_id"]) == ("refused", None)
    assert await routing.dead_letters() == []
