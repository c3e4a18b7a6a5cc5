"""Whatever comes in whatever order, the promises hold after every record."""

from collections import Counter
from datetime import datetime
from operator import le
from typing import NamedTuple
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_contracts.envelope import Message
from conduit_contracts.force import CaseAcknowledged, CaseDeclined, ReceiptConfirmed
from conduit_contracts.geography import forces
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import OffencePlace, Person, Referral, Role, Urgency
from conduit_contracts.routing import (
    AttachmentClosed,
    AttachmentDisseminated,
    AttachmentOpened,
    CaseDisseminated,
    CaseHandedOver,
    CaseRouted,
    ChaseHandoff,
    EscalateHandoff,
    HandoffClosed,
    HandoffEscalated,
    HandoffOverdue,
    HandoffState,
    RecordAcknowledgement,
    ResponseRejected,
)
from conduit_routing import extract
from conduit_routing.case import Case, CaseState, ForceMark
from conduit_routing.policy import RoutingPolicy
from services.routing.tests.builders import (
    Desk,
    Recorder,
    accepted,
    acknowledged,
    attached,
    by_telephone,
    chase,
    danger,
    declined,
    escalate,
    informed,
    name_home,
    name_interim,
    person,
    place,
    received,
    referral,
    reroute,
    stand_down,
    standing_of,
    supplement,
    to_standards,
    triage_declined,
    withdrawn,
)

ID = uuid7()
FILES = [uuid7(), uuid7()]
FORCES = ["kent", "essex", "surrey", "btp", "sussex"]
force_ids = st.sampled_from(FORCES)
urgencies = st.sampled_from([None, *Urgency])
maybe_force = st.sampled_from([*FORCES, None, "no-such-force"])


@st.composite
def people(draw: st.DrawFn, prefix: str) -> list[Person]:
    """Children and adults who live somewhere, and now and then a suspect who belongs to a force."""
    lives = st.sampled_from([None, *FORCES[:3]])
    drawn = draw(st.lists(st.tuples(lives, lives, st.sampled_from([None, 12, 40])), max_size=2))
    found = [
        person(f"{prefix}{number}", lives=home, now_in=present, age_at_report=age)
        for number, (home, present, age) in enumerate(drawn)
    ]
    if draw(st.integers(0, 5)) == 0:
        belongs = {"suspect_is_police": True, "suspect_force_id": draw(st.sampled_from([*FORCES[:4], None]))}
        found.append(person(f"{prefix}S", role=Role.SUSPECT, **belongs))
    return found


@st.composite
def referrals(draw: st.DrawFn) -> Referral:
    areas = draw(st.lists(st.sampled_from(["kent", "essex", "surrey", "btp", None]), max_size=4))
    places = [
        place(f"L{number}", area) if area else OffencePlace(place_id=f"L{number}", description="somewhere")
        for number, area in enumerate(areas)
    ]
    persons = [person(f"V{number}", at.place_id) for number, at in enumerate(places)]
    persons += draw(people("P"))
    return referral(places, persons, immediate_danger=True)


@st.composite
def supplements(draw: st.DrawFn) -> Message:
    area = draw(maybe_force.filter(lambda force: force != "no-such-force"))
    number = draw(st.integers(0, 9))
    added = [place(f"M{number}", area)] if area else []
    said = {"immediate_danger": draw(st.sampled_from([None, None, True, False])), "urgency": draw(urgencies)}
    persons = draw(people(f"Q{number}")) if draw(st.integers(0, 3)) == 0 else []
    return informed(ID, supplement(*added, persons=persons, text=f"said {number}", **said))


class Late(NamedTuple):
    """An acknowledgement of the part that the force was sent last, of an earlier one, or of one that never was (-1)."""

    force_id: str
    versions_ago: int


class Called(NamedTuple):
    """An officer records now that this force took its part on by telephone."""

    force_id: str


