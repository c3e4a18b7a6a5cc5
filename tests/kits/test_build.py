"""A kit reads what it is given as the hub would: null means absent, 6.0 is whole, and what no JSON can hold is a problem."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.envelope import Undecodable, read_message
from conduit_contracts.kits import InvalidError, build
from conduit_contracts.referral import Referral

FIELDS: dict[str, Any] = {
    "mou_reference": "MOU-EXAMPLE",
    "caseworker": {"name": "Example", "email": "casework@example-haven.example"},
    "reported_at": datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    "urgency": "priority",
    "immediate_danger": False,
    "narrative": "Synthetic: six children told us the same of one house.",
    "places": [{"place_id": "L1", "district_code": "E08000025"}],
    "numbers": {"victims_known": 6},
    "concerns": ["contact_sexual_abuse"],
    "legal_ground": "safeguarding_of_children",
}
CHANGES = st.dictionaries(
    st.sampled_from(sorted(Referral.model_fields.keys() - {"partner_id", "partner_reference", "reported_at"})),
    st.sampled_from([None, "", "x", 6.0, 6.5, True, [], [None], {}, {"victims_known": 6.0, "suspects_known": None}]),
    max_size=3,
)


@given(changes=CHANGES)
def test_a_kit_refuses_what_the_hub_refuses_and_nothing_else(changes: dict[str, Any]) -> None:
    fields = {**FIELDS, **changes}
    body = {**fields, "partner_id": "example-haven", "partner_reference": "EH-1", "reported_at": "2026-11-23T09:30:00Z"}
    try:
        read_message(Referral, json.dumps(body).encode(), closed=True)
        hub = []
    except Undecodable as error:
        hub = [(each.code, each.field) for each in error.problems]
    try:
        build.referral("example-haven", "EH-1", **fields)
        kit = []
    except InvalidError as error:
        kit = [(each.code, each.field) for each in error.problems if each.code != "immediate_danger"]
    assert kit == hub


def test_half_a_character_is_a_problem_at_its_field_and_is_not_shown() -> None:
    with pytest.raises(InvalidError) as refused:
        build.referral("example-haven", "EH-1", **{**FIELDS, "narrative": "a secret \ud83d"})
    (problem,) = refused.value.problems
    assert (problem.code, problem.field) == ("json_invalid", "narrative")
    assert "secret" not in str(refused.value)
