"""Nobody outside can stop a service by what they do: a record that fails is blamed on whom it names, in whatever service."""

import importlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conduit_chassis.records import Reader, Refusal, is_others
from conduit_chassis.testing import VERIFIER, raw_record, signed
from conduit_contracts import topics
from conduit_contracts.envelope import Message
from conduit_contracts.topics import Topic

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
READ = [
    (service, topic, message)
    for service in topics.SERVICES
    for topic in topics.consumed_by(service)
    for message in topic.messages
]
PRINCIPAL = "example-principal"


@cache
def reader_of(name: str) -> Reader:
    service = importlib.import_module(f"conduit_{name}.app").create_service()
    return Reader(name, service.reads(), service.readers, VERIFIER)


def named(found: Any, name: str) -> Iterator[str]:
    """Every value of this field, wherever in the message it stands."""
    if isinstance(found, dict):
        if isinstance(found.get(name), str):
            yield found[name]
        for each in found.values():
            yield from named(each, name)
    elif isinstance(found, list):
        for each in found:
            yield from named(each, name)


def to_blame(topic: Topic, value: Any) -> set[str]:
    """Any of these: the topic's own principal, or the first of a partner, a force and an officer whom the message names."""
    if is_others(topic):
        return {PRINCIPAL if topic.parameter else topic.template}
    for field in ("partner_id", "force_id", "officer_id"):
        if found := set(named(value, field)):
            return found
    return {each.partition(":")[2] for each in named(value, "audience")}


@pytest.mark.parametrize(
    ("service", "topic", "message"), READ, ids=[f"{service} {message.type}" for service, _, message in READ]
)
def test_whatever_a_service_reads_it_knows_whose_doing_it_is(service: str, topic: Topic, message: type[Message]) -> None:
    example = json.loads((EXAMPLES / f"{message.type}.json").read_text(encoding="utf-8"))
    headers = [(name, text.encode()) for name, text in example["headers"].items()]
    name = topic.name(PRINCIPAL if topic.parameter else None)
    made = signed(raw_record(name, example["key"], headers, json.dumps(example["value"]).encode()))
    item = reader_of(service).read(made)
    assert not isinstance(item.content, Refusal)
    expected = to_blame(topic, example["value"])
    assert expected, "a message that names nobody: say in records.py whose doing it is"
    assert item.blamed in expected


def test_words_name_nobody() -> None:
    reader = reader_of("triage")
    said = json.dumps({"text": '"partner_id":"another"', "supplement": {"partner_id": "northlight"}}).encode()
    assert reader.read(raw_record(topics.INTAKE_REFERRALS.name(), "k", [], said)).blamed == "northlight"
    alone = json.dumps({"text": '"partner_id":"another"'}).encode()
    assert reader.read(raw_record(topics.INTAKE_REFERRALS.name(), "k", [], alone)).blamed == ""
