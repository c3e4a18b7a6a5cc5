"""Where a case stands, and that this does not depend on whose facts are read first."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis.records import Record
from conduit_console.cases import SOME_FORCE, AskedBy, FollowedCase, TimelineLine
from conduit_contracts import intake, routing, triage
from conduit_contracts.notification import ReferralState
from conduit_contracts.referral import Urgency
from conduit_contracts.routing import HandoffState
from services.console.tests import builders as b
from services.console.tests.builders import HOME, NOW, OTHER, REFERRAL


def test_each_state_follows_from_what_was_said_last() -> None:
    said = [b.received()]
    assert b.case_of(*said).state is ReferralState.RECEIVED
    for message, state in (
        (b.review_opened(), ReferralState.UNDER_REVIEW),
        (b.asked(), ReferralState.INFORMATION_REQUESTED),
        (b.supplied(), ReferralState.UNDER_REVIEW),
        (b.accepted(), ReferralState.ACCEPTED),
        (b.routed(HOME, OTHER), ReferralState.WITH_FORCES),
        (b.fact(routing.CaseHandedOver, home_force=HOME), ReferralState.HANDED_OVER),
        (b.routed(HOME, OTHER, added=(), again=(OTHER,)), ReferralState.WITH_FORCES),
        (b.fact(intake.ReferralWithdrawn), ReferralState.WITHDRAWN),
    ):
        said.append(message)
        assert b.case_of(*said).state is state


def test_what_routing_repeats_of_a_case_that_is_handed_over_does_not_open_it() -> None:
    over = b.fact(routing.CaseHandedOver, home_force=HOME)
    assert b.case_of(b.routed(), over, b.routed(added=(), again=())).state is ReferralState.HANDED_OVER


def test_transport_connector_and_person_are_three_facts() -> None:
    part = b.case_of(b.routed()).handoffs[HOME]
    assert (part.disseminated_at, part.received_at, part.acknowledged_at) == (NOW, None, None)
    said = [b.routed(), b.about_force(routing.HandoffReceived)]
    part = b.case_of(*said).handoffs[HOME]
    assert (part.received_at, part.acknowledged_at) == (NOW + timedelta(seconds=1), None)
    part = b.case_of(*said, b.about_force(routing.HandoffAcknowledged, force_reference="WM/1")).handoffs[HOME]
    assert part.state is HandoffState.ACKNOWLEDGED
    assert part.acknowledged_at == part.first_acknowledged_at == NOW + timedelta(seconds=2)
    assert part.force_reference == "WM/1"


def test_a_force_that_is_asked_again_keeps_when_it_first_took_the_case() -> None:
    acknowledged = b.about_force(routing.HandoffAcknowledged, force_reference="WM/1")
    part = b.case_of(b.routed(), acknowledged, b.routed(added=(HOME,), again=(HOME,))).handoffs[HOME]
    assert (part.state, part.acknowledged_at) == (HandoffState.DISSEMINATED, None)
    assert (part.first_acknowledged_at, part.force_reference) == (NOW + timedelta(seconds=1), "WM/1")


def test_a_force_is_late_until_it_answers() -> None:
    late = [b.routed(), b.overdue(), b.about_force(routing.HandoffEscalated, level=2, due_at=NOW.isoformat())]
    part = b.case_of(*late).handoffs[HOME]
    assert (part.due_at, part.chases, part.level) == (NOW, 1, 2)
    assert part.reminded_at == NOW + timedelta(seconds=2)
    assert b.case_of(*late, b.about_force(routing.HandoffAcknowledged)).handoffs[HOME].due_at is None


def test_a_case_that_some_force_must_have_and_none_has_is_shown_as_such() -> None:
    assert not b.case_of(b.received()).without_force
    assert b.case_of(b.accepted()).without_force
    assert not b.case_of(b.accepted(), b.routed()).without_force
    assert b.case_of(b.accepted(), b.routed(), b.about_force(routing.HandoffDeclined)).without_force
    assert not b.case_of(b.accepted(), b.fact(intake.ReferralWithdrawn)).without_force


def test_triages_question_ends_with_its_decision_and_waits_for_the_partner_meanwhile() -> None:
    question = b.case_of(b.review_opened(), b.asked()).questions[AskedBy.TRIAGE]
    assert question.waits_for_partner
    assert not b.case_of(b.review_opened(), b.asked(), b.supplied()).questions[AskedBy.TRIAGE].waits_for_partner
    for ends in (b.accepted(), b.declined(), b.fact(intake.ReferralWithdrawn)):
        assert not b.case_of(b.review_opened(), ends).questions


def test_routings_questions_come_on_top_of_each_other_and_end_one_by_one() -> None:
    tie = b.fact(routing.RoutingReviewOpened, reasons=["tie"], candidates=[HOME, OTHER], silent=[])
    silent = b.fact(routing.RoutingReviewOpened, reasons=["escalation_exhausted"], candidates=[], silent=[OTHER])
    said = [b.routed(HOME, OTHER), tie, silent]
    question = b.case_of(*said).questions[AskedBy.ROUTING]
    assert question.reasons == ("tie", "escalation_exhausted")
    assert question.about == (HOME, OTHER)
    named = b.fact(routing.HomeForceNamed, home_force=HOME)
    assert b.case_of(*said, named).questions[AskedBy.ROUTING].reasons == ("escalation_exhausted",)
    answers = b.about_force(routing.HandoffAcknowledged, OTHER), b.about_force(routing.HandoffAcknowledged)
    assert not b.case_of(*said, named, *answers).questions


def test_danger_and_urgency_only_rise_also_for_what_is_asked() -> None:
    case = b.case_of(b.received(), b.review_opened(), b.supplied(danger=True), b.routed())
    assert case.danger
    assert case.questions[AskedBy.TRIAGE].danger
    assert case.urgency is Urgency.ROUTINE
    assert b.case_of(b.routed(urgency="urgent"), b.received()).urgency is Urgency.URGENT


def clock(force_id: str, part: int = 1, receipt: int = 1, acknowledgement: int = 24) -> dict[str, object]:
    due = {
        "receipt_due_at": NOW + timedelta(hours=receipt),
        "acknowledgement_due_at": NOW + timedelta(hours=acknowledgement),
    }
    return {"force_id": force_id, "part": part, **{name: at.isoformat() for name, at in due.items()}}


def test_the_clock_that_runs_is_receipt_until_a_connector_has_it_and_then_the_persons() -> None:
    said = [b.routed(HOME, clocks=[clock(HOME)])]
    assert b.case_of(*said).handoffs[HOME].due_at == NOW + timedelta(hours=1)
    said.append(b.about_force(routing.HandoffReceived))
    part = b.case_of(*said).handoffs[HOME]
    assert (part.due_at, part.part) == (NOW + timedelta(hours=24), 1)
    hastened = b.routed(HOME, added=(), again=(HOME,), clocks=[clock(HOME, 2, acknowledgement=2)])
    part = b.case_of(*said, hastened).handoffs[HOME]
    assert (part.state, part.due_at, part.part) == (HandoffState.RECEIVED, NOW + timedelta(hours=2), 2)


def test_routing_says_what_is_still_asked() -> None:
    tie = b.fact(routing.RoutingReviewOpened, reasons=["tie", "unknown_place"], candidates=[HOME, OTHER], silent=[])
    less = b.fact(routing.RoutingReviewClosed, open_reasons=["unknown_place"], silent=[])
    assert b.case_of(b.routed(), tie, less).questions[AskedBy.ROUTING].reasons == ("unknown_place",)
    nothing = b.fact(routing.RoutingReviewClosed, open_reasons=[], silent=[])
    assert not b.case_of(b.routed(), tie, nothing).questions


def test_a_question_that_became_more_urgent_is_due_sooner_and_still_waits_for_the_partner() -> None:
    sooner = NOW + timedelta(minutes=5)
    reasons = ["immediate_danger", "below_every_threshold"]
    raised = b.fact(triage.ReviewRaised, reasons=reasons, urgency="urgent", immediate_danger=True, due_at=sooner.isoformat())
    question = b.case_of(b.review_opened(), b.asked(), raised).questions[AskedBy.TRIAGE]
    assert (question.due_at, question.danger, question.urgency) == (sooner, True, Urgency.URGENT)
    assert question.waits_for_partner
    assert question.reasons[0] == "immediate_danger"


def test_a_withdrawal_stops_every_clock() -> None:
    late = b.case_of(b.routed(), b.overdue(), b.fact(routing.CaseWithdrawn, told=[HOME]))
    assert late.handoffs[HOME].due_at is None
    assert late.state is ReferralState.WITHDRAWN


def test_a_case_is_restricted_until_an_officer_lets_the_force_in() -> None:
    kept = b.fact(routing.CaseRestricted, kept_from=[HOME])
    assert b.case_of(kept).kept_from == (HOME,)
    assert b.case_of(b.fact(routing.CaseRestricted, kept_from=[])).kept_from == (SOME_FORCE,)
    told = b.about_force(routing.ProfessionalStandardsInformed)
    assert b.case_of(b.fact(routing.CaseRestricted, kept_from=[]), told).kept_from == (HOME,)
    assert b.case_of(kept, b.fact(routing.HomeForceNamed, home_force=HOME)).kept_from == ()


OF_INTAKE = (b.received(), b.supplied(), b.fact(intake.ReferralWithdrawn))
OF_TRIAGE = (b.review_opened(), b.asked(), b.accepted())
OF_ROUTING = (
    b.routed(HOME, OTHER),
    b.about_force(routing.HandoffReceived),
    b.about_force(routing.HandoffAcknowledged),
    b.overdue(OTHER),
    b.about_force(routing.HandoffDeclined, OTHER),
    b.fact(routing.CaseWithdrawn, told=[HOME]),
)
IN_TIME = [
    *(b.record_of(each, NOW + timedelta(seconds=2 * n)) for n, each in enumerate(OF_INTAKE)),
    *(b.record_of(each, NOW + timedelta(seconds=1 + 2 * n)) for n, each in enumerate(OF_TRIAGE)),
    *(b.record_of(each, NOW + timedelta(seconds=10 + n)) for n, each in enumerate(OF_ROUTING)),
]


def seen(case: FollowedCase) -> FollowedCase:
    """Without the order in which a dictionary was filled, and without whose policy was read last."""
    parts = dict(sorted(case.handoffs.items()))
    return replace(case, handoffs=parts, policy_version=None)


def unnumbered(lines: Iterable[TimelineLine]) -> list[TimelineLine]:
    """Without the number that says in which order the console came to know them."""
    return sorted(line._replace(version=0) for line in lines)


@given(order=st.permutations([0] * 3 + [1] * 3 + [2] * 6))
def test_whoevers_facts_are_read_first_the_case_stands_the_same(order: Sequence[int]) -> None:
    queues: list[list[Record]] = [IN_TIME[:3], IN_TIME[3:6], IN_TIME[6:]]
    found = b.follow(*(queues[each].pop(0) for each in order))
    assert seen(found.cases[REFERRAL]) == seen(b.follow(*IN_TIME).cases[REFERRAL])
    assert unnumbered(found.lines) == unnumbered(b.follow(*IN_TIME).lines)
    assert sorted(line.version for line in found.lines) == list(range(1, len(IN_TIME) + 1))


def test_what_triage_said_before_its_last_word_moves_nothing() -> None:
    late = b.record_of(b.review_opened(), NOW)
    work = b.follow(b.record_of(b.accepted(), NOW + timedelta(minutes=1)), late)
    assert work.cases[REFERRAL].state is ReferralState.ACCEPTED
    assert not work.cases[REFERRAL].questions
    assert len(work.lines) == 2


def test_what_is_said_of_no_case_that_is_known_makes_none() -> None:
    refused = b.fact(triage.CommandRefused)
    assert not b.follow(b.record_of(refused)).cases
    assert not b.follow(b.record_of(b.fact(intake.SubmissionRejected))).cases
