"""A refusal says which record it means, as far as anything of it can be read; what has another form is nobody's name."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.names import NAMELESS, Names, names_of

CASE = "01a225d0-6a63-7010-aa69-2b720b4859d2"
BODY = json.dumps({"referral": {"narrative": 'said "partner_reference": "NOT-THIS"', "partner_reference": "EX-1"}}).encode()
OBJECT = [("content-type", b"application/cloudevents+json")]


@pytest.mark.parametrize(
    ("headers", "key", "value", "expected"),
    [
        ([("ce_id", b"e-1")], b"EX-2", BODY, Names("e-1", "EX-1")),
        ([("ce_id", b"e-1")], b"EX-2", BODY[:-2], Names("e-1", "EX-1")),
        ([("ce_id", b"e-1")], b"EX-2", b"{", Names("e-1", "EX-2")),
        ([], CASE.encode(), None, Names(None, CASE, UUID(CASE))),
        ([("ce_id", b"e 1")], b"Ms Example", b'{"partner_reference": "Ms Example"}', NAMELESS),
        ([("ce_id", b"x" * 201)], None, b"\xff", NAMELESS),
        ([("ce_id", None)], b"\xff", b"", NAMELESS),
        (OBJECT, None, b'{"id": "o-1", "data": {"referral_id": "%s"}}' % CASE.encode(), Names("o-1", None, UUID(CASE))),
        (OBJECT, None, b'{"id": 7}', NAMELESS),
        (OBJECT, None, b"[", NAMELESS),
        ([], None, object(), NAMELESS),
    ],
)
def test_what_can_be_read_is_given_back(headers: Any, key: bytes | None, value: object, expected: Names) -> None:
    assert names_of(headers, key, value) == expected


@given(
    headers=st.lists(st.tuples(st.sampled_from(["ce_id", "content-type", "x"]), st.none() | st.binary(max_size=30))),
    key=st.none() | st.binary(max_size=70),
    value=st.none() | st.binary(max_size=80),
)
def test_whatever_a_record_holds_only_well_formed_names_come_of_it(headers: Any, key: bytes | None, value: Any) -> None:
    names = names_of(headers, key, value)
    event_id = names.event_id or "1"
    assert event_id.isascii()
    assert event_id.isprintable()
    assert len(event_id) <= 200
    assert len(names.partner_reference or "") <= 64