def steps(told: Referral) -> st.SearchStrategy[list[object]]:
    one = st.one_of(
        st.just(danger(told, ID)),
        st.just(accepted(told, ID)),
        maybe_force.map(lambda force: accepted(told, ID, home_force=force)),
        st.just(triage_declined(ID)),
        st.just(withdrawn(ID)),
        supplements(),
        st.sampled_from(FILES).map(lambda file: attached(ID, file)),
        force_ids.map(lambda force: received(ID, force)),
        force_ids.map(lambda force: acknowledged(ID, force)),
        st.builds(Late, force_ids, st.integers(-1, 2)),
        st.builds(lambda force, to: declined(ID, force, to), force_ids, maybe_force),
        force_ids.map(lambda force: name_home(ID, force)),
        st.builds(lambda a, b: reroute(ID, a, b), force_ids, force_ids),
        force_ids.map(lambda force: stand_down(ID, force)),
        force_ids.map(lambda force: to_standards(ID, force)),
        force_ids.map(lambda force: name_interim(ID, force)),
        force_ids.map(lambda force: chase(ID, force)),
        force_ids.map(lambda force: escalate(ID, force)),
        force_ids.map(Called),
        st.sampled_from([60.0, 1_000.0]),
    )
    return st.lists(one, min_size=3, max_size=14)


