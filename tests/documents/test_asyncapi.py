"""The AsyncAPI document is what the code gives, is valid by its own standard, and leaves nothing out."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from conduit_chassis.dead_letters import Cause, _headers
from conduit_chassis.headers import unpack_headers
from conduit_chassis.orders import Replay, SnapshotOrder, spell, spell_snapshot
from conduit_chassis.testing import raw_record
from conduit_contracts.schemas import HUB_READS, messages
from conduit_contracts.topics import REGISTRY, SERVICES, Topic, keepers
from conduit_generate.documents.actors import ACTORS, access_to, all_topics, user_words
from conduit_generate.documents.asyncapi import channel_key, document
from conduit_generate.documents.command import expected, main
from conduit_generate.documents.schemas import key_of
from conduit_generate.generated import differing
from conduit_local.services import DOCS_DIR
from conduit_operate.access import Operation, expected_rules
from tests.documents.tools import run_node

OLDER = "asyncapi-latest-version"
"""Says that 3.1 is out. 3.0 is what tools read."""


@cache
def made() -> dict[str, Any]:
    return document()


def test_what_is_committed_is_what_the_code_gives() -> None:
    assert differing(DOCS_DIR, expected()) == [], "run make documents"


def test_the_same_code_gives_the_same_documents() -> None:
    assert expected() == expected()


def test_the_command_writes_checks_and_takes_away(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--home", str(tmp_path)]) == 1
    assert "asyncapi.json: not what the code gives; run make documents" in capsys.readouterr().err
    (tmp_path / "old.html").touch()
    assert main(["write", "--home", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(expected())
    assert main(["check", "--home", str(tmp_path)]) == 0


def broken() -> dict[str, dict[str, Any]]:
    """Documents with one fault each, by the fault."""
    changed: dict[str, dict[str, Any]] = {
        name: copy.deepcopy(made()) for name in ("server", "action", "message", "scheme", "reference")
    }
    changed["server"]["channels"]["intake.referrals.v1"]["servers"] = [{"$ref": "#/servers/other"}]
    sends = "partner.send.partner.referrals.v1"
    changed["action"]["operations"][sends]["action"] = "push"
    elsewhere = "#/channels/force.cases.v1/messages/routing.handoff-closed.v1"
    changed["message"]["operations"][sends]["messages"] = [{"$ref": elsewhere}]
    changed["scheme"]["components"]["securitySchemes"]["scram"]["type"] = "password"
    del changed["reference"]["components"]["schemas"]["Person"]
    return changed


@pytest.mark.long
def test_the_standards_own_parser_finds_nothing_and_would() -> None:
    found = run_node("asyncapi.mjs", {"ours": made(), **broken()})
    assert [each for each in found.pop("ours") if each["code"] != OLDER] == []
    for name, diagnostics in found.items():
        assert [each for each in diagnostics if each["severity"] == 0], f"not found: {name}"


APART = {".dead-letters.v1": "dead-letter", ".replays.v1": "replay", ".snapshots.v1": "fact-again"}
"""What stands on topics beside the registry."""


@pytest.mark.parametrize("topic", all_topics(), ids=lambda topic: topic.template)
def test_every_topic_is_a_channel_with_its_settings_and_messages(topic: Topic) -> None:
    channel = made()["channels"][channel_key(topic)]
    assert channel["address"] == topic.template
    binding = channel["bindings"]["kafka"]
    assert binding["partitions"] == topic.partitions
    shown = {
        name: str(*value) if isinstance(value, list) else str(value) for name, value in binding["topicConfiguration"].items()
    }
    assert shown == topic.config
    own = {key_of(message) for message in topic.messages}
    apart = {name: key for name, key in APART.items() if topic.template.endswith(name)}
    assert channel["messages"].keys() == (set(apart.values()) or own | {f"{key}.structured" for key in own if topic.edge})
    assert list(channel.get("parameters", {})) == ([topic.parameter] if topic.parameter else [])


def test_there_is_no_other_channel() -> None:
    assert len(made()["channels"]) == len(REGISTRY) + 2 * len(SERVICES) + len(keepers())


def test_who_may_write_and_read_is_what_the_broker_is_told() -> None:
    """Over a broker with one partner and one force."""
    names = {topic.name("sample") if topic.parameter else topic.name(): topic for topic in all_topics()}
    rules = expected_rules(names, {"partner.sample", "force.sample"})
    for name, topic in names.items():
        access = access_to(topic)
        for operation, actors in ((Operation.WRITE, access.write), (Operation.READ, access.read)):
            users = {rule.principal for rule in rules if rule.name == name and rule.operation is operation}
            assert users == {user_words(actor).replace(f"{{{actor}_id}}", "sample") for actor in actors}
        assert made()["channels"][channel_key(topic)]["x-access"] == {"write": list(access.write), "read": list(access.read)}


def test_there_is_an_operation_for_everybody_who_sends_or_receives_and_for_nobody_else() -> None:
    wanted = {
        f"{actor}.{action}.{channel_key(topic)}"
        for topic in all_topics()
        for action, actors in (("send", access_to(topic).write), ("receive", access_to(topic).read))
        for actor in actors
    }
    assert made()["operations"].keys() == wanted
    assert {name.partition(".")[0] for name in wanted} == set(ACTORS)


def payload_validator(key: str) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator({"$ref": f"#/components/schemas/{key}", "components": made()["components"]})


@pytest.mark.parametrize("name", sorted(messages()))
def test_a_messages_example_is_valid_a_field_less_is_not_and_one_more_for_readers_alone(name: str) -> None:
    key = key_of(messages()[name])
    message = made()["components"]["messages"][key]
    (example,) = message["examples"]
    assert payload_validator(key).is_valid(example["payload"])
    assert payload_validator(key).is_valid({**example["payload"], "other": 1}) == (name not in HUB_READS)
    required = made()["components"]["schemas"][key].get("required", ())
    for field in required:
        assert not payload_validator(key).is_valid(
            {other: part for other, part in example["payload"].items() if other != field}
        )


def test_every_field_is_described() -> None:
    assert list(undescribed(made(), "")) == []


def undescribed(node: Any, path: str) -> Iterator[str]:
    """Where a field has no description. Beside a reference none would be read: there the schema that it leads to has one."""
    for name, field in fields_of(node):
        found = {**field, **(made()["components"]["schemas"][field["$ref"].rpartition("/")[2]] if "$ref" in field else {})}
        if not found.get("description", "").strip():
            yield f"{path}.{name}"
    inner = enumerate(node) if isinstance(node, list) else node.items() if isinstance(node, dict) else ()
    for step, each in inner:
        if step not in {"examples", "default"}:
            yield from undescribed(each, f"{path}.{step}")


def fields_of(node: Any) -> list[tuple[str, dict[str, Any]]]:
    held = node.get("properties") if isinstance(node, dict) else None
    return list(held.items()) if isinstance(held, dict) else []


@pytest.mark.parametrize("topic", [topic for topic in REGISTRY if topic.edge], ids=lambda topic: topic.template)
def test_structured_mode_is_described_where_it_is_read(topic: Topic) -> None:
    for message in topic.messages:
        described = made()["components"]["messages"][f"{key_of(message)}.structured"]
        whole = described["payload"] | {"components": made()["components"]}
        (example,) = described["examples"]
        assert jsonschema.Draft7Validator(whole).is_valid(example["payload"])
        assert not jsonschema.Draft7Validator(whole).is_valid(example["payload"] | {"type": "other"})
        assert not jsonschema.Draft7Validator(whole).is_valid({**example["payload"], "data": {}})


def test_an_order_to_replay_is_what_the_chassis_reads() -> None:
    order = json.loads(spell(Replay(7, b"digest", "jo.smith", "The cause is mended")))
    snapshot = json.loads(spell_snapshot(SnapshotOrder(UUID(int=7), "jo.smith", "The console's database is lost")))
    described = made()["components"]["messages"]["replay"]["payload"]
    assert set(described["properties"]) == order.keys() | snapshot.keys()
    assert set(described["required"]) == order.keys() & snapshot.keys()
    assert all(jsonschema.Draft7Validator(described).is_valid(each) for each in (order, snapshot))


def test_a_dead_letters_headers_are_those_that_the_chassis_writes() -> None:
    written = unpack_headers(_headers(1, "intake", raw_record("t", "k", [], None), Cause("reason")))
    described = made()["components"]["messages"]["dead-letter"]["headers"]
    assert {name for name, _ in written} == set(described["required"]) == set(described["properties"])


def test_the_only_way_in_is_scram_over_tls() -> None:
    servers, schemes = made()["servers"], made()["components"]["securitySchemes"]
    assert [server["protocol"] for server in servers.values()] == ["kafka-secure"]
    assert [scheme["type"] for scheme in schemes.values()] == ["scramSha512"]
    assert all(server["security"] for server in servers.values())
