"""Which forces the map shows, by what sign, and that the list beside it leaves none out."""

from datetime import timedelta

import pytest

from conduit_console.forces_map import on_the_map
from conduit_contracts import routing
from conduit_contracts.envelope import Message
from conduit_contracts.places import force_tiles, forces
from conduit_web.tiles import MarkedForce, Sign, map_size, squares
from services.console.tests import builders as b
from services.console.tests.builders import HOME, NOW, OTHER

LATER = NOW + timedelta(hours=1)


def clocks(*force_ids: str) -> list[dict[str, object]]:
    at = {"receipt_due_at": (NOW + timedelta(minutes=30)).isoformat()}
    at["acknowledgement_due_at"] = (NOW + timedelta(hours=2)).isoformat()
    return [{"force_id": force_id, "part": 1, **at} for force_id in force_ids]


@pytest.mark.parametrize(
    ("said", "sign"),
    [
        ((), Sign.SENT),
        ((b.about_force(routing.HandoffReceived, HOME),), Sign.RECEIVED),
        ((b.about_force(routing.HandoffAcknowledged, HOME),), Sign.TAKEN),
        ((b.about_force(routing.HandoffDeclined, HOME),), Sign.ENDED),
        ((b.about_force(routing.HandoffStoodDown, HOME),), Sign.ENDED),
    ],
)
def test_each_state_of_a_part_has_its_own_sign(said: tuple[Message, ...], sign: Sign) -> None:
    case = b.case_of(b.routed(HOME, OTHER), *said)
    assert {each.force_id: each.sign for each in on_the_map(case, NOW)} == {HOME: sign, OTHER: Sign.SENT}


def test_a_force_whose_deadline_has_passed_is_silent() -> None:
    case = b.case_of(b.routed(HOME, OTHER, clocks=clocks(HOME)))
    assert [each.sign for each in on_the_map(case, NOW)] == [Sign.SENT, Sign.SENT]
    assert [each.sign for each in on_the_map(case, LATER)] == [Sign.SILENT, Sign.SENT]


def test_the_home_force_stands_first_and_who_looks_after_the_child_is_said_until_it_has_acknowledged() -> None:
    moved = b.routed(OTHER, HOME, home_force=HOME, interim_safeguarding_owner=OTHER)
    case = b.case_of(moved)
    assert on_the_map(case, NOW) == [
        MarkedForce(1, HOME, Sign.SENT, leads=True),
        MarkedForce(2, OTHER, Sign.SENT, looks_after=True),
    ]
    case = b.case_of(moved, b.about_force(routing.HandoffAcknowledged, HOME))
    assert not any(each.looks_after for each in on_the_map(case, NOW))


def test_what_a_force_has_goes_before_what_it_would_get_and_a_force_that_is_not_known_is_on_no_map() -> None:
    case = b.case_of(b.routed(HOME), b.fact(routing.CaseRestricted, kept_from=["kent"]))
    assert [(each.force_id, each.sign) for each in on_the_map(case, NOW, (HOME, "essex"))] == [
        (HOME, Sign.SENT),
        ("essex", Sign.WOULD),
        ("kent", Sign.KEPT),
    ]
    unknown = b.case_of(b.fact(routing.CaseRestricted, kept_from=[]))
    assert on_the_map(unknown, NOW) == []


def test_every_territorial_force_has_a_square_of_its_own_within_the_picture() -> None:
    territorial = {each.force_id for each in forces().values() if each.territorial}
    assert force_tiles().keys() == territorial
    places = {(each.x, each.y) for each in squares(())}
    assert len(places) == len(territorial)
    assert all(x < map_size()[0] and y < map_size()[1] for x, y in places)
    marked = [MarkedForce(1, HOME, Sign.SENT, leads=True), MarkedForce(2, OTHER, Sign.SENT)]
    assert [each.marked for each in squares(marked) if each.marked] == marked[:1]
    assert [each.on_map for each in marked] == [True, False], "one without an area is in the list alone"
