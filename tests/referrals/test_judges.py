"""The judge is not kind: for every way in which an outcome can be wrong there is a difference, and none for a right one."""

import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conduit_local.demo.expectations import differences
from conduit_local.demo.ledger import Ledger
from conduit_local.demo.notices import Notice, lacking, leaks
from conduit_local.demo.observations import Outcome, Seen, legs
from conduit_local.demo.result import Result, Row
from conduit_local.demo.samples import Sample, load_samples

SAMPLES = {sample.number: sample for sample in load_samples()}
SAMPLE = SAMPLES["003"]
REFERRAL = "0193-one"
ABOUT = {"referral_id": REFERRAL, "partner_id": "northlight", "partner_reference": "RUN-003"}
NUMBERS = itertools.count()
Stream = list[Seen]


def seen(topic: str, name: str, at: float = 0.0, principal: str = "", value: dict[str, Any] | None = None) -> Seen:
    """A record about the sample's referral, under an event id of its own."""
    content = {**ABOUT, **(value or {})}
    return Seen(topic, principal, name, f"id-{next(NUMBERS)}", at, content, json.dumps(content, sort_keys=True))


def update(revision: int, fact: str, state: str, at: float = 1.0, **more: Any) -> Seen:
    value = {"revision": revision, "fact": fact, "state": state, **more}
    return seen("partner.northlight.updates.v1", "referral_status_updated", at, "northlight", value)


def to_force(force_id: str, tokens: list[str], at: float = 1.0) -> Seen:
    value = {"force_id": force_id, "words": {token: SAMPLE.tokens[token] for token in tokens}}
    return seen(f"force.{force_id}.cases.v1", "case_disseminated", at, force_id, value)


def by_routing(name: str, at: float = 1.0, **value: Any) -> Seen:
    return seen("routing.cases.v1", name, at, value=value)


def by_triage(name: str, **value: Any) -> Seen:
    return seen("triage.decisions.v1", name, value=value)


def accepted(**more: Any) -> Seen:
    return by_triage("referral_accepted", **{"grounds": ["number_of_force_areas"], "decided_by": {"kind": "rules"}, **more})


def perfect() -> Stream:
    """Everything that comes of sample 003, as topics would show it."""
    facts = [("referral_received", "received"), ("referral_accepted", "accepted"), ("case_routed", "with_forces")]
    facts += [("handoff_received", "with_forces")] * 2 + [("handoff_acknowledged", "with_forces")] * 2
    facts += [("case_handed_over", "handed_over")]
    return [
        seen("partner.northlight.referrals.v1", "referral_submitted", 100.0, "northlight", {"submission_id": "t/0/0"}),
        seen("intake.referrals.v1", "referral_received"),
        accepted(),
        to_force("kent", sorted(SAMPLE.case.expect.seen["kent"]), 100.5),
        to_force("essex", sorted(SAMPLE.case.expect.seen["essex"]), 100.6),
        by_routing("case_routed", home_force="kent", basis="most_offence_places", added=["kent", "essex"]),
        *(by_routing("handoff_received", 101.0, force_id=force_id) for force_id in ("kent", "essex")),
        *(by_routing("handoff_acknowledged", 102.0, force_id=force_id) for force_id in ("kent", "essex")),
        *(update(number, fact, state, 102.5) for number, (fact, state) in enumerate(facts, 1)),
    ]


def judge(stream: Stream, sample: Sample = SAMPLE) -> list[str]:
    ledger = Ledger({("northlight", "RUN-003"): "003"})
    for record in stream:
        ledger.add(record)
    return differences(sample, ledger.outcomes.get("003", Outcome()))


def test_a_perfect_run_has_no_difference() -> None:
    assert judge(perfect()) == []


def test_topics_may_interleave_in_any_way() -> None:
    stream = perfect()
    by_topic = sorted(stream, key=lambda record: record.topic)
    assert judge(by_topic) == []
    assert judge(sorted(by_topic, key=lambda record: record.topic, reverse=True)) == []


