"""Whoever says danger is heard, whatever else is wrong with what was sent; and nobody who does not is taken for it."""

import gzip
import json
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.danger import CALL_999, CODE, NOT_SENT, danger_first, heard
from conduit_contracts.kits import InvalidError, build
from conduit_contracts.kits.http_answers import Refusal, RefusedError
from conduit_contracts.problems import sender_problem

CASEWORKER = {"name": "Synthetic caseworker", "telephone": "+44 20 7946 0147", "email": "not an address"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
SPELLINGS = st.sampled_from(
    ["immediate_danger", "immediateDanger", "Immediate_Danger", "immediate-danger", "imediate_danger", "immediate_dangr"]
)
YES = st.sampled_from(
    [True, "true", "True", " YES ", "Y", "on", 1, "1", 2.5, "immediate", "now", [True], {"value": True}, [{"said": "yes"}]]
)
NO = st.sampled_from(
    [False, None, 0, "", "no", " False ", "N", "off", "none", "null", "0", [], {}, [False], {"value": "no"}, "unknown"]
)


def wrapped(body: dict[str, Any], wrapper: str) -> dict[str, Any]:
    return {"referral": {"referral": body}, "supplement": {"supplement": body}, "data": {"data": {"referral": body}}}.get(
        wrapper, body
    )


@given(
    around=st.dictionaries(st.text(max_size=12), JSON, max_size=6),
    name=SPELLINGS,
    yes=YES,
    wrapper=st.sampled_from(["", "referral", "supplement", "data"]),
)
def test_danger_is_heard_among_any_other_fields(around: dict[str, Any], name: str, yes: object, wrapper: str) -> None:
    body = {**around, "partner_reference": "NL-1", "caseworker": CASEWORKER, name: yes}
    found = heard(json.dumps(wrapped(body, wrapper)).encode())
    assert found is not None
    assert found.partner_reference == "NL-1"
    assert found.callback is not None
    assert found.callback.telephone == CASEWORKER["telephone"]


@given(rest=st.text(max_size=60), cut=st.integers(0, 60))
def test_danger_is_heard_in_what_was_cut_short_or_is_not_json(rest: str, cut: int) -> None:
    said = '{"partner_reference": "NL-1", "immediate_danger": true, '
    for text in (said + json.dumps(rest)[:cut], said + rest, f"{said}'trailing': rubbish,,}}{{"):
        found = heard(text.encode("utf-8", "replace"))
        assert found is not None
        assert found.partner_reference == "NL-1"


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"immediate_danger": true}',
        '{"immediate_danger": true}'.encode("utf-16"),
        b'{"immediate_danger": true, "immediate_danger": false}',
        b"{'immediate_danger': True}",
        b"immediate_danger: yes\npartner_reference: NL-1\n",
        b"[" * 5_000 + b'{"immediate_danger": true}',
        b'{"numbers": 1e999999, "immediate_danger": true}',
        b'{"narrative": "\\ud800", "immediate_danger": true}',
        b'{"narrative": "\xff\xfe", "immediate_danger": true}',
        b"<referral><immediate_danger>true</immediate_danger></referral>",
        b'<r:immediateDanger xmlns:r="urn:r" type="boolean"> true </r:immediateDanger>',
        b'<referral immediate_danger="true"/>',
        b'{"narrative": "x", "immediate_danger": tr',
        b'{"urgency": "immediate_danger"}',
        b'{"urgency": "Emergency"}',
        b'{"urgency": "P1 - immediate"}',
        b'{"urgency": "life-threatening"}',
        b'{"child_in_danger": true}',
        b'{"immediateDangerToChild": "yes"}',
        b'{"danger": 1}',
        '{"\uff49\uff4d\uff4d\uff45\uff44\uff49\uff41\uff54\uff45_danger": true}'.encode(),
        b'{"immediate\\u005fdanger": true, "immediate_danger": false}',
        b'{"immediate\\u005fdanger": true,}',
        b'{"immediate_danger": /* yes */ true}',
        "{\u201cimmediate_danger\u201d: true}".encode(),
        b'{"partner_reference": "NL-1"}\n{"immediate\\u005fdanger": "now"}\n',
        b"immediate_danger=on&partner_reference=NL-1",
        b"partner_reference=NL-1&immediate%5Fdanger=true",
        b"referral%5Bimmediate_danger%5D=true",
        b'--x\r\nContent-Disposition: form-data; name="immediate_danger"\r\n\r\ntrue\r\n--x--',
        b'--x\r\nContent-Disposition: form-data; name="immediate_danger"\r\nContent-Type: text/plain\r\n\r\nyes\r\n--x--',
        b"partner_id,immediate_danger\nx,true\n",
        b'immediate danger;reference\n"Y";NL-1\n',
        b"immediate_danger: on\n",
        b"<ImmediateDanger>Y</ImmediateDanger>",
        b'<immediate_danger value="true"/>',
        b'{"concerns": ["grooming", "immediate danger"]}',
    ],
)
def test_danger_is_heard_in_what_no_contract_takes(body: bytes) -> None:
    assert heard(body) is not None


BREAKS = st.sampled_from([",", '\n{"more": 1}', "\x00]", ' "narrative": "caf\xe9'])


