"""What consents allow, and what follows from days and amounts."""

from __future__ import annotations

from datetime import date

import pytest

from conduit_programme.experience import fields, rules
from conduit_programme.experience.rules import ConsentLine, ConsentPurpose, PaymentState, WellbeingMoment, WellbeingOutcome

DAY = date(2026, 11, 30)
RECORD, QUOTE, CONTACT, PUBLISH = ConsentPurpose


def lines(*given: ConsentPurpose, without: tuple[ConsentPurpose, ...] = ()) -> list[ConsentLine]:
    return [ConsentLine(each, each not in without, DAY, "contributor") for each in (*given, *without)]


def test_nothing_stands_without_what_it_needs() -> None:
    assert rules.standing(lines()) == frozenset()
    assert rules.standing(lines(RECORD, QUOTE, CONTACT, PUBLISH)) == frozenset(ConsentPurpose)
    assert rules.standing(lines(QUOTE, CONTACT, PUBLISH, without=(RECORD,))) == {CONTACT}
    assert rules.standing(lines(RECORD, PUBLISH, without=(QUOTE,))) == {RECORD}


@pytest.mark.parametrize(
    ("purpose", "ends"),
    [(RECORD, {RECORD, QUOTE, PUBLISH}), (QUOTE, {QUOTE, PUBLISH}), (PUBLISH, {PUBLISH}), (CONTACT, {CONTACT})],
)
def test_a_withdrawal_takes_what_needs_it_with_it(purpose: ConsentPurpose, ends: set[ConsentPurpose]) -> None:
    assert set(rules.falls_with(purpose)) == ends


def test_a_consent_is_asked_for_only_where_it_can_stand() -> None:
    assert rules.may_be_given(RECORD, frozenset())
    assert not rules.may_be_given(RECORD, frozenset({RECORD}))
    assert not rules.may_be_given(PUBLISH, frozenset({RECORD}))
    assert rules.may_be_given(CONTACT, frozenset())


@pytest.mark.parametrize(
    ("last", "again"),
    [(DAY, date(2027, 11, 30)), (date(2028, 2, 29), date(2029, 2, 28)), (date(2027, 2, 28), date(2028, 2, 28))],
)
def test_consents_are_looked_at_after_a_year(last: date, again: date) -> None:
    assert rules.next_anniversary(last) == again


@pytest.mark.parametrize("today", [DAY, date(2028, 2, 29), date(2029, 2, 28), date(2029, 3, 1), date(2028, 2, 28)])
def test_who_is_due_for_a_review_is_exactly_who_was_last_asked_a_year_ago(today: date) -> None:
    last = rules.looked_at_before(today)
    assert rules.next_anniversary(last) <= today
    assert rules.next_anniversary(date.fromordinal(last.toordinal() + 1)) > today


def test_a_conversation_begins_when_somebody_asked_and_nobody_said_stop() -> None:
    assert [each for each in (None, *WellbeingOutcome) if rules.may_be_held(each)] == [
        WellbeingOutcome.WELL,
        WellbeingOutcome.SUPPORT,
    ]
    days = rules.check_days(DAY)
    assert days[WellbeingMoment.BEFORE] == DAY < days[WellbeingMoment.AFTER]


def test_words_are_kept_of_what_took_place_and_with_consent_alone() -> None:
    assert rules.may_be_kept(frozenset({RECORD}), DAY)
    assert not rules.may_be_kept(frozenset({RECORD}), None)
    assert not rules.may_be_kept(frozenset({CONTACT}), DAY)


@pytest.mark.parametrize(
    ("text", "pence"),
    [("25", 2500), ("£25.50", 2550), (" 0.01 ", 1), ("0", None), ("-1", None), ("1.5", None), ("12345", None), ("", None)],
)
def test_an_amount_is_read_as_people_write_it(text: str, pence: int | None) -> None:
    assert rules.read_pence(text) == pence


def test_a_payment_goes_its_way_and_ends_when_it_is_paid() -> None:
    assert rules.PAYMENT_STEPS[PaymentState.DUE] == (PaymentState.OFFERED,)
    assert PaymentState.OFFERED in rules.PAYMENT_STEPS[PaymentState.DECLINED]
    assert rules.PAYMENT_STEPS[PaymentState.PAID] == ()


def test_a_reference_is_by_chance() -> None:
    drawn = {rules.draw_reference() for _ in range(200)}
    assert len(drawn) == 200
    assert {len(each) for each in drawn} == {12}


def test_a_form_waits_for_what_must_be_said_first() -> None:
    asked = fields.of_consent(PUBLISH)
    given = {"told": "", "on_day": "2026-11-30", "said_by": "contributor"}
    assert fields.problems(asked, given, DAY) == {"told": fields.NOT_SAID}
    assert fields.problems(asked, given | {"told": "print"}, DAY) == {}
    assert fields.problems(fields.of_consent(RECORD), given, date(2026, 11, 29)) == {"on_day": fields.NOT_YET}
    one_box = {"words": "Synthetic", "sure": "harm"}
    assert fields.problems(fields.QUOTE, one_box, DAY) == {"sure": fields.NOT_SAID}
