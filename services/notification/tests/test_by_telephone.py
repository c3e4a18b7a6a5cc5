"""A force that took a case on by telephone, as its partner reads it."""

from conduit_contracts import routing
from conduit_contracts.notification import HandoffStanding, ReferralState
from conduit_contracts.routing import HandoffState
from conduit_notification import rendering
from conduit_notification.duty import ASKS_TO_RING, Done, Kind
from services.notification.tests import builders as b
from services.notification.tests.builders import HOME, OTHER, PARTNER, Bench
from services.notification.tests.test_handlers import KNOWN
from services.notification.tests.test_templates import claimed

CONTACT = "V1: a detective rings the caseworker first, today before 18:00."
CALLED = "A person in the safeguarding team took the case on in a call with the hub."


def test_the_partner_reads_that_a_person_has_it_and_who_makes_contact_with_the_victims() -> None:
    bench = Bench(KNOWN).take(b.routed(HOME, OTHER), b.by_telephone(victim_contact=CONTACT))
    update = bench.last
    assert (update.fact, update.state) == ("handoff_acknowledged_by_telephone", ReferralState.WITH_FORCES)
    assert (update.force_ids, update.victim_contact) == ((HOME,), CONTACT)
    assert update.next_step is not None
    assert CALLED in update.next_step
    assert update.handoffs == (
        HandoffStanding(force_id=HOME, state=HandoffState.ACKNOWLEDGED, by_telephone=True),
        HandoffStanding(force_id=OTHER, state=HandoffState.DISSEMINATED),
    )
    assert b"canary" not in b"".join(row.value for row in bench.outbox.rows), "what was said is the hub's own"
    assert bench.work.history[-1].actor == f"officer:{b.OFFICER}"


def test_handed_over_says_at_how_many_forces_it_was_by_telephone() -> None:
    said = [b.routed(HOME, OTHER), b.by_telephone(), b.force_acknowledged(OTHER), b.handed_over()]
    bench = Bench(KNOWN).take(*said)
    assert bench.last.state is ReferralState.HANDED_OVER
    assert bench.last.next_step is not None
    assert bench.last.next_step.startswith("Handed over, by telephone at 1 of 2 forces.")
    (notice,) = [each for each in bench.notices if each.template == "partner_case_handed_over"]
    text = rendering.body(claimed(notice.template, notice.params), b.WAYS)
    assert "by telephone at 1 of 2 forces" in " ".join(text.split())
    assert "has read it" not in text


def test_once_the_connector_acknowledges_nothing_is_by_telephone_any_more() -> None:
    said = [b.routed(HOME), b.by_telephone(), b.force_received(), b.force_acknowledged()]
    received, acknowledged = Bench(KNOWN).take(*said[:3]).last, Bench(KNOWN).take(*said).last
    assert received.handoffs == (HandoffStanding(force_id=HOME, state=HandoffState.ACKNOWLEDGED, by_telephone=True),)
    assert acknowledged.handoffs == (HandoffStanding(force_id=HOME, state=HandoffState.ACKNOWLEDGED),)
    over = Bench(KNOWN).take(*said, b.handed_over())
    assert over.last.next_step is None
    (notice,) = [each for each in over.notices if each.template == "partner_case_handed_over"]
    assert "has read it and taken it on" in " ".join(rendering.body(claimed(notice.template, notice.params), b.WAYS).split())


def test_what_a_connector_says_of_contact_with_victims_reaches_the_partner() -> None:
    answer = routing.HandoffAcknowledged(**dict(b.force_acknowledged()) | {"victim_contact": CONTACT})
    assert Bench(KNOWN).take(b.routed(HOME), answer).last.victim_contact == CONTACT


def test_a_force_that_is_asked_again_or_gives_it_back_took_nothing_by_telephone() -> None:
    again = Bench(KNOWN).take(b.routed(HOME), b.by_telephone(), b.routed(HOME, added=(HOME,)))
    assert again.last.handoffs == (HandoffStanding(force_id=HOME, state=HandoffState.DISSEMINATED),)
    back = Bench(KNOWN).take(b.routed(HOME), b.by_telephone(), b.force_declined())
    assert back.last.handoffs == (HandoffStanding(force_id=HOME, state=HandoffState.DECLINED),)


def test_a_call_and_a_named_interim_owner_are_what_duty_tasks_ask_for() -> None:
    bench = Bench(KNOWN).take(b.routed(HOME), b.by_telephone(), b.interim_owner_named())
    done = [(each.kinds, each.who) for each in bench.work.duties if isinstance(each, Done)]
    officer = f"officer:{b.OFFICER}"
    assert done == [(ASKS_TO_RING, officer), ((Kind.NO_FORCE, Kind.DANGER_ROUTING), officer)]
    assert len(bench.updates) == 2, "who looks after the child, the partner reads when the case goes there"
    bench.work.duties.clear()
    (late,) = [each for each in bench.take(b.force_received()).work.duties if isinstance(each, Done)]
    assert (late.kinds, late.force_id) == ((Kind.FORCE_SILENT,), HOME), "the connector is silent no more"


def test_who_had_a_force_chased_is_in_the_history_and_why_is_not_told() -> None:
    asked = dict(b.overdue()) | {"officer_id": b.OFFICER, "reason": "canary"}
    bench = Bench(KNOWN).take(b.routed(HOME), routing.HandoffOverdue(**asked))
    assert bench.work.history[-1].actor == f"officer:{b.OFFICER}"
    assert "canary" not in repr(bench.updates) + repr(bench.notices)
    assert {each.audience for each in bench.notices} >= {f"force:{HOME}"}
    assert bench.last.partner_id == PARTNER
