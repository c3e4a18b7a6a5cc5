"""Whatever comes in whatever order, the promises hold after every record."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import OffencePlace, Referral
from conduit_contracts.routing import (
    CaseDisseminated,
    CaseHandedOver,
    CaseRouted,
    HandoffState,
    ResponseRejected,
)
from conduit_routing.case import Case, CaseState
from conduit_routing.policy import RoutingPolicy
from services.routing.tests.builders import (
    Desk,
    Recorder,
    accepted,
    acknowledged,
    danger,
    declined,
    informed,
    name_home,
    person,
    place,
    received,
    referral,
    reroute,
    stand_down,
    supplement,
    triage_declined,
    withdrawn,
)

ID = uuid7()
FORCES = ["kent", "essex", "surrey", "btp", "sussex"]
force_ids = st.sampled_from(FORCES)
maybe_force = st.sampled_from([*FORCES, None, "no-such-force"])


@st.composite
def referrals(draw: st.DrawFn) -> Referral:
    areas = draw(st.lists(st.sampled_from(["kent", "essex", "surrey", "btp", None]), max_size=4))
    places = [
        place(f"L{number}", area) if area else OffencePlace(place_id=f"L{number}", description="somewhere")
        for number, area in enumerate(areas)
    ]
    persons = [person(f"V{number}", at.place_id) for number, at in enumerate(places)]
    return referral(places, persons, immediate_danger=True)


@st.composite
def supplements(draw: st.DrawFn) -> Message:
    area = draw(maybe_force.filter(lambda force: force != "no-such-force"))
    number = draw(st.integers(0, 9))
    added = [place(f"M{number}", area)] if area else []
    return informed(ID, supplement(*added, text=f"said {number}"))


def steps(told: Referral) -> st.SearchStrategy[list[object]]:
    one = st.one_of(
        st.just(danger(told, ID)),
        st.just(accepted(told, ID)),
        maybe_force.map(lambda force: accepted(told, ID, home_force=force)),
        st.just(triage_declined(ID)),
        st.just(withdrawn(ID)),
        supplements(),
        force_ids.map(lambda force: received(ID, force)),
        force_ids.map(lambda force: acknowledged(ID, force)),
        st.builds(lambda force, to: declined(ID, force, to), force_ids, maybe_force),
        force_ids.map(lambda force: name_home(ID, force)),
        st.builds(lambda a, b: reroute(ID, a, b), force_ids, force_ids),
        force_ids.map(lambda force: stand_down(ID, force)),
        st.sampled_from([60.0, 1_000.0]),
    )
    return st.lists(one, min_size=3, max_size=14)


class Watch:
    """What must be true of a case at any time, however it came there."""

    def __init__(self) -> None:
        self.told_whole: set[str] = set()
        self.held: set[str] = set()
        self.versions = 0

    def check(self, case: Case, outbox: Recorder) -> None:
        self._each_force_hears_only_what_is_its_own(outbox)
        self._a_child_is_never_between_two_forces(case)
        self._somebody_is_asked_who_leads(case)
        self._half_states_do_not_exist(case)
        self._handed_over_is_settled(case, outbox)
        self._history_has_no_gaps(case)

    def _each_force_hears_only_what_is_its_own(self, outbox: Recorder) -> None:
        for topic, _, message in outbox.sent:
            if topic == "routing.cases.v1" or isinstance(message, ResponseRejected):
                continue
            force_id = topic.removeprefix("force.").removesuffix(".cases.v1")
            assert message.force_id == force_id  # type: ignore[attr-defined]
            if isinstance(message, CaseDisseminated):
                self.held.add(force_id)
                assert (message.referral is not None) == (message.home_force == force_id)
                if message.referral is not None:
                    self.told_whole.add(force_id)
            assert force_id in self.held, "told something of a case that it was never given"

    def _a_child_is_never_between_two_forces(self, case: Case) -> None:
        assert (case.interim_owner is not None) == bool(case.handoffs)
        if case.interim_owner is not None:
            assert case.handoffs[case.interim_owner].state is not HandoffState.STOOD_DOWN
        if case.home_force is not None:
            assert case.home_force in self.told_whole
            if case.state is not CaseState.WITHDRAWN:
                assert case.handoffs[case.home_force].active

    def _somebody_is_asked_who_leads(self, case: Case) -> None:
        if case.state in {CaseState.OPEN, CaseState.HANDED_OVER} and case.home_force is None:
            assert case.home_is_asked_for

    def _half_states_do_not_exist(self, case: Case) -> None:
        for handoff in case.handoffs.values():
            runs = handoff.next_action_at is not None
            assert not runs or (handoff.waiting and case.state is not CaseState.WITHDRAWN)
            assert (handoff.state is HandoffState.ACKNOWLEDGED) <= (handoff.acknowledged_at is not None)
            assert handoff.force_id in handoff.areas
        open_reviews = [(review.reason, review.about) for review in case.open_reviews()]
        assert len(open_reviews) == len(set(open_reviews))

    def _handed_over_is_settled(self, case: Case, outbox: Recorder) -> None:
        if case.state is CaseState.HANDED_OVER:
            assert not case.provisional
            assert all(case.handoffs[force].state is HandoffState.ACKNOWLEDGED for force in case.active)
            assert case.interim_owner == case.home_force
        for fact in outbox.facts():
            if isinstance(fact, CaseRouted):
                assert set(fact.added) <= set(fact.forces)
            if isinstance(fact, CaseHandedOver):
                assert fact.home_force in case.handoffs

    def _history_has_no_gaps(self, case: Case) -> None:
        assert [entry.version for entry in case.new_history] == list(range(1, case.version + 1))
        assert case.version >= self.versions
        self.versions = case.version


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
@given(told=referrals(), data=st.data())
def test_the_promises_hold_after_every_record_in_any_order(
    policy: RoutingPolicy, told: Referral, data: st.DataObject
) -> None:
    desk, watch = Desk(policy), Watch()
    for step in data.draw(steps(told)):
        outbox = desk.wait(step) if isinstance(step, float) else desk.deliver(step)  # type: ignore[arg-type]
        if ID in desk.work.cases:
            watch.check(desk.case(ID), outbox)
            if not isinstance(step, float):
                again = desk.deliver(step)  # type: ignore[arg-type]
                assert {type(message).__name__ for _, _, message in again.sent} <= {"CommandIgnored", "ResponseRejected"}
        else:
            assert outbox.facts() == []
