"""What partners, forces and the hub are told of each fact, without a database or a socket."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_chassis.dispatch import ignore
from conduit_contracts import danger, notification, topics, triage
from conduit_contracts.advice import Advice
from conduit_contracts.envelope import Message
from conduit_contracts.notification import Channel, ReferralState
from conduit_contracts.programme import Contact
from conduit_contracts.referral import Caseworker
from conduit_contracts.routing import HandoffState, ProfessionalStandardsInformed, RoutingReviewReason
from conduit_notification import notices
from conduit_notification.duty import Duty, Kind
from conduit_notification.handlers import HANDLERS
from conduit_notification.notices import HUB
from conduit_notification.rules import ASKED_AGAIN, NO_FORCE_YET, NOTHING_TO_DO
from conduit_notification.templates import Template
from services.notification.tests import builders as b
from services.notification.tests.builders import CALL_999, HOME, OTHER, PARTNER, REFERENCE, REFERRAL, Bench, example_record

EMAIL = (Contact(email="team@example-haven.example"),)
BOTH = (Contact(email="team@example-haven.example", webhook_url="https://x.example/hook", webhook_secret="x"),)
FORCE = (
    Contact(email="safeguarding@force.example"),
    Contact(email="inspector@force.example"),
    Contact(email="head@force.example"),
)
KNOWN = {
    f"partner:{PARTNER}": EMAIL,
    f"force:{HOME}": FORCE,
    f"force:{OTHER}": FORCE,
    HUB: (Contact(email="hub@hub.example"),),
}

CONSUMED = [message for topic in topics.consumed_by("notification") for message in topic.messages]
SILENT = {
    "take_duty_task",
    "glass_broken",
    "partner_registered",
    "force_registered",
    "submission_rejected",
    "danger_reported",
    "sandbox_step_played",
    "sandbox_submission_rejected",
    "hub_contacts_proposed",
    "hub_contacts_approved",
    "routing_review_opened",
    "information_forwarded",
    "withdrawal_forwarded",
    "triage_decline_forwarded",
    "command_ignored",
    "case_restricted",
    "professional_standards_informed",
    "command_refused",
    "command_outdated",
    "review_raised",
    "routing_review_closed",
    "interim_owner_named",
    "call_recorded",
    "call_noted",
    "practice_question_overdue",
    "practice_question_settled",
}
"""Facts that do not become a revision."""


def name_of(message: type[Message]) -> str:
    return message.type.split(".")[-2].replace("-", "_")


@pytest.mark.parametrize("message", CONSUMED, ids=lambda message: message.type)
def test_every_canonical_fact_is_handled_and_becomes_the_partners_next_revision_or_is_documented_as_silent(
    message: type[Message],
) -> None:
    delivery = b.read(example_record(message.type))
    bench = Bench(KNOWN).take(delivery, delivery)
    expected = [] if name_of(message) in SILENT else [(1, name_of(message)), (2, name_of(message))]
    assert [(update.revision, update.fact) for update in bench.updates] == expected
    assert len({notice.notice_id for notice in bench.notices}) * 2 == len(bench.notices), "a fact makes its notices once"


def test_the_handlers_cover_exactly_what_is_consumed() -> None:
    assert set(HANDLERS) == {message.type for message in CONSUMED}
    ignored = {event_type.split(".")[-2] for event_type, handler in HANDLERS.items() if handler is ignore}
    forwarded = {"information-forwarded", "withdrawal-forwarded", "triage-decline-forwarded"}
    of_officers = {"command-ignored", "command-refused", "command-outdated", "review-raised", "routing-review-closed"}
    assert ignored == forwarded | of_officers | {"call-recorded", "call-noted"}


def test_a_professional_standards_department_hears_by_its_own_address_and_without_one_the_hub_does() -> None:
    told = b.read(example_record(ProfessionalStandardsInformed.type))
    force_id = told.message.force_id
    department = {notices.professional_standards(force_id): (Contact(email="standards@force.example"),)}
    (notice,) = Bench(KNOWN | {f"force:{force_id}": FORCE} | department).take(told).notices
    assert (notice.audience, notice.template) == (
        f"force:{force_id}-professional-standards",
        Template.FORCE_PROFESSIONAL_STANDARDS,
    )
    bench = Bench(KNOWN | {f"force:{force_id}": FORCE}).take(told)
    assert bench.notices == []
    assert unreachable(bench) == [(force_id, False)]


def unreachable(bench: Bench) -> list[tuple[str | None, bool]]:
    """Of which departments somebody on duty is told that the register has no address, and whether a child is in danger."""
    duties = [each for each in bench.work.duties if isinstance(each, Duty)]
    return [(each.force_id, each.danger) for each in duties if each.kind is Kind.STANDARDS_UNREACHABLE]


@pytest.mark.parametrize("now", [False, True])
def test_a_restricted_case_whose_department_has_no_address_is_a_duty_task_that_says_so(now: bool) -> None:
    assert unreachable(Bench(KNOWN).take(b.restricted(OTHER, danger=now))) == [(OTHER, now)]
    department = {notices.professional_standards(OTHER): (Contact(email="standards@force.example"),)}
    assert unreachable(Bench(KNOWN | department).take(b.restricted(OTHER, danger=now))) == []


def test_whom_to_ring_back_is_read_however_much_a_referral_says_of_it() -> None:
    most = Caseworker(
        name="n" * 200, role="r" * 200, email=f"{'e' * 240}@x.example", telephone="+" + "0" * 25, safe_contact="s" * 4_000
    )
    message = b.received(danger=True)
    told = message.model_copy(update={"referral": message.referral.model_copy(update={"caseworker": most})})
    bench = Bench(KNOWN).take(told)
    assert bench.work.callbacks[told.referral_id].safe_contact == most.safe_contact


def test_a_professional_standards_department_is_told_of_danger_only_where_there_is_any() -> None:
    told = b.read(example_record(ProfessionalStandardsInformed.type))
    department = {notices.professional_standards(told.message.force_id): (Contact(email="standards@force.example"),)}
    (notice,) = Bench(KNOWN | department).take(told).notices
    assert not notice.urgent, "if it failed, somebody would be called about a child in danger"


def test_an_address_that_left_the_register_is_written_to_no_more() -> None:
    told = b.read(example_record(ProfessionalStandardsInformed.type))
    force_id = told.message.force_id
    registered = b.force_registered(FORCE[0], force_id=force_id)
    with_department = registered.model_copy(update={"professional_standards": Contact(email="standards@force.example")})
    bench = Bench(KNOWN).take(with_department, registered, told)
    assert bench.notices == []
    assert unreachable(bench) == [(force_id, False)]


_ABOUT_A_FORCE = st.sampled_from(
    [
        *(b.routed(HOME, OTHER, added=(OTHER,)), b.routed(HOME, OTHER, added=(), again=(OTHER,)), b.danger_raised()),
        *(b.overdue(), b.escalated(), b.overdue(OTHER), b.escalated(OTHER), b.force_received(), b.force_declined()),
        *(b.force_acknowledged(), b.restricted(HOME, danger=True), b.standards_informed(), b.handed_over(OTHER)),
    ]
)


@settings(deadline=None)
@given(st.lists(_ABOUT_A_FORCE, max_size=6), st.lists(_ABOUT_A_FORCE, max_size=8))
def test_from_when_a_case_is_kept_from_a_force_its_team_is_written_to_no_more(before: list[Any], after: list[Any]) -> None:
    department = {notices.professional_standards(HOME): (Contact(email="standards@force.example"),)}
    bench = Bench(KNOWN | department).take(b.received(), *before, b.restricted(HOME))
    told = sum(notice.audience == f"force:{HOME}" for notice in bench.notices)
    bench.take(*after)
    assert sum(notice.audience == f"force:{HOME}" for notice in bench.notices) == told


def test_a_force_that_an_officer_let_in_is_written_to_again() -> None:
    bench = Bench(KNOWN).take(b.routed(HOME), b.restricted(HOME), b.standards_informed(), b.home_force_named(HOME))
    told = len(bench.notices)
    assert bench.take(b.overdue()).notices[told].audience == f"force:{HOME}"


def test_an_update_in_danger_that_waits_for_its_referral_is_answered_with_999_at_once() -> None:
    until = b.NOW + timedelta(seconds=120)
    bench = Bench(KNOWN).take(b.danger_reported(waits_until=until))
    (told,) = bench.published
    assert isinstance(told, notification.SubmissionDeferred)
    assert told.next_step.startswith(danger.CALL_999)
    assert (told.waits_until, told.event_id) == (until, "event-7")
    assert (bench.outbox.rows[0].topic, bench.outbox.rows[0].key) == (f"partner.{PARTNER}.updates.v1", REFERENCE.encode())
    (notice,) = bench.notices
    assert (notice.template, notice.urgent) == (Template.PARTNER_DANGER_DEFERRED, True)
    assert [each.kind for each in bench.work.duties if isinstance(each, Duty)] == [Kind.DANGER_REFUSED]


def test_forces_asked_again_in_danger_leave_the_partner_something_to_do() -> None:
    calm = Bench(KNOWN).take(b.routed(HOME), b.routed(HOME, again=(HOME,))).last.next_step
    assert calm == f"{ASKED_AGAIN} {NOTHING_TO_DO}"
    alarmed = Bench(KNOWN).take(b.routed(HOME), b.routed(HOME, again=(HOME,), danger=True)).last.next_step
    assert alarmed == f"{b.CALL_999} {ASKED_AGAIN}"


def test_which_was_first_a_question_or_information_no_services_clock_says() -> None:
    asked, answered = b.delivery_of(b.asked(), b.NOW), b.delivery_of(b.supplied(), b.NOW + timedelta(minutes=1))
    asked.attributes = asked.attributes._replace(time=b.NOW + timedelta(hours=1))
    bench = Bench(KNOWN).take(b.received(), b.review_opened(), answered, asked)
    assert bench.last.state is ReferralState.UNDER_REVIEW


def test_the_hub_hears_of_a_restricted_case_also_where_nobody_is_in_danger_and_the_partner_does_not() -> None:
    bench = Bench(KNOWN).take(b.restricted())
    (notice,) = bench.notices
    assert (notice.audience, notice.template, bench.updates) == (HUB, Template.HUB_CASE_RESTRICTED, [])


def test_a_partner_follows_its_referral_from_receipt_to_handover() -> None:
    bench = Bench(KNOWN).take(
        b.received(), b.accepted(), b.routed(HOME, OTHER), b.force_received(), b.force_acknowledged(), b.handed_over()
    )
    assert [(update.revision, update.fact, update.state) for update in bench.updates] == [
        (1, "referral_received", ReferralState.RECEIVED),
        (2, "referral_accepted", ReferralState.ACCEPTED),
        (3, "case_routed", ReferralState.WITH_FORCES),
        (4, "handoff_received", ReferralState.WITH_FORCES),
        (5, "handoff_acknowledged", ReferralState.WITH_FORCES),
        (6, "case_handed_over", ReferralState.HANDED_OVER),
    ]
    assert {handoff.force_id: handoff.state for handoff in bench.last.handoffs} == {
        HOME: HandoffState.ACKNOWLEDGED,
        OTHER: HandoffState.DISSEMINATED,
    }
    assert bench.last.home_force == HOME
    assert {row.topic for row in bench.outbox.rows} == {f"partner.{PARTNER}.updates.v1"}
    assert {row.key for row in bench.outbox.rows} == {str(REFERRAL).encode()}


FACTS: list[list[Callable[[], Message]]] = [
    [b.received, b.supplied, b.reconsideration, b.repeated, b.withdrawn],
    [b.review_opened, b.asked, b.danger_raised, b.accepted, b.declined],
    [
        b.routed,
        b.force_received,
        b.force_acknowledged,
        b.force_declined,
        b.overdue,
        b.escalated,
        b.stood_down,
        b.handed_over,
    ],
]


@settings(deadline=None)
@given(
    *(st.lists(st.sampled_from(facts), max_size=5).map(lambda made: [fact() for fact in made]) for facts in FACTS),
    st.lists(st.integers(0, 2), max_size=15),
)
def test_revisions_have_no_gaps_and_the_last_state_is_the_same_in_whatever_order_producers_are_read(
    intake: list[Message], triage_: list[Message], routing: list[Message], order: list[int]
) -> None:
    at = {id(fact): b.delivery_of(fact) for fact in (*intake, *triage_, *routing)}
    mixed = b.interleave(order, intake, triage_, routing)
    benches = [Bench(KNOWN).take(*(at[id(fact)] for fact in facts)) for facts in (mixed, [*intake, *triage_, *routing])]
    for bench in benches:
        assert [update.revision for update in bench.updates] == list(range(1, len(mixed) + 1))
        assert [entry.revision for entry in bench.work.history] == list(range(1, len(mixed) + 1))
    if mixed:
        assert benches[0].last.state is benches[1].last.state
        assert benches[0].standing.standing == benches[1].standing.standing


def test_in_immediate_danger_the_first_update_and_an_urgent_notice_of_its_own_say_what_to_do_at_once() -> None:
    bench = Bench(KNOWN).take(b.received(danger=True))
    assert bench.last.next_step == CALL_999
    assert [(notice.template.value, notice.urgent) for notice in bench.notices] == [("partner_immediate_danger", True)]


def test_without_danger_nobody_is_told_to_call_999() -> None:
    bench = Bench(KNOWN).take(b.received())
    assert bench.last.next_step is None
    assert [(notice.template.value, notice.urgent) for notice in bench.notices] == [("partner_referral_received", False)]


def test_a_force_that_gets_a_case_in_danger_is_told_so_and_before_others() -> None:
    bench = Bench(KNOWN).take(b.danger_raised(), b.routed(HOME, provisional=True, danger=True))
    (notice,) = bench.notices
    assert (notice.audience, notice.template.value, notice.urgent) == (f"force:{HOME}", "force_immediate_danger", True)
    assert bench.last.state is ReferralState.RECEIVED, "a provisional hand-off decides nothing"


def test_danger_said_later_is_answered_with_what_to_do_at_once_each_time_it_is_said() -> None:
    bench = Bench(KNOWN).take(b.received(), b.supplied(danger=True), b.supplied(danger=True), b.supplied(danger=False))
    assert [update.next_step for update in bench.updates] == [None, CALL_999, CALL_999, None]
    assert [(notice.template.value, notice.urgent) for notice in bench.notices[1:]] == [
        ("partner_immediate_danger", True),
        ("partner_immediate_danger", True),
    ]
    assert "Synthetic words" not in repr([dict(notice.params) for notice in bench.notices])


def test_a_force_that_holds_a_case_is_told_at_once_of_danger_that_was_said_later() -> None:
    bench = Bench(KNOWN).take(
        b.received(), b.routed(HOME), b.supplied(danger=True), b.routed(HOME, added=[], again=[HOME], danger=True)
    )
    assert bench.templates(f"force:{HOME}") == ["force_case_disseminated", "force_immediate_danger"]
    assert bench.notices[-1].urgent


def test_a_case_handed_over_that_changed_is_with_forces_until_they_acknowledge_it_as_it_is_now() -> None:
    bench = Bench(KNOWN).take(
        *(b.accepted(), b.routed(HOME, OTHER), b.force_acknowledged(HOME), b.force_acknowledged(OTHER), b.handed_over()),
        *(b.supplied(), b.routed(HOME, OTHER, added=[HOME], again=[HOME]), b.force_acknowledged(HOME), b.handed_over()),
    )
    assert [update.state.value for update in bench.updates[4:]] == [
        *("handed_over", "handed_over", "with_forces", "with_forces", "handed_over")
    ]
    changed = bench.updates[6]
    assert (changed.fact, changed.reason, changed.force_ids) == ("case_routed", "asked_again", (HOME,))
    assert changed.next_step is not None
    assert "They keep the case in the meantime" in changed.next_step
    assert {each.force_id: each.state.value for each in changed.handoffs} == {HOME: "disseminated", OTHER: "acknowledged"}
    assert bench.templates(f"force:{HOME}") == ["force_case_disseminated", "force_case_changed"]
    assert bench.templates(f"force:{OTHER}") == ["force_case_disseminated"]


def test_a_partner_sees_which_force_a_fact_is_about() -> None:
    bench = Bench(KNOWN).take(
        *(b.accepted(), b.routed(HOME, OTHER), b.force_received(OTHER), b.force_acknowledged(OTHER)),
        *(b.overdue(HOME), b.escalated(HOME), b.force_declined(HOME), b.home_force_named(OTHER), b.stood_down(HOME)),
    )
    assert [update.force_ids for update in bench.updates] == [
        *((), (HOME, OTHER), (OTHER,), (OTHER,)),
        *((HOME,), (HOME,), (HOME,), (OTHER,), (HOME,)),
    ]


def test_a_decline_carries_the_officers_words_and_what_to_do_to_the_partner_and_none_of_it_into_a_notice() -> None:
    bench = Bench(KNOWN).take(b.declined())
    assert (bench.last.reason, bench.last.comment) == ("not_complex", "Synthetic: one family.")
    assert bench.last.next_step is not None
    assert bench.last.next_step.startswith("Synthetic: call 101.")
    (notice,) = bench.notices
    assert notice.params == {"partner_reference": REFERENCE, "state": "declined"}


def test_a_question_reaches_the_partner_with_what_to_do() -> None:
    bench = Bench(KNOWN).take(b.asked())
    assert bench.last.comment == "Synthetic: how many more?"
    assert bench.last.next_step
    assert bench.templates(f"partner:{PARTNER}") == ["partner_information_requested"]


def test_an_answer_puts_the_referral_back_under_review() -> None:
    bench = Bench(KNOWN).take(b.review_opened(), b.asked(), b.supplied())
    assert [update.state.value for update in bench.updates] == ["under_review", "information_requested", "under_review"]


def test_the_reason_of_a_review_of_a_decline_by_a_force_and_of_a_chase_is_shown_as_a_code() -> None:
    bench = Bench(KNOWN).take(
        b.review_opened(triage.ReviewReason.RECONSIDERATION), b.force_declined(), b.overdue(), b.escalated(), b.withdrawn()
    )
    assert [update.reason for update in bench.updates] == [
        "reconsideration",
        "outside_our_area",
        "receipt",
        "acknowledgement",
        "sent_in_error",
    ]


def test_history_says_who_did_what_and_why_without_any_words() -> None:
    bench = Bench(KNOWN).take(
        b.received(),
        b.accepted(),
        b.accepted(officer=b.OFFICER),
        b.declined(),
        b.force_received(),
        b.overdue(),
        b.stood_down(),
    )
    assert [(entry.actor, entry.what, entry.why) for entry in bench.work.history] == [
        (f"partner:{PARTNER}", "referral_received", None),
        ("rules", "referral_accepted", None),
        (f"officer:{b.OFFICER}", "referral_accepted", None),
        (f"officer:{b.OFFICER}", "referral_declined", "not_complex"),
        (f"force:{HOME}", "handoff_received", None),
        ("clock", "handoff_overdue", "receipt"),
        (f"officer:{b.OFFICER}", "handoff_stood_down", None),
    ]


def test_a_rejected_submission_is_told_with_every_problem_on_the_partners_own_topic() -> None:
    rejected = b.rejected()
    bench = Bench(KNOWN).take(rejected)
    (told,) = bench.published
    assert isinstance(told, notification.SubmissionRejected)
    assert told.problems == rejected.problems
    assert (bench.outbox.rows[0].topic, bench.outbox.rows[0].key) == (f"partner.{PARTNER}.updates.v1", REFERENCE.encode())
    assert not bench.work.history, "nothing happened to a referral"


@pytest.mark.parametrize(
    ("reference", "referral_id", "key"),
    [
        (REFERENCE, REFERRAL, str(REFERRAL)),
        (REFERENCE, None, REFERENCE),
        (None, None, f"partner.{PARTNER}.referrals.v1/2/7"),
    ],
)
def test_a_rejection_stands_in_the_order_of_what_it_is_about(reference: str | None, referral_id: object, key: str) -> None:
    bench = Bench(KNOWN).take(b.rejected(reference, referral_id))  # type: ignore[arg-type]
    assert bench.outbox.rows[0].key == key.encode()


def test_each_force_that_gets_the_case_is_told_and_those_that_had_it_are_not_told_again() -> None:
    bench = Bench(KNOWN).take(b.routed(HOME), b.routed(HOME, OTHER, added=(OTHER,)))
    assert [(notice.audience, notice.template.value) for notice in bench.notices] == [
        (f"force:{HOME}", "force_case_disseminated"),
        (f"force:{OTHER}", "force_case_disseminated"),
    ]


def test_a_chase_goes_to_the_team_and_an_escalation_to_its_level_and_to_the_hub() -> None:
    bench = Bench(KNOWN).take(b.overdue(chase=2), b.escalated(level=2))
    assert [(notice.audience, notice.level, notice.template.value) for notice in bench.notices] == [
        (f"force:{HOME}", 0, "force_handoff_overdue"),
        (f"force:{HOME}", 2, "force_handoff_escalated"),
        (HUB, 0, "hub_handoff_escalated"),
    ]
    due = "23 November 2026, 09:30"
    assert bench.notices[0].params == {"force_id": HOME, "leg": "receipt", "chase": 2, "due": due}
    assert bench.notices[1].params == {"force_id": HOME, "leg": "acknowledgement", "level": 2, "due": due}


def test_in_danger_a_chase_and_an_escalation_say_so() -> None:
    bench = Bench(KNOWN).take(b.received(danger=True), b.overdue(), b.escalated())
    assert bench.templates(f"force:{HOME}") == ["force_danger_overdue", "force_danger_escalated"]
    assert all(notice.urgent for notice in bench.notices)


def test_the_hub_is_told_of_a_routing_review_and_the_partner_is_not() -> None:
    bench = Bench(KNOWN).take(b.routed(), b.routing_review(reason=RoutingReviewReason.TIE))
    assert bench.templates(HUB) == ["hub_routing_review_opened"]
    assert not bench.work.duties
    assert len(bench.updates) == 1


def test_the_partner_is_told_in_plain_words_that_no_force_has_its_case() -> None:
    bench = Bench(KNOWN).take(b.accepted(), b.routing_review())
    assert (bench.last.fact, bench.last.reason, bench.last.state) == ("routing_review_opened", "no_force", "accepted")
    assert (bench.last.next_step or "").startswith("No police force has this case yet")
    assert "partner_no_force_yet" in bench.templates(f"partner:{PARTNER}")
    danger = Bench(KNOWN).take(b.routing_review(danger=True))
    assert (danger.last.next_step or "").startswith(CALL_999)


def test_that_no_force_has_it_stands_in_every_update_until_one_has_it_whatever_is_read_first() -> None:
    bench = Bench(KNOWN).take(b.received(), b.routing_review(), b.accepted(), b.supplied())
    assert [NO_FORCE_YET in (update.next_step or "") for update in bench.updates] == [False, True, True, True]
    bench.take(b.routed(HOME), b.supplied())
    assert [NO_FORCE_YET in (update.next_step or "") for update in bench.updates[4:]] == [False, False]
    over = Bench(KNOWN).take(b.routing_review(), b.withdrawn())
    assert over.last.next_step is None


def test_out_of_hours_danger_is_not_said_to_wait_for_the_morning() -> None:
    night = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)
    bench = Bench(KNOWN, now=night).take(b.received(danger=True))
    assert "officer is called at once. Everything else will be read from 08:00 on Monday 30 November." in (
        bench.last.next_step or ""
    )
    assert "Anything that needs a person" not in (bench.last.next_step or "")


def test_the_partner_is_not_told_so_where_a_force_has_it() -> None:
    bench = Bench(KNOWN).take(b.routed(HOME), b.routing_review())
    assert [update.fact for update in bench.updates] == ["case_routed"]


@pytest.mark.parametrize("danger", [False, True])
def test_warnings_stand_in_the_next_step_after_999(danger: bool) -> None:
    warnings = tuple(
        Advice(code="district_code_unknown", field=f"places[{number}].district_code", message="Check it. " * 30)
        for number in range(20)
    )
    received = b.received(danger=danger).model_copy(update={"warnings": warnings})
    told = Bench(KNOWN).take(received).last.next_step or ""
    assert told.startswith(CALL_999 if danger else "Please look at places[0].district_code: Check it.")
    assert "Please look at places[0].district_code: Check it." in told
    assert len(told) <= 4_000


def test_the_partner_gets_an_e_mail_for_what_it_must_know_and_not_for_every_fact() -> None:
    story = (b.received(), b.review_opened(), b.supplied(), b.accepted(), b.routed(), b.force_received())
    bench = Bench(KNOWN).take(*story, b.force_acknowledged(), b.overdue(), b.handed_over())
    assert bench.templates(f"partner:{PARTNER}") == [
        "partner_referral_received",
        "partner_referral_accepted",
        "partner_case_handed_over",
    ]


def test_an_audience_is_told_on_every_channel_it_has_and_on_no_other() -> None:
    def channels(ladders: dict[str, tuple[Contact, ...]]) -> Counter[Channel]:
        return Counter(notice.channel for notice in Bench(ladders).take(b.received()).notices)

    assert channels({f"partner:{PARTNER}": BOTH}) == {Channel.EMAIL: 1, Channel.WEBHOOK: 1}
    assert channels({f"partner:{PARTNER}": EMAIL}) == {Channel.EMAIL: 1}
    assert channels({f"partner:{PARTNER}": (Contact(),)}) == {}
    assert channels({}) == {Channel.EMAIL: 1, Channel.WEBHOOK: 1}, "not registered yet: decided at delivery"


def test_contacts_registered_in_the_same_batch_count() -> None:
    bench = Bench().take(b.partner_registered(Contact(email="team@example-haven.example")), b.received())
    assert [notice.channel for notice in bench.notices] == [Channel.EMAIL]


def test_a_flood_of_rejections_is_one_e_mail_in_five_minutes_but_every_one_is_told_on_the_topic() -> None:
    bench = Bench(KNOWN).take(*(b.rejected(number=number) for number in range(40)))
    assert len(bench.published) == 40
    assert len({notice.collapse for notice in bench.notices}) == 1
    assert None not in {notice.collapse for notice in bench.notices}


def test_rejections_by_webhook_are_not_collapsed_because_a_machine_reads_each() -> None:
    bench = Bench({f"partner:{PARTNER}": BOTH}).take(b.rejected(number=1), b.rejected(number=2))
    assert [notice.collapse for notice in bench.notices if notice.channel is Channel.WEBHOOK] == [None, None]