class Watch:
    """What must be true of a case at any time, however it came there."""

    def __init__(self) -> None:
        self.told_whole: set[str] = set()
        self.held: set[str] = set()
        self.sent: dict[str, CaseDisseminated] = {}
        """By force, its part as it was sent last."""
        self.read: dict[str, int] = {}
        """By force, the version of its part that a person there acknowledged last."""
        self.owner: str | None = None
        self.deadlines: dict[str, tuple[datetime, datetime, datetime]] = {}
        self.versions = 0
        self.opened: dict[UUID, str] = {}

    def latest(self, force_id: str) -> int | None:
        return self.sent[force_id].part if force_id in self.sent else None

    def answered(self, answer: object) -> None:
        """What a force has just said, before the hub knows of it."""
        if isinstance(answer, CaseAcknowledged) and (latest := self.latest(answer.force_id) or 0) >= (answer.part or 1):
            self.read[answer.force_id] = max(self.read.get(answer.force_id, 0), answer.part or latest)
        if isinstance(answer, RecordAcknowledgement) and (latest := self.latest(answer.force_id)):
            self.read[answer.force_id] = latest

    def check(self, case: Case, outbox: Recorder) -> None:
        self._no_rule_sends_the_case_to_a_suspects_force(case, outbox)
        self._deadlines_only_come_nearer(case)
        self._the_duty_goes_to_a_force_that_answered(case)
        self._each_force_hears_only_what_is_its_own(outbox)
        self._the_home_force_alone_may_fetch_attachments(case, outbox)
        self._a_child_is_never_between_two_forces(case)
        self._somebody_is_asked_who_leads(case)
        self._half_states_do_not_exist(case)
        self._handed_over_is_settled(case, outbox)
        self._history_has_no_gaps(case)

    def _each_force_hears_only_what_is_its_own(self, outbox: Recorder) -> None:
        for topic, _, message in outbox.sent:
            if topic.startswith("routing.") or isinstance(message, ResponseRejected):
                continue
            force_id = topic.removeprefix("force.").removesuffix(".cases.v1")
            assert message.force_id == force_id  # type: ignore[attr-defined]
            if isinstance(message, CaseDisseminated):
                self.held.add(force_id)
                assert message.part >= (self.latest(force_id) or 0)
                self.sent[force_id] = message
                alone = message.home_force is None and message.interim_safeguarding_owner == force_id
                assert message.referral is None or message.home_force == force_id or alone
                assert message.referral is not None or message.home_force != force_id
                if message.referral is not None:
                    self.told_whole.add(force_id)
            assert force_id in self.held, "told something of a case that it was never given"

    def _no_rule_sends_the_case_to_a_suspects_force(self, case: Case, outbox: Recorder) -> None:
        """Of whatever kind, nothing goes to one that had it before anybody knew, but that an officer ended its part, and
        what was wrong with its own records. And nobody writes to it, as is done to whomever `CaseRouted` names."""
        for force_id in self.police(case):
            assert case.home_force != force_id
            told = [message for message in outbox.to(force_id) if not isinstance(message, ResponseRejected)]
            assert all(isinstance(message, HandoffClosed) for message in told)
            assert not told or case.handoffs[force_id].state is HandoffState.STOOD_DOWN
            for fact in outbox.facts():
                assert not isinstance(fact, CaseRouted) or force_id not in {*fact.added, *fact.again}
                assert not isinstance(fact, HandoffOverdue | HandoffEscalated) or fact.force_id != force_id

    def _the_home_force_alone_may_fetch_attachments(self, case: Case, outbox: Recorder) -> None:
        for _, _, message in outbox.sent:
            if isinstance(message, AttachmentOpened):
                assert message.attachment_id not in self.opened
                self.opened[message.attachment_id] = message.force_id
            if isinstance(message, AttachmentClosed):
                assert self.opened.pop(message.attachment_id) == message.force_id
            if isinstance(message, AttachmentDisseminated):
                assert message.force_id == self.opened[message.attachment_id]
        if case.state is not CaseState.WITHDRAWN:
            assert set(self.opened.values()) <= {case.home_force}

    def _a_child_is_never_between_two_forces(self, case: Case) -> None:
        assert (case.interim_owner is not None) == bool(case.handoffs)
        if case.interim_owner is not None:
            assert case.handoffs[case.interim_owner].state is not HandoffState.STOOD_DOWN
        if case.home_force is not None:
            assert case.home_force in self.told_whole
            if case.state is not CaseState.WITHDRAWN:
                assert case.handoffs[case.home_force].active

    def _the_duty_goes_to_a_force_that_answered(self, case: Case) -> None:
        owner = case.interim_owner
        able = self._may_have_duty(case)
        if owner != self.owner and owner is not None and any(case.handoffs[force].answered for force in able):
            assert case.handoffs[owner].answered
        # After a withdrawal nobody is given anything more, the duty included.
        assert owner is None or owner in able or not able or case.state is CaseState.WITHDRAWN
        self.owner = owner

    def _may_have_duty(self, case: Case) -> set[str]:
        """Forces with a part, or that keep the duty after declining; special ones where there is nobody else, and the
        suspect's own last of all."""
        kept = {case.interim_owner} if case.interim_owner and not case.handoffs[case.interim_owner].active else set()
        all_of_them = {*case.active, *kept}
        others = all_of_them - self.police(case) or all_of_them
        return {force for force in others if forces()[force].territorial} or others

    def police(self, case: Case) -> set[str]:
        """The forces that suspects belong to, as the partner or an officer says, but for those that an officer let in."""
        said = {force or "" for force in case.told.people.police} | case.marked(ForceMark.STANDARDS_TOLD)
        return said - case.marked(ForceMark.LET_IN)

    def _deadlines_only_come_nearer(self, case: Case) -> None:
        """While a force is waited for. An answer ends the wait, and what changes after it starts another."""
        now = {}
        for force_id, handoff in case.handoffs.items():
            if handoff.waiting:
                began, *due = now[force_id] = (
                    handoff.disseminated_at,
                    handoff.receipt_due_at,
                    handoff.acknowledgement_due_at,
                )
                began_before, *due_before = self.deadlines.get(force_id, now[force_id])
                assert began != began_before or all(map(le, due, due_before))
        self.deadlines = now

    def _somebody_is_asked_who_leads(self, case: Case) -> None:
        if case.state in {CaseState.OPEN, CaseState.HANDED_OVER} and case.home_force is None:
            assert case.home_is_asked_for

    def _half_states_do_not_exist(self, case: Case) -> None:
        for handoff in case.handoffs.values():
            runs = handoff.next_action_at is not None
            assert not runs or (handoff.owes_answer and case.state is not CaseState.WITHDRAWN)
            assert not handoff.lacks_receipt or handoff.by_telephone
            assert (handoff.state is HandoffState.ACKNOWLEDGED) <= (handoff.acknowledged_at is not None)
            assert (handoff.state is HandoffState.ACKNOWLEDGED) <= handoff.answered
            assert handoff.part == self.latest(handoff.force_id)
            assert handoff.force_id in handoff.areas
        open_reviews = [(review.reason, review.about) for review in case.open_reviews()]
        assert len(open_reviews) == len(set(open_reviews))

    def _handed_over_is_settled(self, case: Case, outbox: Recorder) -> None:
        if case.state is CaseState.HANDED_OVER:
            assert not case.provisional
            assert all(case.handoffs[force].state is HandoffState.ACKNOWLEDGED for force in case.active)
            special = case.home_force is not None and not forces()[case.home_force].territorial
            assert case.interim_owner == case.home_force or special
            for force_id in case.active:
                self._has_read_all_that_is_its_own(case, force_id)
        for fact in outbox.facts():
            if isinstance(fact, CaseRouted):
                assert set(fact.added) <= set(fact.forces)
            if isinstance(fact, CaseHandedOver):
                assert fact.home_force in case.handoffs

    def _has_read_all_that_is_its_own(self, case: Case, force_id: str) -> None:
        scope, last = extract.scope_for(case, case.handoffs[force_id]), self.sent[force_id]
        assert self.read[force_id] == last.part
        persons = Counter(person.person_id for person in scope.of_persons(case.told.persons))
        places = Counter(place.place_id for place in scope.of_places(case.told.places))
        # One that led before has read more than its part.
        assert persons <= Counter(person.person_id for person in last.persons)
        assert places <= Counter(place.place_id for place in last.places)
        assert case.home_force != force_id or last.home_force == force_id
        assert (last.urgency, last.immediate_danger) == (case.urgency, case.immediate_danger)

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
        message = None if isinstance(step, float) else said(desk, watch, step)
        outbox = deliver(desk, watch, message) if message else desk.wait(step)  # type: ignore[arg-type]
        if ID not in desk.work.cases:
            assert set(outbox.kinds()) <= {"CommandRefused"}
            continue
        watch.check(desk.case(ID), outbox)
        # Without a number an answer is of the newest part, and one that comes again is known by its event id instead.
        # A force may be chased as often as an officer says.
        if message and not isinstance(
            message, CaseAcknowledged | ReceiptConfirmed | CaseDeclined | ChaseHandoff | EscalateHandoff
        ):
            again = desk.deliver(message)
            assert {type(each).__name__ for _, _, each in again.sent} <= {
                "CommandIgnored",
                "CommandRefused",
                "ResponseRejected",
            }
    settle(desk, watch)


