"""Every text: complete, plain, and without a place for a case."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP, default
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.advice import Advice
from conduit_contracts.console import GlassBroken
from conduit_contracts.notification import Channel
from conduit_contracts.programme import Contact
from conduit_contracts.routing import ProfessionalStandardsInformed, RoutingReviewReason
from conduit_notification import notices, rendering
from conduit_notification.duty import Kind
from conduit_notification.notices import HUB, PARAMETERS, Claimed
from conduit_notification.rendering import AddressInvalidError
from conduit_notification.templates import COMPUTED, IN_DANGER, TEXTS, Template, parameters
from services.notification.tests import builders as b
from services.notification.tests.builders import CALL_999, HOME, NOW, PARTNER, REFERRAL, WAYS, Bench

NOTICE_ID = UUID("5d0f6b1e-33a8-5c11-9d6b-0f6f5f6b7a10")
HUB_URL = "https://hub.example/"
SENDER = "conduit@hub.example"
STORY = (
    b.received(),
    b.received(danger=True),
    b.rejected(),
    b.asked(),
    b.accepted(),
    b.declined(),
    b.routed(HOME, danger=True),
    b.overdue(),
    b.escalated(),
    b.handed_over(),
    b.routing_review(),
)
ONE = (Contact(email="a@x.example"),)


def claimed(template: Template, params: Mapping[str, object], referral_id: UUID | None = REFERRAL) -> Claimed:
    audience = {"partner": f"partner:{PARTNER}", "force": f"force:{HOME}", "hub": HUB}[template.value.partition("_")[0]]
    return Claimed(NOTICE_ID, audience, 0, Channel.EMAIL, template.value, referral_id, params, 1, NOW, None)


def filled(template: Template) -> Claimed:
    given = {name: f"<{name}>" for name in parameters(template)}
    return claimed(template, given | ({"kind": Kind.DANGER_REFUSED.value} if "kind" in given else {}))


def mail(notice: Claimed, recipient: str = "team@example-haven.example") -> bytes:
    return rendering.email(notice, recipient, sender=SENDER, ways=WAYS)


@pytest.mark.parametrize("template", Template)
def test_every_template_has_a_text_with_allowed_fields_only(template: Template) -> None:
    assert TEXTS[template].is_valid()
    assert set(TEXTS[template].get_identifiers()) <= PARAMETERS | COMPUTED


@pytest.mark.parametrize("template", Template)
def test_every_template_renders_with_exactly_its_parameters(template: Template) -> None:
    notice = filled(template)
    text = rendering.body(notice, WAYS)
    assert "$" not in text
    assert all(f"<{name}>" in text for name in set(TEXTS[template].get_identifiers()) - COMPUTED)
    for missing in parameters(template) - {"due", "token", "kind", "look_at", "by_telephone"}:
        fewer = {name: value for name, value in notice.params.items() if name != missing}
        with pytest.raises(KeyError):
            rendering.body(claimed(template, fewer), WAYS)


@pytest.mark.parametrize("template", Template)
def test_every_text_is_plain_ascii_in_short_lines(template: Template) -> None:
    text = rendering.body(filled(template), WAYS)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 78


def test_an_e_mail_says_that_there_is_nothing_to_do_only_where_the_update_says_so_too() -> None:
    field = "persons[12].present_district_code"
    warnings = tuple(Advice(code="district_code_unknown", field=field, message="Check it.") for _ in range(8))
    for told in ((), warnings[:1], warnings):
        bench = Bench({f"partner:{PARTNER}": ONE}).take(b.received().model_copy(update={"warnings": told}))
        (notice,) = bench.notices
        text = rendering.body(claimed(notice.template, notice.params), WAYS)
        assert ("You do not need to do anything now" in text) is (bench.last.next_step is None)
        assert (field in text) is (len(told) > 0)
        assert "Check it." not in text
        assert ("and 3 more" in " ".join(text.split())) is (len(told) == 8)
        assert max(map(len, text.splitlines())) <= 78


def test_handlers_queue_every_template_but_the_failures_with_exactly_its_parameters() -> None:
    known = {f"partner:{PARTNER}": ONE, f"force:{HOME}": ONE, HUB: ONE}
    again = Bench(known).take(b.routed(again=[HOME])).notices
    told = b.read(b.example_record(ProfessionalStandardsInformed.type))
    department = {notices.professional_standards(told.message.force_id): ONE}
    again += Bench(known | department).take(told).notices
    made = {
        notice.template: notice
        for notice in [
            *Bench(known).take(*STORY).notices,
            *Bench(known).take(b.routed()).notices,
            *Bench(known).take(b.rejected(in_danger=True), b.overdue(), b.escalated()).notices,
            *Bench(known).take(b.danger_reported(waits_until=b.NOW)).notices,
            *Bench(known).take(b.routed(), b.routing_review(reason=RoutingReviewReason.TIE)).notices,
            *Bench(known).take(b.routing_review(), b.restricted()).notices,
            *Bench(known).take(b.read(b.example_record(GlassBroken.type))).notices,
            *again,
        ]
    }
    elsewhere = {
        *(Template.HUB_DUTY_DANGER, Template.HUB_DUTY_TASK),
        *(Template.HUB_CONTACTS_PROPOSED, Template.HUB_CONTACTS_CHANGED),
    }
    assert set(made) == set(Template) - elsewhere - {Template.HUB_NOTICE_FAILED}
    for template, notice in made.items():
        assert set(notice.params) == parameters(template)


@pytest.mark.parametrize("template", Template)
def test_an_e_mail_is_what_the_standards_ask_for(template: Template) -> None:
    raw = mail(filled(template))
    assert b"\r\n" in raw
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = message_from_bytes(raw, policy=default)
    assert not message.defects
    assert message["Message-ID"] == f"<{NOTICE_ID}@hub.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    assert message["From"].addresses[0].addr_spec == SENDER
    assert message.get_content_type() == "text/plain"
    assert len(message.get_all("To") or []) == 1


def test_words_beyond_ascii_arrive_as_they_are() -> None:
    words = "Ffoniwch 999 — peidiwch ag aros, ewch â'r plentyn i le diogel. " * 3
    notice = filled(Template.PARTNER_IMMEDIATE_DANGER)
    raw = rendering.email(notice, "a@x.example", sender=SENDER, ways=replace(WAYS, danger_next_step=words))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    text = message_from_bytes(raw, policy=default).get_content()
    assert " ".join(words.split()) in " ".join(text.split())


def test_the_same_notice_gives_the_same_bytes_so_that_a_second_copy_can_be_dropped() -> None:
    notice = filled(Template.PARTNER_REFERRAL_DECLINED)
    assert mail(notice) == mail(notice)


@pytest.mark.parametrize("template", Template)
def test_a_subject_holds_one_reference_and_no_state(template: Template) -> None:
    kind = {"kind": Kind.NO_FORCE.value} if "task_id" in parameters(template) else {}
    notice = claimed(template, dict.fromkeys(parameters(template), "declined") | {"partner_reference": "REF-1"} | kind)
    subject = message_from_bytes(mail(notice), policy=default)["Subject"]
    assert "declined" not in subject
    if not template.value.startswith("hub_contacts"):
        assert subject.endswith(": REF-1")


@pytest.mark.parametrize("template", Template)
def test_danger_and_nothing_else_has_danger_in_its_subject(template: Template) -> None:
    subject = message_from_bytes(mail(filled(template)), policy=default)["Subject"]
    text = rendering.body(filled(template), WAYS)
    assert ("danger" in template.value) == ("DANGER" in subject or "CALL 999" in subject)
    if template.value.startswith("force_") and "danger" in template.value:
        assert "control room: the hub does not have its number." in " ".join(text.split())
        told = replace(filled(template), control_room="+441004960001")
        assert "control room: +441004960001." in " ".join(rendering.body(told, WAYS).split())


@pytest.mark.parametrize("template", [each for each in Template if "overdue" in each.value or "escalated" in each.value])
def test_a_reminder_gives_the_deadline(template: Template) -> None:
    assert "Was due:      <due>" in rendering.body(filled(template), WAYS)
    without = {name: value for name, value in filled(template).params.items() if name != "due"}
    assert "not given" in rendering.body(claimed(template, without), WAYS), "a release before queued it"


@pytest.mark.parametrize("template", Template)
def test_without_pages_no_text_holds_a_link_and_with_them_those_that_open(template: Template) -> None:
    text = rendering.body(filled(template), WAYS)
    assert "http" not in text
    assert "link" not in text.lower()
    there = replace(WAYS, hub_url="https://hub.example/", duty_url="https://duty.example")
    for found in re.findall(r"https?://\S+", rendering.body(filled(template), there)):
        assert found in {f"https://hub.example/referrals/{REFERRAL}", "https://duty.example/duty/<token>"}


@pytest.mark.parametrize("template", [each for each in Template if not each.value.startswith("hub_")])
def test_outside_the_hubs_hours_every_text_says_when_a_person_reads_it(template: Template) -> None:
    at_night = replace(filled(template), created_at=datetime(2026, 11, 27, 23, 0, tzinfo=UTC))
    said = "The hub is closed now. Anything that needs a person at the hub will be read from 08:00 on Monday 30 November."
    if template in IN_DANGER:
        said = (
            "The hub is closed now. If a person at the hub has to act on this danger, the duty officer is called at once. "
            "Everything else will be read from 08:00 on Monday 30 November."
        )
    assert said in " ".join(rendering.body(at_night, WAYS).split())
    assert "closed" not in rendering.body(filled(template), WAYS)


def test_a_forces_subject_shows_the_referrals_id() -> None:
    subject = message_from_bytes(mail(filled(Template.FORCE_CASE_DISSEMINATED)), policy=default)["Subject"]
    assert subject == f"Referral conduit: {REFERRAL}"


def test_in_danger_the_policys_words_come_first() -> None:
    text = rendering.body(filled(Template.PARTNER_IMMEDIATE_DANGER), WAYS)
    assert text.startswith(CALL_999)


def test_a_link_leads_to_the_referral_at_the_hub() -> None:
    text = rendering.body(filled(Template.PARTNER_REFERRAL_RECEIVED), replace(WAYS, hub_url=HUB_URL))
    assert f"See https://hub.example/referrals/{REFERRAL}\n" in text


@pytest.mark.parametrize(
    "recipient", ["a,b@x.example", "a@x.example, c", "a@", "<a@x.example>", "ä@x.example", "a b@x.example"]
)
def test_an_address_that_is_not_one_plain_address_gets_no_mail(recipient: str) -> None:
    with pytest.raises(AddressInvalidError):
        mail(filled(Template.PARTNER_REFERRAL_RECEIVED), recipient)


@given(st.text(max_size=60))
def test_no_reference_can_break_out_of_a_header(reference: str) -> None:
    notice = claimed(Template.PARTNER_REFERRAL_RECEIVED, {"partner_reference": reference, "state": "received"})
    try:
        raw = mail(notice)
    except ValueError:
        return
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line and line[:1] not in b" \t"]
    assert sorted(names) == sorted(
        name.encode() for name in message_from_bytes(mail(filled(Template.PARTNER_REFERRAL_RECEIVED)), policy=SMTP)
    )


def test_a_webhooks_payload_is_type_timestamp_and_references() -> None:
    notice = claimed(Template.PARTNER_REFERRAL_DECLINED, {"partner_reference": "REF-1", "state": "declined"})
    assert json.loads(rendering.payload(notice)) == {
        "type": "partner.referral_declined",
        "timestamp": "2026-11-23T09:30:00+00:00",
        "data": {"referral_id": str(REFERRAL), "partner_reference": "REF-1", "state": "declined"},
    }


def test_a_rejection_without_a_reference_says_so_in_words_and_leaves_it_out_of_the_payload() -> None:
    params = {"partner_reference": "", "submission_id": "s/1/2"}
    notice = claimed(Template.PARTNER_SUBMISSION_REJECTED, params, None)
    assert "Your reference:  not given" in rendering.body(notice, WAYS)
    assert json.loads(rendering.payload(notice))["data"] == {"submission_id": "s/1/2"}


def test_escalation_reaches_the_highest_level_there_is() -> None:
    ladder = tuple(Contact(email=f"{name}@x.example") for name in ("team", "inspector", "head"))
    reached = [notices.contact_at(ladder, level).email for level in range(5)]
    assert reached == ["team@x.example", "inspector@x.example", "head@x.example", "head@x.example", "head@x.example"]


def test_a_level_that_cannot_be_reached_falls_to_the_one_below() -> None:
    ladder = (Contact(email="team@x.example"), Contact())
    assert notices.contact_at(ladder, 1).email == "team@x.example"
    assert notices.contact_at((Contact(), Contact()), 1) == Contact()
