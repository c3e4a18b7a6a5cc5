"""The committed JSON Schemas are what the models give, and published ones never change."""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from re import _parser

import jsonschema
import pytest

from conduit_contracts import __version__, schemas
from conduit_contracts.json_texts import LONGEST_LIST
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.topics import REGISTRY
from conduit_contracts.triage import ReferralAccepted
from contracts.tests.support import Json

SUBMITTED = "uk.conduit.partner.referral-submitted.v1"


def objects(node: Json) -> Iterator[Json]:
    if isinstance(node, dict):
        if "properties" in node and isinstance(node["properties"], dict):
            yield node
        for item in node.values():
            yield from objects(item)
    elif isinstance(node, list):
        for item in node:
            yield from objects(item)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the contracts folder's committed part."""
    for name in ("schemas", "examples"):
        shutil.copytree(schemas.CHECKOUT / name, tmp_path / name)
    shutil.copy(schemas.CHECKOUT / "CHANGELOG.md", tmp_path)
    return tmp_path


def test_the_committed_schemas_are_what_the_models_give_and_no_version_breaks_another() -> None:
    assert schemas.problems() == []


def test_generating_twice_gives_the_same_text() -> None:
    assert schemas.expected() == schemas.expected()


@pytest.mark.parametrize("name", sorted(schemas.messages()))
def test_a_schema_is_closed_for_writers_open_for_readers_and_valid_2020_12(name: str) -> None:
    made = schemas.committed()[__version__][name]
    jsonschema.Draft202012Validator.check_schema(made)
    assert made["$schema"].endswith("2020-12/schema")
    assert made["$id"].endswith(f"/{__version__}/{name}.json")
    assert made["title"] == schemas.messages()[name].__name__
    assert made["description"]
    assert made["examples"]
    written = name in schemas.HUB_READS
    assert made["$comment"] == (schemas.WRITERS if written else schemas.READERS)
    for found in objects({k: v for k, v in made.items() if k != "examples"}):
        assert found.get("additionalProperties") is (False if written else None)
        for field, described in found["properties"].items():
            optional = field not in found.get("required", ())
            alone = {"$defs": made.get("$defs", {}), **described}
            assert jsonschema.Draft202012Validator(alone).is_valid(None) or not (written and optional)


def test_every_field_of_every_message_is_described() -> None:
    without = [
        (name, field)
        for name, message in schemas.messages().items()
        for found in objects(schemas.schema(message))
        for field, described in found["properties"].items()
        if not described.get("description", "").strip()
    ]
    assert without == []


def test_the_tag_of_a_union_is_required_and_no_keyword_is_openapis() -> None:
    text = json.dumps([schemas.schema(message) for message in schemas.messages().values()])
    assert "discriminator" not in text
    tagged = [found for found in objects(json.loads(text)) if "const" in found["properties"].get("kind", {})]
    assert tagged
    assert all("kind" in found["required"] and "default" not in found["properties"]["kind"] for found in tagged)


def test_what_stands_below_a_field_in_the_sources_describes_it() -> None:
    referral = schemas.schema(ReferralSubmitted)["$defs"]["Referral"]["properties"]
    assert "999" in referral["immediate_danger"]["description"]


def test_inherited_fields_are_described_as_well() -> None:
    properties = schemas.schema(ReferralAccepted)["properties"]
    assert properties["supplements"]["description"].startswith("What the partner added")
    assert list(properties)[:3] == ["referral_id", "partner_id", "partner_reference"]