def said(desk: Desk, watch: Watch, step: object) -> Message:
    if isinstance(step, Called):
        return by_telephone(ID, step.force_id, desk.work.now)
    if not isinstance(step, Late):
        return step  # type: ignore[return-value]
    latest = watch.latest(step.force_id)
    return acknowledged(ID, step.force_id, part=max(1, latest - step.versions_ago) if latest else None)


def deliver(desk: Desk, watch: Watch, message: Message) -> Recorder:
    watch.answered(message)
    return desk.deliver(message)


def settle(desk: Desk, watch: Watch) -> None:
    """Let people do what they are asked for. Then an accepted case is handed over, whatever happened before."""
    for _ in range(4):
        if ID not in desk.work.cases or desk.case(ID).state not in {CaseState.OPEN, CaseState.HANDED_OVER}:
            return
        case = desk.case(ID)
        for force_id in watch.police(case) & {*case.active, "kent"}:
            watch.check(desk.case(ID), desk.deliver(to_standards(ID, force_id), name_home(ID, force_id)))
        # A special force is refused where one with an area is concerned: the officer then names such a force.
        for force_id in (*case.active[:1], "kent"):
            if desk.case(ID).home_force is None:
                watch.check(desk.case(ID), desk.deliver(name_home(ID, force_id)))
        for force_id in desk.case(ID).active:
            read = deliver(desk, watch, acknowledged(ID, force_id, part=watch.latest(force_id)))
            watch.check(desk.case(ID), read)
    case = desk.case(ID)
    assert case.home_force is not None
    assert case.provisional or case.state is CaseState.HANDED_OVER, standing_of(case)
