"""A partner finds the hash of its own file, which is the one that the hub says and shows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conduit_contracts.envelope import Undecodable
from conduit_contracts.meaning import content_hash, hash_of_text, main
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