def test_a_record_seen_twice_under_its_own_id_counts_once() -> None:
    stream = perfect()
    assert judge([record for record in stream for _ in range(2)]) == []


def test_nothing_at_all_is_not_as_expected() -> None:
    assert any(line.startswith("decision") for line in judge([]))


@pytest.mark.parametrize("index", range(1, len(perfect())))
def test_every_record_is_missed_when_it_is_lost(index: int) -> None:
    stream = perfect()
    lost = stream.pop(index)
    if lost.name in {"referral_received", "handoff_received"}:
        return  # later facts imply it, and the partner's own update of it is a record of its own
    assert judge(stream)


@pytest.mark.parametrize("index", range(1, len(perfect())))
def test_every_effect_is_noticed_when_it_happens_twice(index: int) -> None:
    stream = perfect()
    again = stream[index]
    if again.on in {"intake.referrals", "triage.decisions", "routing.cases"}:
        return  # state, which is the same after the same record; its effects are on the topics of partners and forces
    stream.insert(index + 1, replace(again, event_id="another"))
    assert judge(stream)


SECOND = 11
"""Where the stream has the partner's second update; the first stands before it."""


def _leak_to_essex(stream: Stream) -> None:
    stream.append(to_force("essex", ["narrative"]))


def _leak_to_a_third_force(stream: Stream) -> None:
    stream.append(to_force("surrey", []))


def _leak_to_the_partner(stream: Stream) -> None:
    stream[SECOND] = update(2, "referral_accepted", "accepted", comment=SAMPLE.tokens["person V1"])


def _hide_from_home(stream: Stream) -> None:
    stream[3] = to_force("kent", ["person V1"])


def _decline(stream: Stream) -> None:
    stream[2] = by_triage("referral_declined", officer_id="a.okafor")


def _another_home(stream: Stream) -> None:
    stream.append(by_routing("home_force_named", home_force="essex"))


def _another_ground(stream: Stream) -> None:
    stream[2] = accepted(grounds=["number_of_victims"])


def _by_an_officer(stream: Stream) -> None:
    stream[2] = accepted(decided_by={"kind": "officer", "officer_id": "a.okafor"})


def _a_review(stream: Stream) -> None:
    stream.insert(2, by_triage("review_opened", reasons=["nature_claimed"]))


def _a_routing_review(stream: Stream) -> None:
    stream.append(by_routing("routing_review_opened", reasons=["tie"]))


def _given_back(stream: Stream) -> None:
    stream.append(by_routing("handoff_declined", force_id="essex"))


def _chased(stream: Stream) -> None:
    stream.append(by_routing("handoff_overdue", force_id="essex"))


def _command_ignored(stream: Stream) -> None:
    stream.append(by_routing("command_ignored", code="last_force"))


def _rejected(stream: Stream) -> None:
    value = {"problems": [{"code": "json_invalid", "field": "value"}]}
    stream.append(seen("partner.northlight.updates.v1", "submission_rejected", 1.0, "northlight", value))


def _response_rejected(stream: Stream) -> None:
    stream.append(seen("force.kent.cases.v1", "response_rejected", 1.0, "kent", {"force_id": "kent"}))


def _dead_lettered(stream: Stream) -> None:
    headers = {"conduit-service": "routing", "conduit-reason": "handler_failed"}
    stream.append(replace(seen("routing.dead-letters.v1", ""), headers=headers))


def _repeated(stream: Stream) -> None:
    stream.append(seen("intake.referrals.v1", "submission_repeated"))


def _a_second_referral(stream: Stream) -> None:
    stream.append(seen("intake.referrals.v1", "referral_received", value={"referral_id": "0193-two"}))


def _told_to_call(stream: Stream) -> None:
    stream[SECOND] = update(2, "referral_accepted", "accepted", next_step="A child is in danger now: call 999 at once.")


def _revisions_out_of_order(stream: Stream) -> None:
    stream[SECOND], stream[SECOND + 1] = stream[SECOND + 1], stream[SECOND]