def test_check_names_a_schema_that_was_changed_by_hand(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "schemas" / __version__ / f"{SUBMITTED}.json"
    path.write_text(path.read_text(encoding="utf-8").replace("40000", "50000"), encoding="utf-8")
    assert schemas.main(["check", "--home", str(home)]) == 1
    assert f"{SUBMITTED}: not what the models give" in capsys.readouterr().err


def test_write_mends_changed_missing_and_left_over_schemas(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "schemas" / __version__
    (folder / "uk.conduit.triage.nobody-knows.v1.json").write_text("{}", encoding="utf-8")
    (folder / f"{SUBMITTED}.json").unlink()
    assert schemas.main(["write", "--home", str(home)]) == 0
    assert capsys.readouterr().out == "2 schemas written\n"
    assert schemas.problems(home) == []


def test_write_starts_a_folder_for_a_new_version(home: Path) -> None:
    shutil.rmtree(home / "schemas" / __version__)
    assert schemas.write(home) == len(schemas.messages())
    assert schemas.write(home) == 0


def test_a_published_version_is_never_written_again(home: Path) -> None:
    (home / "CHANGELOG.md").write_text(f"## [{__version__}] - 2026-12-01\n", encoding="utf-8")
    assert schemas.write(home) == 0
    (home / "schemas" / __version__ / f"{SUBMITTED}.json").unlink()
    with pytest.raises(PermissionError, match="published"):
        schemas.write(home)


def test_check_walks_every_pair_of_versions_in_numeric_order(home: Path) -> None:
    published = list(schemas.committed(home))
    committed = json.loads((home / "schemas" / published[0] / f"{SUBMITTED}.json").read_text(encoding="utf-8"))
    committed["$defs"]["Urgency"]["enum"].append("whenever")
    for version in ("0.0.2", "0.0.10"):
        (home / "schemas" / version).mkdir()
        (home / "schemas" / version / f"{SUBMITTED}.json").write_text(json.dumps(committed), encoding="utf-8")
    assert list(schemas.committed(home)) == ["0.0.2", "0.0.10", *published]
    assert schemas.problems(home) == [f"{SUBMITTED} referral.urgency: enum_narrowed breaks old_writers"] * 2 * len(published)


def test_check_sees_a_rule_between_fields_that_refuses_an_older_example(home: Path) -> None:
    first = next(iter(schemas.committed(home)))
    older = json.loads((home / "schemas" / first / f"{SUBMITTED}.json").read_text(encoding="utf-8"))
    older["examples"][0]["referral"]["handling"] = {"marking": "official_sensitive", "code": "P", "conditions": "None."}
    (home / "schemas" / "0.0.9").mkdir()
    (home / "schemas" / "0.0.9" / f"{SUBMITTED}.json").write_text(json.dumps(older), encoding="utf-8")
    assert schemas.problems(home) == [f"0.0.9/{SUBMITTED}: today's model refuses the example"]


def arrays(node: Json) -> Iterator[Json]:
    if isinstance(node, dict):
        if node.get("type") == "array":
            yield node
        for item in node.values():
            yield from arrays(item)
    elif isinstance(node, list):
        for item in node:
            yield from arrays(item)


def test_no_list_that_a_sender_may_send_is_longer_than_the_longest() -> None:
    """So that longer ones need not be looked at further: see `envelope`. Lists of words that must be known aside."""
    found = [
        (message.type, each.get("maxItems", math.inf))
        for topic in REGISTRY
        if topic.edge
        for message in topic.messages
        for each in arrays(message.model_json_schema())
        if "enum" not in message.model_json_schema()["$defs"].get(each["items"].get("$ref", "").rpartition("/")[2], {})
    ]
    assert found
    assert [each for each in found if each[1] > LONGEST_LIST] == []


def strings(node: Json) -> Iterator[Json]:
    """Every text that may be just any: no word of a list, and none whose format has a length."""
    if isinstance(node, dict):
        if node.get("type") == "string" and not {"const", "enum"} & node.keys() and node.get("format") not in FIXED_FORMATS:
            yield node
        for item in node.values():
            yield from strings(item)
    elif isinstance(node, list):
        for item in node:
            yield from strings(item)


FIXED_FORMATS = {"date", "date-time", "uuid", "uuid7"}


def longest(node: Json) -> float:
    """How long such a text may be, as its schema states."""
    pattern = node.get("pattern", "")
    by_pattern = _parser.parse(pattern).getwidth()[1]
    bounded = pattern.startswith("^") and pattern.endswith("$") and by_pattern < _parser.MAXREPEAT
    return float(node.get("maxLength", by_pattern if bounded else math.inf))


def test_every_text_of_every_message_has_a_stated_maximum() -> None:
    found = [
        (kind, longest(each)) for kind, message in schemas.messages().items() for each in strings(schemas.schema(message))
    ]
    assert len(found) > 200
    assert [each for each in found if each[1] > 40_000] == []
