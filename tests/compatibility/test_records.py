"""With the wheel that partners and forces have: each side reads what the other writes, and loses nothing of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from conduit_chassis.records import Reader, Record, Refusal
from conduit_contracts.envelope import Attributes, dump, encode
from conduit_contracts.programme import PartnerRegistered
from conduit_contracts.schemas import committed, messages, schema
from conduit_contracts.topics import REGISTRY, SERVICES, Topic, consumed_by
from conduit_intake.submissions import Partner
from conduit_notification.readers import READERS as NOTIFICATION
from contracts.tests.support import Json, examples
from tests.compatibility import released

PUBLISHED = committed()[released.VERSION]
READERS: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "intake": {PartnerRegistered.type: Partner},
    "notification": NOTIFICATION,
}
PRINCIPAL = {"partner_id": "example-haven", "force_id": "west-midlands", None: None}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released.unpacked(tmp_path_factory.mktemp("released"))


def topic_of(name: str) -> Topic:
    return next(topic for topic in REGISTRY if name in {message.type for message in topic.messages})


def test_todays_services_read_what_the_published_release_writes(wheel: Path) -> None:
    """Its records still lie on the topics when the services are upgraded, and its kits go on writing."""
    bodies = [
        {"type": name, "value": value}
        for name, made in PUBLISHED.items()
        for value in released.variants(made, made["examples"][0])
    ]
    records = released.ask(wheel, "write", bodies)
    written = [(body["type"], record) for body, record in zip(bodies, records, strict=True) if record]
    assert {name for name, _ in written} == PUBLISHED.keys()
    assert len(written) > 500
    for service in SERVICES:
        topics = consumed_by(service)
        reader = Reader(service, topics, READERS.get(service, {}))
        for name, record in written:
            if topic_of(name) in topics:
                read_by(reader, topic_of(name), record)
    for name, record in written:
        message = messages()[name].model_validate_json(record["value"], extra="ignore")
        assert released.contains(json.loads(dump(message)), json.loads(record["value"])), name


def read_by(reader: Reader, topic: Topic, record: Json) -> None:
    headers = tuple((name, text.encode()) for name, text in record["headers"])
    name = topic.name(PRINCIPAL[topic.parameter])
    value = record["value"].encode()
    found = Record(topic=name, partition=0, offset=0, key=None, headers=headers, value=value, timestamp_ms=0)
    content = reader.read(found).content
    if topic.signed:
        # The one exception: nobody signed commands then, so none is taken. Its officer is told, and the case waits.
        assert isinstance(content, Refusal)
        assert [problem.code for problem in content.problems] == ["signature_missing"]
        return
    assert not isinstance(content, Refusal), (topic.template, content.problems, record["value"])


def test_the_published_kits_and_services_read_what_todays_services_write(wheel: Path) -> None:
    """Forces and partners upgrade when they can, and while an upgrade is rolled out both releases run side by side."""
    sent = [
        {"topic": topic.template, "type": message.type, **record}
        for topic in REGISTRY
        if not topic.edge
        for message in topic.messages
        for record in written_today(message.type)
    ]
    answers = released.ask(wheel, "read", sent)
    assert len(sent) > 500
    for record, answer in zip(sent, answers, strict=True):
        if record["type"] in PUBLISHED:
            assert "value" in answer, (record["type"], answer, record["value"])
            assert released.contains(json.loads(record["value"]), answer["value"]), record["type"]
        else:
            assert answer == {"problems": [["type_not_accepted", "ce_type"]]}, "a new type is passed over by its name"


def written_today(name: str) -> list[Json]:
    """Records of one message as a service writes them, in every variant that its model allows."""
    model, found = messages()[name], []
    for value in released.variants(schema(model), examples()[name].value):
        try:
            message = model.model_validate_json(json.dumps(value))
        except ValidationError:
            continue
        headers, raw = encode(message, Attributes("1", "/conduit", name, datetime(2026, 11, 29, tzinfo=UTC)))
        found.append({"headers": [[key, text.decode()] for key, text in headers], "value": raw.decode()})
    return found