@given(name=SPELLINGS.filter(lambda name: "imm" in name and name.endswith("anger")), yes=YES, breaks=BREAKS)
def test_what_counts_as_danger_in_json_counts_in_json_that_is_broken(name: str, yes: object, breaks: str) -> None:
    body = f'{{"partner_reference": "NL-1", "{name}": {json.dumps(yes)}{breaks}'
    found = heard(body.encode("latin-1"))
    assert found is not None
    assert found.partner_reference == "NL-1"


@given(no=NO.filter(lambda no: not isinstance(no, dict)), breaks=BREAKS)
def test_a_plain_no_in_json_that_is_broken_is_none(no: object, breaks: str) -> None:
    assert heard(f'{{"immediate_danger": {json.dumps(no)}{breaks}'.encode("latin-1")) is None


@given(yes=YES, packings=st.lists(st.sampled_from(["text", "data", "base64"]), min_size=1, max_size=2))
def test_danger_is_heard_in_what_was_packed_into_a_text(yes: object, packings: list[str]) -> None:
    body = json.dumps({"referral": {"partner_reference": "NL-1", "immediate_danger": yes}})
    for packing in packings:
        packed = b64encode(body.encode()).decode() if packing == "base64" else body
        named = {"text": packed, "data": {"data": packed}, "base64": {"data_base64": packed}}
        body = json.dumps(named[packing])
    found = heard(body.encode())
    assert found is not None
    assert found.partner_reference == "NL-1"


@given(yes=YES, packed=st.sampled_from([gzip.compress, zlib.compress]), cut=st.integers(0, 12))
def test_danger_is_heard_in_what_a_client_compressed_itself(yes: object, packed: Callable[[bytes], bytes], cut: int) -> None:
    body = packed(json.dumps({"partner_reference": "NL-1", "immediate_danger": yes, "caseworker": CASEWORKER}).encode())
    found = heard(body[: len(body) - cut])
    assert found is not None
    assert found.partner_reference == "NL-1"


def test_what_is_compressed_is_read_no_further_than_the_hub_would_read_anything() -> None:
    bomb = gzip.compress(b" " * 50_000_000 + b'{"immediate_danger": true}')
    started = time.process_time()
    assert heard(bomb) is None
    assert heard(gzip.compress(b'{"narrative": "no"}')) is None
    assert heard(b"\x1f\x8b rubbish") is None
    assert time.process_time() - started < 2, "seconds of processor time, whatever else runs here"


@given(body=JSON, no=NO)
def test_nobody_is_taken_for_it_who_does_not_say_so(body: Any, no: object) -> None:
    for not_said in ({"immediate_danger": no}, {}):
        assert heard(json.dumps({"more": body, **not_said}).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"\x00\x01\x02",
        b'{"narrative": "she wrote: \\"immediate_danger\\": true"}',
        b'{"immediate_danger": false, "narrative": "immediate_danger: true"}',
        b'{"immediate_danger": 0}',
        b'{"no_danger": true}',
        b'{"danger": "not at the moment"}',
        b'{"urgency": "routine"}',
        b'{"narrative": "She is in no immediate danger now.",}',
        b"partner_id,immediate_danger\nx,false\ny,\n",
        b"immediate_danger=off&partner_reference=NL-1",
        b"<immediate_danger>no</immediate_danger>",
        b'<immediate_danger value="false"/>',
        b'{"immediate_danger": fal',
    ],
)
def test_words_in_a_narrative_are_no_flag(body: bytes | None) -> None:
    assert heard(body) is None


def test_a_name_or_number_that_has_no_form_is_passed_on_trimmed_and_a_reference_is_not() -> None:
    body = {"immediate_danger": True, "partner_reference": "Anna Smith\n", "caseworker": {"name": "A" * 500, "telephone": 1}}
    found = heard(json.dumps(body).encode())
    assert found is not None
    assert found.partner_reference is None, "it would be shown in notices, and is no reference"
    assert found.callback is not None
    assert (len(found.callback.name or ""), found.callback.telephone) == (200, "1")


def test_a_body_of_any_number_of_names_is_searched_in_time() -> None:
    body = json.dumps({f"immediate_dange{number:x}x": 1 for number in range(60_000)}).encode()
    started = time.process_time()
    heard(body)
    assert time.process_time() - started < 5, "seconds of processor time, whatever else runs here"


def test_a_kit_says_999_first_where_it_refuses_what_says_danger() -> None:
    with pytest.raises(InvalidError) as refused:
        build.referral("northlight", "NL-1", immediate_danger=True)
    assert str(refused.value).startswith(NOT_SENT)
    assert refused.value.problems[0].code == CODE
    with pytest.raises(InvalidError) as ordinary:
        build.referral("northlight", "NL-1", immediate_danger=False)
    assert CALL_999 not in str(ordinary.value)


def test_a_kit_says_999_first_where_the_hub_refuses_what_says_danger() -> None:
    said = RefusedError(Refusal(status=422, code="body_invalid", detail=f"{CALL_999} The rest."))
    assert str(said) == f"{CALL_999} 422 body_invalid: The rest."


def test_what_is_in_order_has_no_problems_though_it_says_danger() -> None:
    assert danger_first((), b'{"immediate_danger": true}') == ()
    assert [each.code for each in danger_first([sender_problem("field_missing", "x")], b'{"immediate_danger": true}')] == [
        CODE,
        "field_missing",
    ]