@pytest.mark.parametrize(
    "spoil",
    [
        _leak_to_essex,
        _leak_to_a_third_force,
        _leak_to_the_partner,
        _hide_from_home,
        _decline,
        _another_home,
        _another_ground,
        _by_an_officer,
        _a_review,
        _a_routing_review,
        _given_back,
        _chased,
        _command_ignored,
        _rejected,
        _response_rejected,
        _dead_lettered,
        _repeated,
        _a_second_referral,
        _told_to_call,
        _revisions_out_of_order,
    ],
)
def test_every_wrong_outcome_is_a_difference(spoil: Callable[[Stream], None]) -> None:
    stream = perfect()
    spoil(stream)
    assert judge(stream)


def test_every_sample_fails_with_another_samples_outcome() -> None:
    ledger = Ledger({("northlight", "RUN-003"): "003"})
    for record in perfect():
        ledger.add(record)
    others = [sample for sample in SAMPLES.values() if sample is not SAMPLE]
    assert all(differences(sample, ledger.outcomes["003"]) for sample in others)


def test_one_event_id_on_two_contents_is_noticed() -> None:
    ledger = Ledger({})
    first = to_force("kent", ["person V1"])
    ledger.add(first)
    ledger.add(replace(first, text="other"))
    assert ledger.reused_ids == {(first.topic, first.event_id)}


def test_a_refusal_that_names_nothing_but_a_place_is_found_by_it_in_either_order() -> None:
    problems = [{"code": "json_invalid", "field": "value"}]
    value = {"submission_id": "t/0/7", "problems": problems}
    refusal = Seen("partner.northlight.updates.v1", "northlight", "submission_rejected", "e1", 1.0, value, "")
    early, late = Ledger({}), Ledger({})
    assert early.add(refusal) == []
    assert early.place("t/0/7", "050") == [("050", refusal)]
    late.place("t/0/7", "050")
    assert late.add(refusal) == [("050", refusal)]
    assert early.outcomes["050"].rejected == late.outcomes["050"].rejected == ["json_invalid at value"]


def test_legs_count_from_the_partners_sending_to_the_last_of_the_first_forces() -> None:
    ledger = Ledger({("northlight", "RUN-003"): "003"})
    for record in perfect():
        ledger.add(record)
    found = {leg: round(seconds, 3) for leg, seconds in legs(ledger.outcomes["003"])}
    assert found == {"disseminated": 0.6, "received": 1.0, "acknowledged": 2.0, "told": 2.5}


def test_a_run_is_as_expected_only_without_any_complaint() -> None:
    row, spoilt = Row(SAMPLE, Outcome(), []), Row(SAMPLE, Outcome(), ["decision: expected x, found y"])
    assert Result([row], [], 1.0, Counter()).as_expected
    assert not Result([row, spoilt], [], 1.0, Counter()).as_expected
    assert not Result([row], ["no notice"], 1.0, Counter()).as_expected


def test_notices_that_lack_or_tell_too_much_are_found() -> None:
    outcome = Outcome(referral_ids={REFERRAL}, handoffs={"kent": "acknowledged"})
    addresses = {"northlight": ["referrals@northlight.example"]}
    to_partner = Notice("referrals@northlight.example", f"Referral: {REFERRAL}\n")
    to_kent = Notice("safeguarding@kent.police.example", f"Referral: {REFERRAL}\n")
    assert lacking([(SAMPLE, outcome)], [to_partner, to_kent], addresses) == []
    assert lacking([(SAMPLE, outcome)], [to_partner], addresses) == ["003: no notice to safeguarding@kent.police.example"]
    assert lacking([(SAMPLE, outcome)], [to_kent], addresses) == ["003: no notice to referrals@northlight.example"]
    assert leaks([SAMPLE], [to_partner, to_kent]) == []
    assert leaks([SAMPLE], [Notice("x", f"about {SAMPLE.tokens['person V1']}")]) == ["a notice holds 003's person V1"]
