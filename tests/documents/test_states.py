"""The diagrams of states are what the services do: no arrow that they cannot make, and none missing.

They were found by saying everything in every situation; here more is said, at random and by more forces.
"""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_contracts import intake
from conduit_contracts.notification import ReferralState
from conduit_contracts.routing import HandoffState
from conduit_contracts.topics import TRIAGE_DECISIONS, consumed_by
from conduit_generate.states import late, look, notices, sayings, tours
from conduit_generate.states.command import PAGE, main
from conduit_generate.states.diagrams import DIAGRAMS, causes, page
from conduit_generate.states.sayings import Saying
from conduit_generate.states.tours import Tour
from conduit_generate.states.world import CLOSED, OPEN, WAITING, World
from conduit_routing.case import CaseState
from conduit_routing.handlers import HANDLERS as ROUTING
from conduit_triage.cases import State
from conduit_triage.handlers import HANDLERS as TRIAGE

LOOK = "look for it: python -m conduit_generate.states look; make documents"
ARROW = re.compile(r"^    (\S+) --> (\S+): (.+)$", re.MULTILINE)
FORCES = (sayings.FIRST, sayings.SECOND, "btp")
SAID = (
    *sayings.by_the_partner(),
    *sayings.by_officers(),
    *sayings.by_routing_officers(forces=FORCES),
    *sayings.by_forces(forces=FORCES),
)
STATES = {
    "referral": {each.value for each in ReferralState},
    "review": {each.value for each in State} | {WAITING},
    "case": {each.value for each in CaseState},
    "handoff": {each.value for each in HandoffState},
    "routing_review": {OPEN, CLOSED},
}


def drawn(of: str) -> dict[tuple[str, str], list[str]]:
    return causes(of, [*tours.moves(), *notices.moves()])


def in_the_page() -> dict[str, dict[tuple[str, str], list[str]]]:
    """The arrows of each diagram, as a reader sees them."""
    _, *found = re.split(r"^```mermaid$(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {
        diagram.of: {(before.removeprefix("[*]"), after): why.split(r"\n") for before, after, why in ARROW.findall(picture)}
        for diagram, picture in zip(DIAGRAMS, found[::2], strict=True)
    }


def test_the_page_is_what_the_services_do() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make documents"


def test_what_differs_is_told(tmp_path: Path) -> None:
    copy = tmp_path / "states.md"
    assert main(["write", "--page", str(copy)]) == 0
    assert main(["check", "--page", str(copy)]) == 0
    lying = copy.read_text(encoding="utf-8").replace("handed_over --> open", "handed_over --> closed")
    copy.write_text(lying, encoding="utf-8")
    assert main(["check", "--page", str(copy)]) == 1


def test_a_reader_sees_every_arrow_that_was_found() -> None:
    assert in_the_page() == {diagram.of: drawn(diagram.of) for diagram in DIAGRAMS}


@pytest.mark.parametrize("of", STATES)
def test_every_state_of_the_contracts_and_the_code_can_be_reached_and_there_are_no_others(of: str) -> None:
    arrows = drawn(of)
    assert {after for _, after in arrows} == STATES[of]
    assert {before for before, _ in arrows} <= STATES[of] | {""}


def test_everything_that_triage_and_routing_read_was_tried() -> None:
    elsewhere = {intake.AttachmentCleared.type}  # moves no state
    wanted = {
        message.type
        for service, handlers in (("triage", TRIAGE), ("routing", ROUTING))
        for topic in consumed_by(service)
        for message in topic.messages
        if handlers[message.type].__name__ != "ignore"
    }
    said = {saying.message.type for saying in SAID} | {message.type for message in tours.BEGINNINGS.values()}
    causes_seen = {move.cause.partition(" ")[0] for move in tours.moves()}
    published = {message.type for message in TRIAGE_DECISIONS.messages if message.__name__ in causes_seen}
    assert wanted - elsewhere <= said | published


def test_nothing_but_an_officer_declines_and_nothing_but_a_forces_own_word_acknowledges() -> None:
    declining = [why for (_, after), why in drawn("review").items() if after == State.DECLINED.value]
    assert declining == [["DecideReview (decline)"]] * len(declining)
    moved = defaultdict(set)
    for (_, after), why in drawn("handoff").items():
        moved[after].update(why)
    answers = {each.partition(" ")[0] for each in moved["acknowledged"]} - {"clock"}
    assert answers == {"CaseAcknowledged", "RecordAcknowledgement"}
    assert moved["declined"] == {"CaseDeclined"}
    asked = {state for state, why in moved.items() if any("clock" in each for each in why)}
    assert asked == {"disseminated", "received", "acknowledged"}, "after a call, for the connector's receipt"


def walk(complex_: bool, danger: bool, places: list[str], said: list[Saying | None]) -> World:
    """Where it leads; None stands for time that passes in silence."""
    world = World()
    world.say(sayings.received(complex_=complex_, danger=danger, places=places))
    for saying in said:
        if saying is None:
            world.let_time_pass()
        else:
            world.say(saying.message, saying.told)
    return world


def walks(longest: int) -> st.SearchStrategy[World]:
    said = st.lists(st.sampled_from([*SAID, None]), max_size=longest)
    places = st.lists(st.sampled_from(FORCES), unique=True)
    return st.builds(walk, complex_=st.booleans(), danger=st.booleans(), places=places, said=said)


@settings(max_examples=40, derandomize=True)
@given(world=walks(20))
def test_no_other_arrow_is_found_by_walking_on(world: World) -> None:
    assert set(world.moves) <= tours.moves(), LOOK


@settings(max_examples=25, derandomize=True)
@given(world=walks(6))
def test_where_a_referral_stands_does_not_depend_on_the_order_in_which_its_facts_are_read(world: World) -> None:
    assert set(late.moves(world.heard)) <= tours.moves() | tours.late_moves(), LOOK


@pytest.mark.long
@settings(max_examples=400)
@given(world=walks(40))
def test_no_other_arrow_is_found_by_walking_very_far(world: World) -> None:
    assert set(world.moves) <= tours.moves(), LOOK


def test_a_move_that_no_tour_shows_is_found_and_kept_without_needless_steps() -> None:
    first = Tour("reviewed", ())
    found = look.further([first], walks=5)
    assert len(found) > 2
    for tour in found:
        for place in range(len(tour.said)):
            shorter = tour._replace(said=tour.said[:place] + tour.said[place + 1 :])
            assert tours.shown([tour]) - tours.shown([shorter]), f"{tour} needs no {tour.said[place]}"
