"""Partners, officers and forces do what their sample says, when it says so, and each under their own name."""

import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from rich.console import Console
from standardwebhooks.webhooks import Webhook

from conduit_contracts.envelope import Attributes, decode_attributes, encode_headers, short_name
from conduit_contracts.force import CaseAcknowledged, CaseDeclined, ReceiptConfirmed
from conduit_contracts.ids import uuid7
from conduit_contracts.routing import CaseDisseminated, HandoffChased, Leg
from conduit_contracts.signing_keys import SigningKey
from conduit_contracts.triage import DecideReview
from conduit_local.demo import report
from conduit_local.demo.cases import Act, Behaviour
from conduit_local.demo.connectors import answers
from conduit_local.demo.observations import Outcome, Seen
from conduit_local.demo.observer import ALL_TOPICS, seen_of
from conduit_local.demo.officers import Officers
from conduit_local.demo.partners import Partners
from conduit_local.demo.post import writer_of
from conduit_local.demo.records import Wire
from conduit_local.demo.result import Result, Row
from conduit_local.demo.samples import Sample, load_samples
from conduit_local.demo.webhook_sink import WebhookSink
from conduit_local.local_officers import LocalOfficers

SAMPLES = {sample.number: sample for sample in load_samples()}
REFERRAL = uuid7()
SIGNER = LocalOfficers(SigningKey.generate("local.actors"))
NOW = "2026-11-23T09:30:00+00:00"


def sample_of(kind: str) -> Sample:
    return next(sample for sample in SAMPLES.values() if kind in sample.case.covers)


def event(on: str, name: str) -> Seen:
    return Seen(on, "", name, str(uuid7()), 0.0, {"referral_id": str(REFERRAL)}, "")


def commands(wires: list[Wire]) -> list[DecideReview]:
    return [DecideReview.model_validate_json(wire.value or b"") for wire in wires]


def case() -> CaseDisseminated:
    """As much of a case as a connector needs to answer it."""
    some: dict[str, Any] = {"force_id": "kent", "referral_id": REFERRAL, "partner_reference": "RUN-001"}
    return CaseDisseminated.model_construct(**some)


def chase(level: int) -> HandoffChased:
    return HandoffChased.model_validate(
        {"force_id": "kent", "referral_id": str(REFERRAL), "leg": Leg.RECEIPT, "due_at": NOW, "escalation_level": level},
        strict=False,
    )


class TestPartners:
    def test_a_record_without_a_condition_is_sent_at_once_and_only_once(self) -> None:
        sample = sample_of("one force")
        partners = Partners({sample.number: sample}, "RUN")
        assert len(list(partners.due(sample.number, Outcome()))) == 1
        assert list(partners.due(sample.number, Outcome())) == []
        assert partners.waiting == 0

    def test_the_next_record_waits_for_the_fact_that_it_names(self) -> None:
        sample = sample_of("withdrawal before routing")
        partners = Partners({sample.number: sample}, "RUN")
        (first,) = partners.due(sample.number, Outcome())
        assert list(partners.due(sample.number, Outcome(told=Counter({"referral_received": 1})))) == []
        (second,) = partners.due(sample.number, Outcome(told=Counter({"review_opened": 1})))
        assert decode_attributes(second.headers).type.endswith("referral-withdrawn.v1")
        assert first.key == second.key, "one referral's records share a key, and so an order"

    def test_the_same_record_again_is_the_same_to_the_letter_and_the_same_content_is_another_event(self) -> None:
        again = sample_of("the very same record again")
        first, *others = Partners({again.number: again}, "RUN").due(again.number, Outcome())
        assert all(other == first for other in others)
        repeated = sample_of("the same content again")
        told = Outcome(told=Counter({"case_handed_over": 1}))
        one, two = Partners({repeated.number: repeated}, "RUN").due(repeated.number, told)
        assert one.value == two.value
        assert decode_attributes(one.headers).id != decode_attributes(two.headers).id


