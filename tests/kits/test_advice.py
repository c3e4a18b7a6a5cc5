"""A force's connector follows national advice: all that holds, then what changes, and each until it was dealt with."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.kits.force import ForceAdvice, ForceAdviceNotes, ForceKit
from conduit_contracts.programme import AdvicePublished, AdviceWithdrawn
from conduit_contracts.topics import ADVICE
from conduit_operate.topics import create_topics
from contracts.tests.support import examples
from tests.kits.broker import Hub

SECONDS = 30


@pytest.fixture
def kit(hub: Hub, tmp_path: Path) -> ForceKit:
    """Of a force of its own. The topic is one for all forces, and may hold other tests' notes."""
    create_topics(hub.bootstrap_servers, [spec for spec in topics.specs((), ()) if spec.name == ADVICE.name()])
    return ForceKit(hub.force_id, hub.settings, tmp_path / "ledger")


def tell(hub: Hub, message: AdvicePublished | AdviceWithdrawn) -> None:
    attributes = Attributes(str(uuid7()), "/conduit/programme", message.type, datetime.now(UTC))
    hub.put(ADVICE.name(), *encode(message, attributes), key=str(message.note_id))


def published(title: str) -> AdvicePublished:
    body = {**examples()[AdvicePublished.type].value, "note_id": str(uuid7()), "title": title}
    return AdvicePublished.model_validate_json(json.dumps(body))


async def of(notes: ForceAdviceNotes, *note_ids: UUID) -> ForceAdvice:
    """The next about one of these."""
    async for note in notes:
        if note.message.note_id in note_ids:
            return note
    raise AssertionError("it never ends")


async def test_advice_is_followed_from_all_that_holds_to_what_changes(hub: Hub, kit: ForceKit) -> None:
    first, second = published("Synthetic: one"), published("Synthetic: two")
    ids = (first.note_id, second.note_id)
    for each in (first, second):
        tell(hub, each)
    async with asyncio.timeout(SECONDS), kit.advice() as notes:
        assert [(await of(notes, *ids)).message for _ in ids] == [first, second]
        withdrawn = AdviceWithdrawn(note_id=first.note_id, withdrawn_at=datetime.now(UTC), explanation="Synthetic")
        tell(hub, withdrawn)
        assert (await of(notes, *ids)).message.type == AdviceWithdrawn.type
    tell(hub, published("Synthetic: after all"))
    async with asyncio.timeout(SECONDS), kit.advice() as notes:
        assert (await anext(notes)).message.note_id not in ids, "it goes on where it left off"
    async with asyncio.timeout(SECONDS), kit.advice("another-desk") as notes:
        assert (await of(notes, *ids)).message == first, "and each name reads all of it"


async def test_a_note_that_was_not_dealt_with_comes_again(hub: Hub, kit: ForceKit) -> None:
    note = published("Synthetic: again")
    tell(hub, note)

    async def fail() -> None:
        async with asyncio.timeout(SECONDS), kit.advice() as notes:
            await of(notes, note.note_id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with asyncio.timeout(SECONDS), kit.advice() as notes:
        assert (await of(notes, note.note_id)).message == note
