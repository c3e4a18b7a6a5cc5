"""Compares what came of a sample with what was expected: pure, and the one judge of the demo and the end-to-end tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from conduit_local.demo.cases import Expectation
from conduit_local.demo.observations import Outcome, plain_json
from conduit_local.demo.samples import Sample

CALL_999 = "call 999"
REMINDERS = ("handoff_overdue", "handoff_escalated")


def differences(sample: Sample, outcome: Outcome) -> list[str]:
    """Each way in which the outcome is not as expected, in words; empty when it is."""
    expect = sample.case.expect
    return [
        *_facts(expect, outcome),
        *_need_to_know(sample, outcome),
        *_once_and_in_order(outcome),
    ]


def _facts(expect: Expectation, outcome: Outcome) -> Iterator[str]:
    for what, wanted, found in _pairs(expect, outcome):
        if wanted != found:
            yield f"{what}: expected {_show(wanted)}, found {_show(found)}"
    for what, least, counts in (
        ("chased", expect.chased, outcome.chased),
        ("escalated", expect.escalated, outcome.escalated),
    ):
        for force_id, times in least.items():
            if counts[force_id] < times:
                yield f"{force_id} {what}: expected at least {times} times, found {counts[force_id]}"


def _pairs(expect: Expectation, outcome: Outcome) -> Iterator[tuple[str, Any, Any]]:
    yield "decision", expect.decision, outcome.decision
    yield "grounds", set(expect.grounds), outcome.grounds
    yield "review", set(expect.review), outcome.reviewed
    yield "routing review", set(expect.routing_review), outcome.routing_reviews - _last_reminder(expect)
    yield "home force", expect.home, outcome.home
    yield "basis", expect.basis, outcome.basis
    yield "hand-offs", expect.handoffs, outcome.handoffs
    yield "forces that got records", set(expect.handoffs), {force for force, got in outcome.got.items() if got.total()}
    yield "state", expect.state, outcome.state
    yield "told", Counter(expect.told), _without_more_reminders(expect, outcome.told)
    yield "told to call 999", expect.told_to_call_999, any(CALL_999 in step for step in outcome.next_steps)
    yield "warned", list(expect.warned), outcome.warned
    yield "kept from", set(expect.kept_from), outcome.kept_from
    yield "professional standards told", set(expect.standards_told), outcome.standards_told
    yield "rejected", list(expect.rejected), outcome.rejected
    yield "dead letters", set(expect.dead_letters), outcome.dead_letters
    yield "repeated", expect.repeated, outcome.repeated
    yield "commands that did not fit", set(expect.ignored), outcome.ignored
    yield "commands refused", set(expect.refused), outcome.refused
    yield "responses rejected", Counter(expect.responses_rejected), +outcome.responses_rejected
    yield "forces chased", set(expect.chased), set(outcome.chased)
    yield "forces escalated", set(expect.escalated), set(outcome.escalated)


def _without_more_reminders(expect: Expectation, told: Counter[str]) -> Counter[str]:
    """A slow machine may chase once more before a late force answers."""
    fewer = {fact: min(told[fact], expect.told[fact]) for fact in REMINDERS if fact in expect.told}
    return Counter({**told, **fewer})


def _last_reminder(expect: Expectation) -> set[str]:
    """On a slow machine the levels may run out before a late force that is escalated answers."""
    late = expect.escalated and "escalation_exhausted" not in expect.routing_review
    return {"escalation_exhausted"} if late else set()


def _need_to_know(sample: Sample, outcome: Outcome) -> Iterator[str]:
    for force_id, tokens in sample.case.expect.seen.items():
        yield from (
            f"{force_id} was not shown {token}" for token in tokens - shown(sample, outcome.force_records.get(force_id, ()))
        )
    for force_id, tokens in sample.case.expect.hidden.items():
        leaked = tokens & shown(sample, outcome.force_records.get(force_id, ()))
        yield from (f"{force_id} was shown {token}, which it need not know" for token in leaked)
    yield from (f"an update to the partner holds {token}" for token in shown(sample, outcome.partner_records))


def shown(sample: Sample, texts: Iterable[str]) -> set[str]:
    """The names of the sample's tokens that stand in any of the texts, each a `plain_json`."""
    spelled = {token: plain_json(text)[1:-1] for token, text in sample.tokens.items()}
    return {token for text in texts for token, words in spelled.items() if words in text}


def _once_and_in_order(outcome: Outcome) -> Iterator[str]:
    if len(outcome.referral_ids) > 1:
        yield f"one referral has {len(outcome.referral_ids)} ids"
    yield from (f"sent twice: {what}" for what in sorted(outcome.sent_twice))
    if outcome.revisions != list(range(1, len(outcome.revisions) + 1)):
        yield f"revisions of the updates: expected 1, 2, 3 without gaps, found {outcome.revisions}"


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {number}" for key, number in sorted(value.items())) or "none"
    if isinstance(value, Set | list):
        return ", ".join(sorted(map(str, value))) or "none"
    return str(value) if value not in (None, "") else "none"