class TestOfficers:
    def test_an_officer_acts_on_what_the_sample_waits_for_and_not_before(self) -> None:
        sample = SAMPLES["063"]
        officers = Officers({"063": sample}, SIGNER)
        assert list(officers.see("063", event("intake.referrals.v1", "referral_received"))) == []
        first = commands(list(officers.see("063", event("triage.decisions.v1", "review_opened"))))
        second = commands(list(officers.see("063", event("triage.decisions.v1", "review_opened"))))
        assert [(each.officer_id, each.outcome) for each in first + second] == [
            ("a.okafor", "decline"),
            ("b.lindqvist", "accept"),
        ]

    def test_two_acts_may_follow_from_one_event(self) -> None:
        officers = Officers({"076": SAMPLES["076"]}, SIGNER)
        garbage, decision = officers.see("076", event("triage.decisions.v1", "review_opened"))
        assert json.loads(garbage.value or b"") == {"officer_id": "a.okafor"}
        assert commands([decision])[0].outcome == "decline"

    def test_every_officers_act_in_the_samples_makes_a_command_for_its_topic(self) -> None:
        for sample in SAMPLES.values():
            for act in sample.case.officers:
                on = "triage.decisions.v1" if act.do in {"accept", "decline", "request_information"} else "routing.cases.v1"
                alone = sample.case.model_copy(update={"officers": (act.model_copy(update={"nth": 1}),)})
                officers = Officers({sample.number: Sample(sample.number, sample.name, alone, sample.base)}, SIGNER)
                (wire,) = officers.see(sample.number, event(on, act.when))
                assert writer_of(wire.topic) == "service.console"
                assert wire.key == str(REFERRAL).encode()

    def test_other_peoples_topics_move_no_officer(self) -> None:
        officers = Officers({"063": SAMPLES["063"]}, SIGNER)
        assert list(officers.see("063", event("partner.northlight.updates.v1", "review_opened"))) == []

    def test_an_act_is_refused_where_its_words_are_not_known(self) -> None:
        with pytest.raises(ValueError, match="do"):
            Act.model_validate({"when": "review_opened", "officer": "a.okafor", "do": "forget"})


class TestForces:
    def answered(self, does: str, *messages: CaseDisseminated | HandoffChased, **more: str) -> list[str]:
        silent: set[str] = set()
        behaviour = Behaviour.model_validate({"does": does, **more})
        return [type(answer).__name__ for message in messages for answer in answers(behaviour, message, "kent", silent)]

    @pytest.mark.parametrize(
        ("does", "expected"),
        [
            ("acknowledges", ["ReceiptConfirmed", "CaseAcknowledged"]),
            ("declines", ["ReceiptConfirmed", "CaseDeclined"]),
            ("only_receives", ["ReceiptConfirmed"]),
            ("answers_late", ["ReceiptConfirmed"]),
            ("answers_for_another_first", ["ReceiptConfirmed", "ReceiptConfirmed", "CaseAcknowledged"]),
            ("nothing", []),
            ("waits_for_escalation", []),
        ],
    )
    def test_each_behaviour_answers_a_case_as_it_says(self, does: str, expected: list[str]) -> None:
        assert self.answered(does, case()) == expected

    def test_a_silent_force_answers_an_escalation_once_and_no_chase_before_it(self) -> None:
        assert self.answered("waits_for_escalation", case(), chase(0)) == []
        answered = self.answered("waits_for_escalation", case(), chase(0), chase(1), chase(2))
        assert answered == ["ReceiptConfirmed", "CaseAcknowledged"]

    def test_a_force_that_answered_does_not_answer_a_chase_again(self) -> None:
        assert self.answered("acknowledges", case(), chase(1)) == ["ReceiptConfirmed", "CaseAcknowledged"]

    def test_a_decline_names_the_suggestion(self) -> None:
        behaviour = Behaviour(does="declines", suggests="essex")
        _, declined = answers(behaviour, case(), "kent", set())
        assert isinstance(declined, CaseDeclined)
        assert declined.suggested_force == "essex"

    def test_an_answer_for_another_force_names_another_force(self) -> None:
        first, receipt, acknowledged = answers(Behaviour(does="answers_for_another_first"), case(), "kent", set())
        assert isinstance(first, ReceiptConfirmed)
        assert first.force_id != "kent"
        assert isinstance(receipt, ReceiptConfirmed)
        assert receipt.force_id == "kent"
        assert isinstance(acknowledged, CaseAcknowledged)


@pytest.mark.parametrize(
    ("topic", "user"),
    [
        ("partner.northlight.referrals.v1", "partner.northlight"),
        ("force.kent.responses.v1", "force.kent"),
        ("triage.reviews.v1", "service.console"),
        ("routing.reviews.v1", "service.console"),
        ("notification.reviews.v1", "service.console"),
        ("programme.commands.v1", "programme"),
    ],
)
def test_each_record_is_sent_as_the_one_whose_topic_it_is(topic: str, user: str) -> None:
    assert writer_of(topic) == user


