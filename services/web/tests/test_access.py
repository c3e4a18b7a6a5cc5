"""Who may what: the reviewed table, and each question that `decide` asks, in its order."""

from __future__ import annotations

import ast
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conduit_web import access
from conduit_web.access import RULES, SECOND_FACTOR_ROLES, Access, Action, Proof, Reach, Restriction, Target, decide
from conduit_web.people import Organisation, Person, Role

NOW = datetime(2026, 11, 29, 14, 3, 12, tzinfo=UTC)
STRONG = Proof(second_factor=True, signed_in_at=NOW)
TABLE = Path(__file__).with_name("who_may_what.md")
REACHES = {"all": Reach.ALL, "org": Reach.ORGANISATION, "force": Reach.FORCE, "own": Reach.OWN}
RESTRICTIONS = {
    "any": Restriction.NONE,
    "glass": Restriction.NAMED_OR_GLASS_BROKEN,
    "named": Restriction.NAMED,
}
MINE = Target(partner_id="north-star", force_ids=frozenset({"kent"}), person_id="p-1")


def reviewed() -> dict[str, dict[str, str]]:
    """The table by action and column."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert all(len(row) == len(head) for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def person(role: Role) -> Person:
    return Person(
        "p-1",
        frozenset({role}),
        partner_id="north-star" if role.organisation is Organisation.PARTNER else None,
        force_id="kent" if role.organisation is Organisation.FORCE else None,
    )


def column(role: Role) -> str:
    return role.value.replace("_", " ")


def test_the_reviewed_table_has_a_row_for_every_action_and_a_column_for_every_role() -> None:
    assert set(reviewed()) == {action.value for action in Action}
    assert set(RULES) == set(Action)
    columns = {"action", "anonymous", *map(column, Role), "asks", "restricted"}
    assert {frozenset(row) for row in reviewed().values()} == {frozenset(columns)}


@pytest.mark.parametrize(("action", "role"), list(itertools.product(Action, Role)))
def test_a_role_may_what_the_reviewed_table_says_and_nothing_else(action: Action, role: Role) -> None:
    cell = reviewed()[action.value][column(role)]
    answer = decide(action, person(role), STRONG, MINE, NOW)
    anothers = Target(partner_id="safe-harbour", force_ids=frozenset({"essex"}), person_id="p-2")
    elsewhere = decide(action, person(role), STRONG, anothers, NOW)
    if cell == "-":
        assert (answer, elsewhere) == (Access.REFUSED, Access.REFUSED)
    elif cell in {"yes", "all"}:
        assert (answer, elsewhere) == (Access.ALLOWED, Access.ALLOWED)
    else:
        assert RULES[action].reach[role] is REACHES[cell]
        assert (answer, elsewhere) == (Access.ALLOWED, Access.MISSING)


@pytest.mark.parametrize("action", Action)
def test_who_has_not_signed_in_may_what_the_reviewed_table_says(action: Action) -> None:
    cell = reviewed()[action.value]["anonymous"]
    assert decide(action, None, None, MINE, NOW) is {"yes": Access.ALLOWED, "-": Access.SIGN_IN}[cell]


@pytest.mark.parametrize("action", Action)
def test_an_action_asks_for_what_the_reviewed_table_says(action: Action) -> None:
    row, rule = reviewed()[action.value], RULES[action]
    asks = {"content": rule.content, "sensitive": rule.sensitive, "fresh": rule.fresh}
    assert {name for name, asked in asks.items() if asked} == {each.strip() for each in row["asks"].split(",") if each}
    assert rule.restriction is RESTRICTIONS[row["restricted"]]


def test_every_role_that_sees_content_needs_a_second_factor() -> None:
    assert set(Role) - SECOND_FACTOR_ROLES == {Role.FINANCE}
    one_factor = Proof(second_factor=False, signed_in_at=NOW)
    for role in Role:
        expected = Access.SECOND_FACTOR if role in SECOND_FACTOR_ROLES else Access.ALLOWED
        assert decide(Action.MANAGE_OWN_SESSIONS, person(role), one_factor, MINE, NOW) is expected


def test_an_administrator_sees_no_content() -> None:
    shown = {action for action, rule in RULES.items() if rule.content}
    assert [action for action in shown if Role.ADMINISTRATOR in RULES[action].reach] == []


@pytest.mark.parametrize("action", [Action.DECLINE, Action.BREAK_GLASS, Action.EXPORT_CASE])
@pytest.mark.parametrize(
    ("signed_in_at", "answer"),
    [
        (NOW - timedelta(minutes=5), Access.ALLOWED),
        (NOW - timedelta(minutes=5, seconds=1), Access.FRESH_SIGN_IN),
        (None, Access.FRESH_SIGN_IN),
    ],
)
def test_a_grave_act_needs_a_fresh_sign_in(action: Action, signed_in_at: datetime | None, answer: Access) -> None:
    proof = Proof(second_factor=True, signed_in_at=signed_in_at)
    assert decide(action, person(Role.SUPERVISOR), proof, MINE, NOW) is answer


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", [action for action in Action if not RULES[action].anonymous])
def test_what_does_not_exist_is_answered_as_what_is_anothers(action: Action, role: Role) -> None:
    # A role that may never do this learns nothing either way.
    expected = Access.MISSING if role in RULES[action].reach else Access.REFUSED
    assert decide(action, person(role), STRONG, None, NOW) is expected


@pytest.mark.parametrize(
    ("action", "named", "broken", "answer"),
    [
        (Action.VIEW_CASE, "p-2", "p-2", Access.GLASS),
        (Action.VIEW_CASE, "p-1", "", Access.ALLOWED),
        (Action.VIEW_CASE, "", "p-1", Access.ALLOWED),
        (Action.FETCH_ATTACHMENT, "", "", Access.GLASS),
        (Action.ACCEPT, "p-1", "", Access.ALLOWED),
        (Action.ACCEPT, "", "p-1", Access.GLASS),
        (Action.EXPORT_CASE, "", "p-1", Access.GLASS),
        (Action.BREAK_GLASS, "", "", Access.ALLOWED),
        (Action.TAKE_DUTY_TASK, "", "", Access.ALLOWED),
    ],
)
def test_a_restricted_case_is_open_to_named_officers(action: Action, named: str, broken: str, answer: Access) -> None:
    target = Target(restricted=True, named=frozenset({named}), glass_broken_by=frozenset({broken}))
    assert decide(action, person(Role.SUPERVISOR), STRONG, target, NOW) is answer


def test_whoever_is_asked_to_break_the_glass_may() -> None:
    for rule in RULES.values():
        if rule.restriction is not Restriction.NONE:
            everywhere = {role for role, reach in rule.reach.items() if reach is Reach.ALL}
            assert everywhere <= RULES[Action.BREAK_GLASS].reach.keys()


@pytest.mark.parametrize("role", [Role.PARTNER_CASEWORKER, Role.FORCE_TEAM])
def test_restriction_takes_nothing_from_the_partner_who_sent_it_or_a_force_that_was_let_in(role: Role) -> None:
    target = Target(partner_id="north-star", force_ids=frozenset({"kent"}), restricted=True)
    assert decide(Action.VIEW_CASE, person(role), STRONG, target, NOW) is Access.ALLOWED


def test_two_roles_add_up() -> None:
    both = Person("p-1", frozenset({Role.AUDITOR, Role.FINANCE}))
    assert decide(Action.READ_TRAIL, both, STRONG, Target(), NOW) is Access.ALLOWED
    assert decide(Action.MANAGE_PAYMENTS, both, STRONG, Target(), NOW) is Access.ALLOWED
    assert decide(Action.VIEW_CASE, both, STRONG, Target(), NOW) is Access.REFUSED


def test_who_has_no_role_may_manage_nothing() -> None:
    nobody = Person("p-1", frozenset())
    assert {decide(action, nobody, STRONG, MINE, NOW) for action in Action if not RULES[action].anonymous} == {
        Access.REFUSED
    }


@pytest.mark.parametrize(
    ("roles", "partner_id", "force_id"),
    [
        ({Role.OFFICER, Role.FORCE_TEAM}, None, "kent"),
        ({Role.OFFICER}, "north-star", None),
        ({Role.OFFICER}, None, "kent"),
        ({Role.PARTNER_MANAGER}, None, None),
        ({Role.FORCE_TEAM}, None, None),
        ({Role.FORCE_TEAM}, "north-star", "kent"),
    ],
)
def test_nobody_belongs_to_two_organisations_or_to_none(
    roles: set[Role], partner_id: str | None, force_id: str | None
) -> None:
    with pytest.raises(ValueError, match=r"people|organisation"):
        Person("p-1", frozenset(roles), partner_id, force_id)


def test_it_knows_of_no_database_and_no_request() -> None:
    tree = ast.parse(Path(access.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert modules == {"collections.abc", "dataclasses", "datetime", "enum", "types", "conduit_web.people"}
