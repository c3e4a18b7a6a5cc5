"""What the two promises count, sentence by sentence."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from conduit_contracts.envelope import Message
from conduit_contracts.ids import moment_of, uuid7
from conduit_contracts.referral import Urgency
from conduit_contracts.routing import CaseDisseminated
from conduit_contracts.triage import ByOfficer
from conduit_routing import metrics, service_levels
from conduit_routing.case import Stored
from conduit_routing.turn import WrongReaderError
from services.routing.tests.builders import (
    NOW,
    OFFICER,
    Desk,
    accepted,
    acknowledged,
    danger,
    declined,
    place,
    received,
    referral,
    supplement,
    withdrawn,
)

ID = uuid7(NOW - timedelta(seconds=3))
KENT = [place("L1", "kent")]
URGENT = referral(KENT, urgency=Urgency.URGENT)
"""Receipt within 15 minutes, acknowledgement within 4 hours; five steps, an hour apart."""


class Hours:
    """A case that goes on, and what its clocks count on the way."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.counted: Counter[str] = Counter()
        self.states: list[str] = []
        self.say(accepted(URGENT, ID))

    def say(self, message: Message, principal: str | None = None) -> "Hours":
        """Let a record have its effect."""
        return self._counting(lambda: self.desk.deliver(message, principal=principal))

    def wait(self, minutes: float, times: int = 1) -> "Hours":
        """Let time pass, so many times, with a look at the clocks after each."""
        for _ in range(times):
            self._counting(lambda: self.desk.wait(minutes * 60))
        return self

    def _counting(self, act: Any) -> "Hours":
        case = self.desk.work.cases.get(ID)
        if case is not None:
            case.stored = Stored(case.version, case.priority, dict(case.handoffs), dict(case.reviews))
        act()
        case = self.desk.work.cases[ID]
        self.counted.update(
            f"{leg.value} {outcome}" for leg, outcome in service_levels.clock_outcomes(case, self.desk.work.now)
        )
        self.states += [state.value for state in service_levels.new_states(case)]
        return self


def test_clocks_are_kept_by_answers_in_time(desk: Desk) -> None:
    hours = Hours(desk).wait(10).say(received(ID, "kent"), "kent").wait(100).say(acknowledged(ID, "kent"), "kent")
    assert hours.counted == {"receipt kept": 1, "acknowledgement kept": 1}
    assert hours.states == ["disseminated", "received", "acknowledged"]


@pytest.mark.parametrize("answer", [acknowledged, declined])
def test_an_answer_without_a_receipt_keeps_both(desk: Desk, answer: Any) -> None:
    hours = Hours(desk).wait(10).say(answer(ID, "kent"), "kent").wait(300, times=3)
    assert hours.counted == {"receipt kept": 1, "acknowledgement kept": 1}


def test_a_late_receipt_is_one_breach_however_often_it_was_chased(desk: Desk) -> None:
    hours = Hours(desk).wait(60, times=3).say(received(ID, "kent"), "kent").say(acknowledged(ID, "kent"), "kent")
    assert hours.counted == {"receipt breached": 1, "acknowledgement kept": 1}


def test_a_late_acknowledgement_is_one_breach_whether_the_clock_was_looked_at_or_not(desk: Desk) -> None:
    hours = Hours(desk).say(received(ID, "kent"), "kent").wait(241, times=1)
    assert hours.counted == {"receipt kept": 1, "acknowledgement breached": 1}
    assert hours.wait(60, times=9).say(acknowledged(ID, "kent"), "kent").counted.total() == 2


def test_an_answer_between_the_deadline_and_the_next_look_is_late(desk: Desk) -> None:
    hours = Hours(desk).say(received(ID, "kent"), "kent")
    desk.work.now += timedelta(hours=5)
    assert hours.say(acknowledged(ID, "kent"), "kent").counted == {"receipt kept": 1, "acknowledgement breached": 1}


def test_a_force_that_never_answers_breaches_both_once(desk: Desk) -> None:
    hours = Hours(desk).wait(60, times=12)
    assert hours.counted == {"receipt breached": 1, "acknowledgement breached": 1}
    assert hours.say(acknowledged(ID, "kent"), "kent").counted.total() == 2


def test_a_withdrawal_stops_clocks_that_then_count_as_neither(desk: Desk) -> None:
    hours = Hours(desk).say(withdrawn(ID)).wait(60, times=3).say(acknowledged(ID, "kent"), "kent")
    assert not hours.counted


def promised(desk: Desk, message: Message) -> list[tuple[str, Any]]:
    return desk.deliver(message).promised


def test_the_promise_to_forces_counts_from_when_the_partner_referred(desk: Desk) -> None:
    at = moment_of(ID)
    assert promised(desk, accepted(URGENT, ID)) == [("force.kent.cases.v1", at)]
    assert at == NOW - timedelta(seconds=3)
    another = uuid7(NOW)
    assert promised(desk, danger(referral(KENT, immediate_danger=True), another)) == [("force.kent.cases.v1", NOW)]


def test_it_does_not_count_what_a_person_or_a_later_word_of_the_partner_decided(desk: Desk) -> None:
    assert promised(desk, accepted(URGENT, ID, decided_by=ByOfficer(officer_id=OFFICER))) == []
    assert promised(desk, accepted(URGENT, uuid7(NOW), supplements=(supplement(),))) == []


def test_what_is_for_one_force_never_goes_to_another(desk: Desk) -> None:
    told = desk.deliver(accepted(URGENT, ID)).one(CaseDisseminated)
    before = metrics.WRONG_READER._value.get()
    turn = desk.work.turn(desk.case(ID), "rules")
    with pytest.raises(WrongReaderError):
        turn.send("essex", told)
    assert metrics.WRONG_READER._value.get() == before + 1


async def test_the_counters_follow(desk: Desk) -> None:
    def value(metric: Any, *labels: str) -> float:
        return float(metric.labels(*labels)._value.get())

    desk.deliver(accepted(URGENT, ID))
    case = desk.case(ID)
    case.stored = Stored(case.version, case.priority, dict(case.handoffs), {})
    before = value(metrics.CLOCKS, "receipt", "kept"), value(metrics.HANDOFF_CHANGES, "received")
    desk.deliver(received(ID, "kent"), principal="kent")
    metrics.count([case], desk.work.now)
    assert (value(metrics.CLOCKS, "receipt", "kept"), value(metrics.HANDOFF_CHANGES, "received")) == (
        before[0] + 1,
        before[1] + 1,
    )