def test_a_topic_of_nobody_is_nobodys_to_write() -> None:
    with pytest.raises(ValueError, match=r"no topic of the conduit is called someone\.else"):
        writer_of("someone.else")


def test_every_topic_of_the_conduit_is_observed() -> None:
    names = ("intake.dead-letters.v1", "force.kent.cases.v1", "partner.a-b.updates.v1", "notification.notices.v1")
    assert all(re.match(ALL_TOPICS, name) for name in names)
    assert not re.match(ALL_TOPICS, "__consumer_offsets")


def raw(topic: str, value: bytes | None, headers: Sequence[tuple[str, bytes | None]], key: bytes = b"k") -> Any:
    """What a consumer would give."""
    return SimpleNamespace(topic=topic, value=value, headers=headers, key=key, partition=1, offset=7, timestamp=1_000)


@pytest.mark.parametrize("value", [None, b"{", b"[1]", b"\xff", b'{"partner_reference": "R"}'])
def test_whatever_lies_on_a_topic_can_be_observed(value: bytes | None) -> None:
    seen = seen_of(raw("partner.northlight.referrals.v1", value, [("ce_type", None), ("x", b"\xe9")]))
    assert seen.on == "partner.referrals"
    assert seen.principal == "northlight"
    assert seen.event_id == seen.value["submission_id"] == "partner.northlight.referrals.v1/1/7"


def test_a_dead_letter_is_known_by_its_key() -> None:
    headers = [("conduit-topic", b"partner.northlight.referrals.v1"), ("conduit-service", b"intake")]
    seen = seen_of(raw("intake.dead-letters.v1", b"\x00packed", headers, b"RUN-044"))
    assert seen.value == {"partner_id": "northlight", "partner_reference": "RUN-044"}
    within = seen_of(raw("routing.dead-letters.v1", b"", [("conduit-topic", b"triage.decisions.v1")], b"0193"))
    assert within.value == {"referral_id": "0193"}


def test_an_event_is_called_by_its_short_name() -> None:
    headers = encode_headers(Attributes("1", "/routing", "uk.conduit.routing.handoff-received.v1", case_time()))
    assert short_name(dict(headers)["ce_type"].decode()) == "handoff_received"
    assert short_name("nonsense") == ""


def case_time() -> datetime:
    return datetime.fromisoformat(NOW)


async def test_the_webhook_sink_takes_signed_notices_alone(tmp_path: Path) -> None:
    async with WebhookSink(tmp_path, "open-door") as sink, httpx.AsyncClient(trust_env=False) as client:
        secret = Webhook((tmp_path / "open-door").read_text())
        now, body = datetime.now(UTC), '{"type": "partner.case_handed_over"}'
        signed = {
            "webhook-id": "n1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": secret.sign("n1", now, body),
        }
        assert (await client.post(sink.url, content=body, headers=signed)).status_code == 204
        assert (await client.post(sink.url, content=body + " ", headers=signed)).status_code == 401
        assert (await client.post(sink.url, content=body)).status_code == 401
        assert (sink.taken, sink.refused) == ({"n1": body}, 2)


def test_the_table_ticks_and_crosses_and_spells_differences_out() -> None:
    good = Row(SAMPLES["001"], Outcome(accepted_by="rules", home="kent", handoffs={"kent": "acknowledged"}), [])
    bad = Row(SAMPLES["002"], Outcome(), ["decision: expected accepted by rules, found nothing yet"])
    output = io.StringIO()
    report.show(Console(file=output, width=200), Result([good, bad], ["routing has ended"], 1.0, Counter()))
    text = output.getvalue()
    assert "✔" in text
    assert "✘ 002 many-suspects: decision: expected accepted by rules, found nothing yet" in text
    assert "✘ routing has ended" in text
    assert "1 of 2 referrals as expected" in text


def test_the_report_holds_nothing_of_a_case(tmp_path: Path) -> None:
    rows = [Row(sample, Outcome(), []) for sample in SAMPLES.values()]
    report.write(tmp_path / "demo.json", Result(rows, [], 1.0, Counter()), seconds_in_all=2.0)
    text = (tmp_path / "demo.json").read_text()
    assert json.loads(text)["as_expected"]
    assert not [words for sample in SAMPLES.values() for words in sample.tokens.values() if words in text]
