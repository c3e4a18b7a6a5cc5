"""A partner finds the hash of its own file, which is the one that the hub says and shows."""

import json
import subprocess
import sys
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from conduit_contracts.envelope import Undecodable
from conduit_contracts.meaning import _as_sets, content_hash, hash_of_text, main
from conduit_contracts.referral import Referral, Supplement
from conduit_contracts.schemas import CHECKOUT

EXAMPLES = CHECKOUT / "examples"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"uk.conduit.partner.{name}.v1.json").read_text(encoding="utf-8"))["value"]


REFERRAL, SUPPLEMENT = example("referral-submitted")["referral"], example("information-supplied")["supplement"]


@pytest.mark.parametrize(("sent", "model"), [({"referral": REFERRAL}, Referral), ({"supplement": SUPPLEMENT}, Supplement)])
def test_alone_in_a_record_and_in_an_event_it_has_the_same_hash(
    sent: dict[str, dict[str, object]], model: type[Referral | Supplement]
) -> None:
    (alone,) = sent.values()
    expected = content_hash(model.model_validate_json(json.dumps(alone))).hex()
    assert len(expected) == 64
    for text in (alone, sent, {"specversion": "1.0", "data": sent}):
        assert hash_of_text(json.dumps(text).encode()) == expected


def test_spelling_does_not_count_and_a_word_does() -> None:
    before = hash_of_text(json.dumps(REFERRAL).encode())
    respelt = dict(reversed(REFERRAL.items()))
    assert hash_of_text(json.dumps(respelt, indent=3).encode()) == before
    assert hash_of_text(json.dumps(REFERRAL | {"narrative": "Synthetic: another."}).encode()) != before


@pytest.mark.parametrize(
    ("told", "stored"),
    [
        (REFERRAL, "546e0a89b6ade90b6ba385cc6ab72212fc17f344fc604dad5315e62a3b35351a"),
        (SUPPLEMENT, "59795dd05857e3c5ef718b1ce64bbbe5795c2bad10f95f6c4bf67554531f43b2"),
    ],
)
def test_it_is_the_hash_that_earlier_releases_stored(told: Any, stored: str) -> None:
    """Another one would make a repetition a conflict."""
    assert hash_of_text(json.dumps(told).encode()) == stored


def test_a_time_in_another_zone_is_the_same_time() -> None:
    told = Referral.model_validate_json(json.dumps(REFERRAL))
    there = told.model_copy(update={"reported_at": told.reported_at.astimezone(timezone(timedelta(hours=5, minutes=30)))})
    assert there.reported_at.utcoffset()
    assert content_hash(there) == content_hash(told)


def as_sets(node: Any) -> Any:
    """What makes sets of lists, without any shortcut."""
    if isinstance(node, dict):
        return {name: as_sets(inner) for name, inner in node.items() if inner not in ({}, [])}
    if isinstance(node, list):
        return [each for _, each in sorted({to_json(inner): inner for inner in map(as_sets, node)}.items())]
    return node


PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
NESTED = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=4)
)


@given(NESTED)
def test_what_is_not_looked_at_further_changes_nothing(node: Any) -> None:
    assert to_json(_as_sets(node)) == to_json(as_sets(node))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'"x"', b'{"referral": {}}', b'{"narrative": 1}', b"\xff"])
def test_what_is_neither_has_no_hash(text: bytes) -> None:
    with pytest.raises(Undecodable):
        hash_of_text(text)


def test_the_command_writes_a_line_for_each_file_and_says_what_is_wrong_without_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(REFERRAL), encoding="utf-8")
    bad.write_text(json.dumps(REFERRAL | {"urgency": "canary"}), encoding="utf-8")
    assert main([str(good)]) == 0
    assert capsys.readouterr().out == f"{hash_of_text(good.read_bytes())}  {good}\n"
    assert main([str(bad), str(tmp_path / "none.json")]) == 1
    said = capsys.readouterr().err
    assert "urgency" in said
    assert "canary" not in said
    command = [sys.executable, "-m", "conduit_contracts.meaning", str(good)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0] == hash_of_text(  # noqa: S603 - our own
        good.read_bytes()
    )
