"""What officers do by telephone, on the pages: whom they can call back, what they say of it, and what a case shows then."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import clocks, content, deciding_handoffs, wording
from conduit_console.decision_forms import AskedOn, DecidedOn, ForceNumber, moment_said, problems_of, read_answers
from conduit_console.numbers import numbers_of
from conduit_contracts import routing
from conduit_contracts.routing import CallOutcome, HandoffState
from conduit_web.html import LONDON
from services.console.tests import builders as b
from services.console.tests.builders import CANARY, HOME, NOW, OTHER, REFERRAL
from services.console.tests.pages import Enter, shown_policy
from services.console.tests.test_deciding import answers_to, links, look, tell, write

RECORD, CALL = deciding_handoffs.RECORD_ACKNOWLEDGEMENT, deciding_handoffs.RECORD_CALL


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    await tell(console, clock, b.received(), b.accepted(), b.routed(HOME, OTHER))
    return console


# What a person has, and what a connector has


def test_a_call_is_a_persons_answer_and_no_connectors() -> None:
    due = {"receipt_due_at": NOW + timedelta(hours=1), "acknowledgement_due_at": NOW + timedelta(hours=24)}
    routed = b.routed(HOME, clocks=[{"force_id": HOME, "part": 1, **due}])
    part = b.case_of(routed, b.by_telephone(force_reference="WM/1")).handoffs[HOME]
    assert (part.state, part.received_at, part.acknowledged_at) == (HandoffState.ACKNOWLEDGED, None, NOW)
    assert (part.by_telephone, part.due_at, part.force_reference) == (True, NOW + timedelta(hours=1), "WM/1")
    said = "handed over by telephone at 09:30; the system's receipt is still missing"
    assert clocks.handoff_clock(part, NOW + timedelta(hours=2)) == said
    chased = b.case_of(routed, b.by_telephone(), b.overdue(due_at=NOW + timedelta(hours=1))).handoffs[HOME]
    assert (chased.chases, chased.due_at) == (1, NOW + timedelta(hours=1))


def test_when_the_connector_confirms_nobody_is_waited_for() -> None:
    said = [b.routed(), b.by_telephone(), b.about_force(routing.HandoffReceived)]
    part = b.case_of(*said).handoffs[HOME]
    assert (part.state, part.received_at, part.due_at) == (HandoffState.ACKNOWLEDGED, NOW + timedelta(seconds=2), None)
    assert part.by_telephone
    part = b.case_of(*said, b.about_force(routing.HandoffAcknowledged)).handoffs[HOME]
    assert (part.by_telephone, part.acknowledged_at) == (False, NOW)


def test_who_is_asked_again_or_gives_it_back_took_nothing_in_a_call() -> None:
    for then in (b.routed(HOME, added=(HOME,)), b.about_force(routing.HandoffDeclined)):
        assert not b.case_of(b.routed(), b.by_telephone(), then).handoffs[HOME].by_telephone


def test_the_line_of_a_chase_says_which_officer_did_it() -> None:
    asked = b.about_force(routing.HandoffOverdue, officer_id=b.OFFICER, reason=CANARY)
    work = b.follow(*b.records(b.routed(), asked, b.overdue()))
    assert [line.actor for line in work.lines] == ["rules", f"officer:{b.OFFICER}", "clock"]
    assert [each.kind for each in work.words] == ["handoff_overdue"], "the clock has no words"
    assert CANARY not in repr(work.lines)


async def test_the_database_keeps_it(console: Harness, clock: ManualClock) -> None:
    due = {"receipt_due_at": NOW, "acknowledgement_due_at": NOW}
    await tell(console, clock, b.routed(HOME, clocks=[{"force_id": HOME, "part": 1, **due}]), b.by_telephone())
    row = await console.pool.fetchrow("SELECT state, due_at, by_telephone FROM handoffs")
    assert tuple(row) == ("acknowledged", NOW, True)
    async with console.pool.acquire() as connection:
        assert [each.kind for each in await content.said(connection, REFERRAL)] == ["handoff_acknowledged_by_telephone"]


# Whom an officer can call back


async def test_the_numbers_are_those_that_the_register_said_last(held: Harness, clock: ManualClock) -> None:
    department = {"email": "psd@force.example", "telephone": "+441632960999"}
    levels = [{"email": "a@force.example"}, {"email": "b@force.example", "telephone": "+441632960202"}]
    await tell(held, clock, b.registered(telephone="+441632960100"), b.registered(OTHER, control_room=None, escalation=[]))
    more = {"escalation": levels, "control_room": "+441632960300", "professional_standards": department}
    await tell(held, clock, b.registered(**more))
    async with held.pool.acquire() as connection:
        found = await numbers_of(connection, [HOME, OTHER])
    assert [(each.force_id, each.whose, each.telephone) for each in found] == [
        (OTHER, "team", b.TEAM_NUMBER),
        (HOME, "team", b.TEAM_NUMBER),
        (HOME, "level_2", "+441632960202"),
        (HOME, "control_room", "+441632960300"),
    ]
    assert {each.whose for each in found} <= wording.WHOSE_NUMBER.keys()


async def test_the_page_offers_each_waiting_force_with_its_numbers_and_no_other_number(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    answered = b.about_force(routing.HandoffAcknowledged, OTHER)
    await tell(held, clock, b.registered(control_room="+441632960300", escalation=[]), b.registered(OTHER), answered)
    anna = await enter("anna")
    (address,) = links((await anna.get(f"/cases/{REFERRAL}")).text, RECORD.path)
    text = (await anna.get(address)).text
    offered = re.findall(r'type="radio" value="([^"]+)"', text)
    assert offered == [f"{HOME} {b.TEAM_NUMBER}", f"{HOME} +441632960300"]
    assert f"West Midlands Police, its team: {b.TEAM_NUMBER}" in text
    another = {**answers_to(RECORD, clock), "called": f"{HOME} +441632960999"}
    answer = await write(anna, RECORD, another)
    assert answer.status_code == 400
    assert "Choose the number that you called back." in answer.text


async def test_a_force_whose_number_nobody_registered_is_said_to_be_so(enter: Enter, held: Harness) -> None:
    anna = await enter("anna")
    (address,) = links((await anna.get(f"/cases/{REFERRAL}")).text, RECORD.path)
    assert "The register has no telephone number of a force that is waited for." in (await anna.get(address)).text


# What an officer says


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("14:05", "2026-11-23T14:05:00+00:00"),
        ("1405", "2026-11-23T14:05:00+00:00"),
        ("9.30", "2026-11-23T09:30:00+00:00"),
        ("14:06", "2026-11-23T14:06:00+00:00"),
        ("14:07", "2026-11-23T14:07:00+00:00"),
        ("20:05", "2026-11-23T20:05:00+00:00"),
        ("20:06", "2026-11-22T20:06:00+00:00"),
        ("23:59", "2026-11-22T23:59:00+00:00"),
    ],
)
def test_a_time_of_day_is_of_the_last_18_hours_or_of_the_next_six(said: str, at: str) -> None:
    now = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
    answers = read_answers(CALL, {"spoken_at": said}, now)
    assert answers["spoken_at"] == at
    assert moment_said(at) == datetime.fromisoformat(at)


def test_in_summer_it_is_the_time_in_london() -> None:
    now = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert read_answers(CALL, {"spoken_at": "0:15"}, now)["spoken_at"] == "2026-07-01T23:15:00+00:00"


@pytest.mark.parametrize(
    ("now", "said", "at"),
    [
        ("01:30", "01:10", "01:10"),  # the second time: GMT
        ("01:30", "01:30", "01:30"),
        ("01:29", "01:30", "01:30"),  # a clock may be a minute ahead
        ("00:50", "01:30", "00:30"),  # the first time: BST
        ("01:20", "01:30", "00:30"),
        ("00:20", "01:30", "00:30"),  # it has not come yet, and is said to be so
        ("10:00", "01:30", "01:30"),
        ("10:00", "00:30", "23:30"),  # there is one alone
        ("10:00", "02:00", "02:00"),
    ],
)
def test_in_the_night_in_which_clocks_go_back_it_is_the_last_time_that_has_come(now: str, said: str, at: str) -> None:
    read = read_answers(CALL, {"spoken_at": said}, datetime.fromisoformat(f"2026-10-25T{now}+00:00"))["spoken_at"]
    assert read == f"2026-10-{24 if at == '23:30' else 25}T{at}:00+00:00"


@given(now=st.datetimes(datetime(2026, 10, 24), datetime(2026, 10, 26)), minutes=st.integers(0, 17 * 60))  # noqa: DTZ001
def test_a_time_of_the_last_hours_is_that_time_and_none_to_come(now: datetime, minutes: int) -> None:
    """Of an hour that there was twice it is the last one that is meant, and none that has not come."""
    here = now.replace(tzinfo=UTC)
    spoken = here - timedelta(minutes=minutes)
    read = moment_said(read_answers(CALL, {"spoken_at": f"{spoken.astimezone(LONDON):%H:%M}"}, here)["spoken_at"])
    assert read is not None
    assert spoken.replace(second=0, microsecond=0) <= read <= here + timedelta(minutes=1)
    assert f"{read.astimezone(LONDON):%H:%M}" == f"{spoken.astimezone(LONDON):%H:%M}"


@pytest.mark.parametrize("said", ["9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
async def test_a_time_at_the_end_of_time_is_refused_and_what_was_written_is_kept(
    enter: Enter, held: Harness, clock: ManualClock, said: str
) -> None:
    anna = await enter("anna")
    answer = await write(anna, CALL, answers_to(CALL, clock) | {"spoken_at": said})
    assert (answer.status_code, "Write the time as hours and minutes" in answer.text) == (400, True)
    (address,) = links((await anna.get(f"/cases/{REFERRAL}")).text, CALL.path)
    assert "Synthetic canary: the officer" in (await anna.get(address)).text


def problem_with(decision: Any, spoken_at: datetime, now: datetime) -> str | None:
    """What an officer reads who says `now` that they spoke then. Its part went ten minutes after the case came."""
    case = b.case_of(b.received(), b.routed(HOME))
    case.handoffs[HOME].disseminated_at = NOW + timedelta(minutes=10)
    answers = {"called": f"{HOME} {b.TEAM_NUMBER}", "whom": "partner", "spoken_at": spoken_at.isoformat()}
    about = DecidedOn(REFERRAL, b.OFFICER, now)
    on = AskedOn(shown_policy(), now, [ForceNumber(HOME, "team", b.TEAM_NUMBER)])
    return problems_of(decision, answers, case, on, about).get("spoken_at")


@pytest.mark.parametrize(
    ("decision", "minutes", "says"),
    [
        (RECORD, 32, "The time at which you spoke has not come yet."),
        (RECORD, 31, None),
        (RECORD, 10, None),
        (RECORD, 9, "The time at which you spoke is before the force got its part."),
        (CALL, 32, "The time at which you spoke has not come yet."),
        (CALL, 0, None),
        (CALL, -1, "The time at which you spoke is before the hub had the case."),
    ],
)
def test_nobody_spoke_later_than_now_or_before_there_was_something_to_speak_of(
    decision: Any, minutes: int, says: str | None
) -> None:
    assert problem_with(decision, NOW + timedelta(minutes=minutes), NOW + timedelta(minutes=30)) == says


@pytest.mark.parametrize(
    ("decision", "answers", "field", "says"),
    [
        (RECORD, {"spoken_at": "25:00"}, "spoken_at", "Write the time as hours and minutes"),
        (RECORD, {"spoken_at": ""}, "spoken_at", "Write the time as hours and minutes"),
        (RECORD, {"spoken_at": "2026-11-23T14:05:00"}, "spoken_at", "Write the time as hours and minutes"),
        (RECORD, {"called": ""}, "called", "Choose the number that you called back."),
        (RECORD, {"spoke_for_force": " "}, "spoke_for_force", "Say who spoke for the force."),
        (RECORD, {"spoke_for_hub": "x" * 201}, "spoke_for_hub", "Shorten this to 200 characters or fewer."),
        (RECORD, {"force_reference": "#?!"}, "force_reference", "Write the reference in letters"),
        (RECORD, {"victim_contact": "x" * 4_001}, "victim_contact", "Shorten this to 4,000 characters or fewer."),
        (CALL, {"whom": "atlantis"}, "whom", "Choose whom."),
        (CALL, {"outcome": "magic"}, "outcome", "Choose what came of it."),
        (CALL, {"spoke_to": ""}, "spoke_to", "Say who it was."),
    ],
)
async def test_an_error_says_what_to_write(
    enter: Enter, held: Harness, clock: ManualClock, decision: Any, answers: dict[str, str], field: str, says: str
) -> None:
    await tell(held, clock, b.registered())
    answer = await write(await enter("anna"), decision, answers_to(decision, clock) | answers)
    assert answer.status_code == 400
    assert f'href="#{field}"' in answer.text
    assert says in answer.text


async def test_before_it_is_sent_the_page_says_when_and_what_the_partner_will_read(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await tell(held, clock, b.registered())
    anna = await enter("anna")
    text = (await look(anna, await write(anna, RECORD, answers_to(RECORD, clock)))).text
    assert f"{clock.now().astimezone(LONDON):%d/%m/%Y %H:%M}" in text, "with its day"
    partner = text.partition("What the partner will read")[2]
    assert "That the force took it on by telephone." in partner
    assert answers_to(RECORD, clock)["victim_contact"].replace("'", "&#39;") in partner
    assert "Sergeant on duty" not in partner


# What a case shows


async def test_a_cases_page_shows_three_columns_red_where_the_connector_is_silent(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    due = {"receipt_due_at": clock.now() - timedelta(minutes=5), "acknowledgement_due_at": clock.now() + timedelta(hours=9)}
    again = b.routed(HOME, OTHER, added=(HOME,), clocks=[{"force_id": HOME, "part": 2, **due}])
    call = b.by_telephone(victim_contact=CANARY, spoke_for_force="Sergeant of nights", comment="Their system is down.")
    await tell(held, clock, again, call, b.fact(routing.CallRecorded, comment="They ring at nine.", force_id=HOME))
    text = (await (await enter("anna")).get(f"/cases/{REFERRAL}")).text
    (row,) = re.findall(r'<tr class="govuk-table__row">\s*<th[^>]*>West Midlands Police.*?</tr>', text, re.DOTALL)
    sent, connector, person, clock_cell = re.findall(r"<td.*?</td>", row, re.DOTALL)
    assert re.search(r"\d\d:\d\d", sent)
    assert "govuk-tag--red" in connector
    assert "silent" in connector
    assert "by telephone" in person
    assert "govuk-tag--red" not in person
    assert "handed over by telephone at " in clock_cell
    assert "receipt is still missing" in clock_cell
    assert "overdue" not in clock_cell
    assert "govuk-tag--red" in clock_cell, "its receipt is late"
    happened = text.partition("What happened</h2>")[2]
    assert "A force&#39;s team took its part on by telephone" in happened
    for words in ("Sergeant of nights", f"Contact with victims: {CANARY}", "Their system is down.", "They ring at nine."):
        assert words in happened, words


async def test_words_stand_on_the_cases_page_alone_whose_view_is_recorded(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await tell(held, clock, b.by_telephone(comment=CANARY))
    anna = await enter("anna")
    assert CANARY in (await anna.get(f"/cases/{REFERRAL}")).text.partition("What happened</h2>")[2]
    assert CANARY not in (await anna.get(f"/cases/{REFERRAL}/timeline")).text


async def test_a_force_whose_connector_is_silent_after_a_call_stands_in_the_list_of_silent_forces(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    due = {"receipt_due_at": clock.now() - timedelta(minutes=5), "acknowledgement_due_at": clock.now() + timedelta(hours=9)}
    await tell(held, clock, b.routed(HOME, added=(HOME,), clocks=[{"force_id": HOME, "part": 2, **due}]), b.by_telephone())
    text = (await (await enter("anna")).get("/silent")).text
    assert "a person took it on by telephone" in text
    assert "the system&#39;s receipt is still missing" in text


# When it is open


def test_each_decision_is_open_while_there_is_something_to_do() -> None:
    def open_after(*facts: Any, later: timedelta = timedelta(0)) -> set[str]:
        case = b.case_of(*facts)
        return {each.code for each in deciding_handoffs.DECISIONS if each.aside and each.fits(case, NOW + later)}

    led, nobody_leads = b.routed(HOME), b.routed(HOME, home_force=None, basis=None)
    assert open_after(b.received()) == set()
    assert open_after(led) == {"record_acknowledgement", "record_call"}
    assert open_after(nobody_leads) == {"name_interim_owner", "record_acknowledgement", "record_call"}
    assert open_after(led, b.overdue()) == {"chase", "escalate", "record_acknowledgement", "record_call"}
    assert open_after(led, b.about_force(routing.HandoffAcknowledged)) == {"record_call"}
    assert open_after(led, b.fact(routing.CaseWithdrawn)) == {"record_call"}
    called = [led, b.overdue(due_at=NOW), b.by_telephone()]
    assert open_after(*called) >= {"record_call"}
    kept = b.fact(routing.CaseRestricted, kept_from=[HOME])
    assert open_after(led, kept) == {"record_call"}


def test_every_outcome_of_a_call_has_words() -> None:
    assert {each.value for each in CallOutcome} <= wording.REASONS.keys()
    on = AskedOn(shown_policy(), NOW)
    assert on.numbers == ()
